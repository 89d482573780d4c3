//! `apiserver_request_*` and `apiserver_response_sizes`: what was asked for, what became of it, and how long that took.

use std::time::Duration;

use apiserver_api::user::APISERVER;
use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec, exponential_buckets};

use super::Make;
use super::field_validation::FieldValidation;
use super::labels::{COMPONENT, Route, dry_run, known_path, routed_verb, scope, verb};
use crate::request::Call;
use crate::zpages::GROUP;

/// What is measured for service levels leaves out the times that are good anyway.
pub(super) const SLI: [f64; 21] = [
    0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0,
];
const ALL: [f64; 23] = [
    0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.25, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0, 30.0,
    45.0, 60.0,
];

/// Requests. The order of labels is such that two different sets of values never read the same when they are put together,
/// which is how the library tells them apart.
pub(crate) struct Requests {
    total: IntCounterVec,
    seconds: HistogramVec,
    sli: HistogramVec,
    sizes: HistogramVec,
    own: IntCounterVec,
    deprecated: IntGaugeVec,
    terminations: IntCounterVec,
    aborts: IntCounterVec,
    validation: FieldValidation,
}

const PLACE: [&str; 6] = ["verb", "group", "version", "resource", "scope", "subresource"];

impl Requests {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        let with = |more: &[&'static str]| [&PLACE, more].concat();
        Ok(Self {
            total: make.counters(
                "apiserver_request_total",
                "[STABLE] Requests by verb, dry run, resource, scope, component and the code of the answer.",
                &with(&["dry_run", "component", "code"]),
            )?,
            seconds: make.histograms(
                "apiserver_request_duration_seconds",
                "[STABLE] How long requests took, by verb, dry run, resource, scope and component.",
                &ALL,
                &with(&["dry_run", "component"]),
            )?,
            sli: make.histograms(
                "apiserver_request_sli_duration_seconds",
                "[ALPHA] How long requests took but for webhooks and queues, by verb, resource, scope and component.",
                &SLI,
                &with(&["component"]),
            )?,
            sizes: make.histograms(
                "apiserver_response_sizes",
                "[STABLE] How many bytes answers have, by verb, resource, scope and component.",
                &exponential_buckets(1000.0, 10.0, 7)?,
                &with(&["component"]),
            )?,
            own: make.counters(
                "apiserver_selfrequest_total",
                "[ALPHA] Requests of the apiserver to itself by verb and resource.",
                &["verb", "group", "resource", "subresource"],
            )?,
            deprecated: make.gauges(
                "apiserver_requested_deprecated_apis",
                "[STABLE] Resources that were asked for and should not be any more, and the release that lacks them.",
                &["group", "version", "resource", "subresource", "removed_release"],
            )?,
            terminations: make.counters(
                "apiserver_request_terminations_total",
                "[ALPHA] Requests that the apiserver ended in self-defence, or that clients did not wait for.",
                &with(&["component", "code"]),
            )?,
            aborts: make.counters(
                "apiserver_request_aborts_total",
                "[ALPHA] Answers that broke off before their end.",
                &PLACE,
            )?,
            validation: FieldValidation::new(make)?,
        })
    }

    /// A request was answered: with this code, so many bytes, in this time.
    pub(crate) fn answered(&self, call: &Call, route: &Route, code: &str, bytes: u64, took: Duration) {
        let (verb, dry) = (routed_verb(call, route), dry_run(call));
        let place = place(call, verb, route);
        let [verb, group, version, resource, scope, part] = place;
        let component = route.component;
        self.total
            .with_label_values(&[verb, group, version, resource, scope, part, dry, component, code])
            .inc();
        let seconds = took.as_secs_f64();
        self.seconds
            .with_label_values(&[verb, group, version, resource, scope, part, dry, component])
            .observe(seconds);
        self.validation.answered(call, took);
        let rest = [verb, group, version, resource, scope, part, component];
        if dry.is_empty() {
            self.sli.with_label_values(&rest).observe(seconds);
        }
        let reads = call.method == http::Method::GET && !route.watches && verb != "CONNECT";
        if reads {
            self.sizes.with_label_values(&rest).observe(float(bytes));
        }
        if call.user.name == APISERVER {
            self.own(verb, group, resource, part);
        }
        if let Some(warning) = route.deprecated {
            let removed = removed_release(warning);
            let labels = [group, version, resource, part, removed];
            self.deprecated.with_label_values(&labels).set(1);
        }
    }

    /// The server asked itself for something.
    pub(crate) fn own(&self, verb: &str, group: &str, resource: &str, subresource: &str) {
        self.own.with_label_values(&[verb, group, resource, subresource]).inc();
    }

    /// A request found no place among those that are being answered.
    pub(crate) fn dropped(&self, call: &Call, route: Option<&Route>) {
        let (dry, [verb, group, version, resource, scope, part]) = (dry_run(call), unrouted(call, route));
        // Upstream leaves the path out here.
        let part = if call.info.is_resource { part } else { "" };
        self.total
            .with_label_values(&[verb, group, version, resource, scope, part, dry, COMPONENT, "429"])
            .inc();
        self.terminated(call, route, "429");
    }

    /// A request was ended before it had its answer.
    pub(crate) fn terminated(&self, call: &Call, route: Option<&Route>, code: &str) {
        let [verb, group, version, resource, scope, part] = unrouted(call, route);
        self.terminations
            .with_label_values(&[verb, group, version, resource, scope, part, COMPONENT, code])
            .inc();
    }

    /// An answer broke off.
    pub(crate) fn aborted(&self, call: &Call, route: Option<&Route>) {
        self.aborts.with_label_values(&unrouted(call, route)).inc();
    }
}

/// The labels of a request that a route took.
fn place<'c>(call: &'c Call, verb: &'static str, route: &Route) -> [&'c str; 6] {
    let info = &call.info;
    if route.is_resource() {
        let (group, version, resource) = (info.group.as_str(), info.version.as_str(), info.resource.as_str());
        [verb, group, version, resource, route.scope, &info.subresource]
    } else if let Some((page, version)) = route.page {
        let group = if version.is_empty() { "" } else { GROUP };
        [verb, group, version, page, "", ""]
    } else {
        [verb, "", "", "", "", route.path]
    }
}

/// The labels of a request that did not come that far. What is no resource of this server has no name.
fn unrouted<'c>(call: &'c Call, route: Option<&Route>) -> [&'c str; 6] {
    let info = &call.info;
    let scope = scope(info);
    let verb = verb(call, scope);
    match route {
        Some(route) if route.is_resource() => {
            let (group, version, resource) = (info.group.as_str(), info.version.as_str(), info.resource.as_str());
            [verb, group, version, resource, scope, &info.subresource]
        }
        _ if info.is_resource => [verb, "", "", "", scope, ""],
        _ => [verb, "", "", "", scope, known_path(&call.path)],
    }
}

/// The release that lacks what a warning is about: `1.29` of `unavailable in v1.29+`.
fn removed_release(warning: &str) -> &str {
    let rest = warning.split_once("unavailable in v").map_or("", |(_, rest)| rest);
    let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    &rest[..end.unwrap_or(rest.len())]
}

/// A histogram's value is a float; sizes this large are not exact, which no dashboard sees.
#[expect(clippy::cast_precision_loss, reason = "a histogram's value is a float")]
pub(super) fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use apiserver_api::user::User;

    use super::removed_release;
    use crate::catalog::Catalog;
    use crate::discovery::Served;
    use crate::metrics::Route;
    use crate::metrics::tests::Trial;
    use crate::request::tests::call;

    fn answer(trial: &Trial, method: &str, target: &str, code: &str) {
        let catalog = Catalog::new(&Served::default(), |_| None);
        let mut call = call(method, target);
        call.user = User::apiserver();
        let route = Route::of(&catalog, &call).unwrap();
        let requests = &trial.metrics.requests;
        requests.answered(&call, &route, code, 5000, Duration::from_millis(30));
    }

    #[test]
    fn an_answer_is_counted_measured_and_weighed() {
        let trial = Trial::new();
        answer(&trial, "GET", "/api/v1/namespaces/n/pods", "200");
        let place = r#"component="apiserver",dry_run="",group="",resource="pods",scope="namespace",subresource="",verb="LIST",version="v1""#;
        let rest = place.replace(r#"dry_run="","#, "");
        trial.shows(&[
            &format!(r#"apiserver_request_total{{code="200",{place}}} 1"#),
            &format!(r#"apiserver_request_duration_seconds_bucket{{{place},le="0.025"}} 0"#),
            &format!(r#"apiserver_request_duration_seconds_bucket{{{place},le="0.05"}} 1"#),
            &format!(r#"apiserver_request_sli_duration_seconds_bucket{{{rest},le="0.05"}} 1"#),
            &format!(r#"apiserver_response_sizes_bucket{{{rest},le="1000"}} 0"#),
            &format!(r#"apiserver_response_sizes_bucket{{{rest},le="10000"}} 1"#),
            &format!(r"apiserver_response_sizes_sum{{{rest}}} 5000"),
            r#"apiserver_selfrequest_total{group="",resource="pods",subresource="",verb="LIST"} 1"#,
        ]);
    }

    #[test]
    fn a_dry_run_counts_for_no_service_level_and_a_write_has_no_size() {
        let trial = Trial::new();
        answer(
            &trial,
            "POST",
            "/apis/apps/v1/namespaces/n/deployments?dryRun=All",
            "201",
        );
        trial.shows(&[
            r#"apiserver_request_total{code="201",component="apiserver",dry_run="All",group="apps",resource="deployments",scope="resource",subresource="",verb="POST",version="v1"} 1"#,
        ]);
        trial.lacks(&["apiserver_request_sli_duration_seconds", "apiserver_response_sizes"]);
    }

    #[test]
    fn a_health_check_is_counted_by_its_path() {
        let trial = Trial::new();
        answer(&trial, "GET", "/livez", "200");
        trial.shows(&[
            r#"apiserver_request_total{code="200",component="",dry_run="",group="",resource="",scope="",subresource="/livez",verb="GET",version=""} 1"#,
        ]);
    }

    #[test]
    fn a_page_is_counted_as_a_resource_of_the_version_it_was_told_in() {
        let trial = Trial::new();
        let catalog = Catalog::new(&Served::default(), |_| None);
        let call = call("GET", "/statusz");
        let route = Route::of(&catalog, &call).unwrap();
        assert!(!route.counts(&call, 404, "text/plain") && route.counts(&call, 406, "application/json"));
        let requests = &trial.metrics.requests;
        requests.answered(&call, &route, "200", 5, Duration::ZERO);
        let route = route.told("application/json;g=config.k8s.io;v=v1alpha1;as=Statusz");
        requests.answered(&call, &route, "200", 5, Duration::ZERO);
        trial.shows(&[
            r#"apiserver_request_total{code="200",component="apiserver",dry_run="",group="",resource="statusz",scope="",subresource="",verb="GET",version=""} 1"#,
            r#"apiserver_request_total{code="200",component="apiserver",dry_run="",group="config.k8s.io",resource="statusz",scope="",subresource="",verb="GET",version="v1alpha1"} 1"#,
            r#"apiserver_requested_deprecated_apis{group="config.k8s.io",removed_release="",resource="statusz",subresource="",version="v1alpha1"} 1"#,
        ]);
    }

    #[test]
    fn what_should_not_be_asked_for_any_more_is_told() {
        let trial = Trial::new();
        answer(&trial, "GET", "/api/v1/namespaces/n/endpoints/e", "404");
        trial.shows(&[
            r#"apiserver_requested_deprecated_apis{group="",removed_release="",resource="endpoints",subresource="",version="v1"} 1"#,
        ]);
        let warning = "policy/v1beta1 PodSecurityPolicy is deprecated in v1.21+, unavailable in v1.25+; use x";
        assert_eq!(removed_release(warning), "1.25");
    }

    #[test]
    fn what_was_refused_or_broke_off_is_counted() {
        let trial = Trial::new();
        let catalog = Catalog::new(&Served::default(), |_| None);
        let list = call("GET", "/api/v1/pods");
        let route = Route::of(&catalog, &list);
        trial.metrics.requests.dropped(&list, route.as_ref());
        trial
            .metrics
            .requests
            .terminated(&call("GET", "/healthz/etcd"), None, "504");
        trial.metrics.requests.aborted(&call("GET", "/api/v1/nopes"), None);
        let pods = r#"group="",resource="pods",scope="cluster",subresource="",verb="LIST",version="v1"} 1"#;
        trial.shows(&[
            &format!(r#"apiserver_request_total{{code="429",component="apiserver",dry_run="",{pods}"#),
            &format!(r#"apiserver_request_terminations_total{{code="429",component="apiserver",{pods}"#),
            r#"apiserver_request_terminations_total{code="504",component="apiserver",group="",resource="",scope="",subresource="/healthz",verb="GET",version=""} 1"#,
            r#"apiserver_request_aborts_total{group="",resource="",scope="cluster",subresource="",verb="LIST",version=""} 1"#,
        ]);
    }
}
