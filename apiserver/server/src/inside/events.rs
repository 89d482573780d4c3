//! What the parts tell of objects that are not as they should be, as events beside them.

use std::collections::HashMap;

use apiserver_api::meta;
use apiserver_api::names::dns_subdomain;
use apiserver_api::tree::Tree;
use parking_lot::Mutex;

use super::Parts;
use super::objects::{EVENTS, change, is_missing, now, object, tree, uuid};

/// How many events are remembered, so that what is told again is counted and not told anew.
const REMEMBERED: usize = 512;

/// What makes two tellings the same: the object, the reason and the message.
type Same = (String, String, String);

/// A teller of events.
pub(super) struct Events {
    parts: Parts,
    component: &'static str,
    host: String,
    /// The names of what was told.
    told: Mutex<HashMap<Same, String>>,
}

impl Events {
    /// A teller that upstream knows by this name, on this host.
    pub(super) fn new(parts: &Parts, component: &'static str, host: &str) -> Self {
        Self {
            parts: parts.clone(),
            component,
            host: host.to_owned(),
            told: Mutex::default(),
        }
    }

    /// Warns of an object. An event that cannot be written is logged and forgotten.
    pub(super) async fn warn(&self, about: &Tree, reason: &str, action: &str, message: &str) {
        let namespace = match meta::namespace(about) {
            "" => "default",
            namespace => namespace,
        };
        let of = format!("{}/{}/{}", meta::kind(about), namespace, meta::name(about));
        let same = (of, reason.to_owned(), message.to_owned());
        let name = self.told.lock().get(&same).cloned();
        if let Some(name) = name
            && self.count(namespace, &name).await
        {
            return;
        }
        let event = self.event(about, namespace, (reason, action, message));
        let name = meta::name(&event).to_owned();
        match self.parts.cluster.create(&EVENTS, event).await {
            Ok(_) => {
                let mut told = self.told.lock();
                if told.len() >= REMEMBERED {
                    told.clear();
                }
                told.insert(same, name);
            }
            Err(status) => tracing::warn!(%status, message, "an event could not be written"),
        }
    }

    /// Counts what was told once more; says whether the event is still there.
    async fn count(&self, namespace: &str, name: &str) -> bool {
        let last = now(&*self.parts.clock).to_string();
        let again = |event: &mut Tree| {
            event.set("count", event.int("count") + 1);
            event.set("lastTimestamp", last.clone());
            true
        };
        let changed = change(&*self.parts.cluster, &EVENTS, "", (namespace, name), again).await;
        !matches!(changed, Err(status) if is_missing(&status))
    }

    fn event(&self, about: &Tree, namespace: &str, (reason, action, message): (&str, &str, &str)) -> Tree {
        let time = now(&*self.parts.clock);
        // The clock is coarser than upstream's; chance tells two of the same moment apart.
        let nanos = time.unix_nanos() + i128::from(self.parts.random.below(1_000_000));
        let mut name = format!("{}.{nanos:x}", meta::name(about));
        if !dns_subdomain(&name).is_empty() {
            name = uuid(&*self.parts.random);
        }
        let mut event = object("v1", "Event", namespace, &name);
        let mut involved = tree([
            ("apiVersion", meta::api_version(about).into()),
            ("kind", meta::kind(about).into()),
            ("name", meta::name(about).into()),
            ("resourceVersion", meta::resource_version(about).into()),
            ("uid", meta::uid(about).into()),
        ]);
        if !meta::namespace(about).is_empty() {
            involved.set("namespace", namespace);
        }
        event.set("involvedObject", involved);
        if !action.is_empty() {
            event.set("action", action);
        }
        for (field, text) in [("type", "Warning"), ("reason", reason), ("message", message)] {
            event.set(field, text);
        }
        event.set("count", 1);
        for field in ["firstTimestamp", "lastTimestamp"] {
            event.set(field, time.to_string());
        }
        event.set(
            "source",
            tree([
                ("component", self.component.into()),
                ("host", self.host.as_str().into()),
            ]),
        );
        event.set("reportingComponent", self.component);
        event.set("reportingInstance", self.host.as_str());
        event
    }
}

#[cfg(test)]
mod tests {
    use super::Events;
    use crate::inside::objects::{EVENTS, IP_ADDRESSES, object};
    use crate::inside::testing::{Double, parts};

    #[tokio::test]
    async fn what_is_told_again_is_counted() {
        let (double, _, parts) = parts();
        let events = Events::new(&parts, "teller", "host");
        let about = object("networking.k8s.io/v1", "IPAddress", "", "fd00::1");
        events.warn(&about, "Leaked", "Check", "it leaked").await;
        events.warn(&about, "Leaked", "Check", "it leaked").await;
        events.warn(&about, "Leaked", "Check", "it leaked again").await;
        let written = double.list(&EVENTS);
        let mut counts: Vec<_> = written
            .iter()
            .map(|event| (event.text("message"), event.int("count")))
            .collect();
        counts.sort_unstable();
        assert_eq!(counts, [("it leaked", 2), ("it leaked again", 1)]);
    }

    #[tokio::test]
    async fn an_event_that_cannot_be_written_is_let_go() {
        let (double, _, parts) = parts();
        double.refuse(&EVENTS);
        let about = object("v1", "Service", "n", "s");
        Events::new(&parts, "teller", "host").warn(&about, "r", "", "m").await;
        assert_eq!(double.list(&EVENTS).len(), 0);
        assert_eq!(Double::new().list(&IP_ADDRESSES).len(), 0);
    }
}
