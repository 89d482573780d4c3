//! `apiserver_longrunning_requests`: watches, and connections to what objects stand for, that are open.

use prometheus::{IntGauge, IntGaugeVec};

use super::Make;
use super::labels::{COMPONENT, Route, known_path, scope, verb};
use crate::request::Call;

pub(crate) struct Long {
    open: IntGaugeVec,
}

/// A request that lasts, for as long as it is held.
pub(crate) struct Open(IntGauge);

impl Long {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            open: make.gauges(
                "apiserver_longrunning_requests",
                "[STABLE] Requests that last as long as the client wants and are open, by verb, resource, scope and component.",
                &["verb", "group", "version", "resource", "scope", "subresource", "component"],
            )?,
        })
    }

    /// A request is open from now on.
    pub(crate) fn open(&self, call: &Call, route: Option<&Route>) -> Open {
        let info = &call.info;
        let scope = scope(info);
        let verb = verb(call, scope);
        let labels = if route.is_some_and(Route::is_resource) {
            let (group, version, resource) = (info.group.as_str(), info.version.as_str(), info.resource.as_str());
            [
                verb,
                group,
                version,
                resource,
                scope,
                info.subresource.as_str(),
                COMPONENT,
            ]
        } else {
            [verb, "", "", "", scope, known_path(&call.path), COMPONENT]
        };
        let open = self.open.with_label_values(&labels);
        open.inc();
        Open(open)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::Catalog;
    use crate::discovery::Served;
    use crate::metrics::Route;
    use crate::metrics::tests::Trial;
    use crate::request::tests::call;

    #[test]
    fn a_watch_is_open_until_it_ends() {
        let trial = Trial::new();
        let catalog = Catalog::new(&Served::default(), |_| None);
        let call = call("GET", "/api/v1/namespaces/n/pods?watch=1");
        let open = trial.metrics.long.open(&call, Route::of(&catalog, &call).as_ref());
        let line = r#"apiserver_longrunning_requests{component="apiserver",group="",resource="pods",scope="namespace",subresource="",verb="WATCH",version="v1"}"#;
        trial.shows(&[&format!("{line} 1")]);
        drop(open);
        trial.shows(&[&format!("{line} 0")]);
    }
}
