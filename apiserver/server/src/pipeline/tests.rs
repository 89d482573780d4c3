//! What is said and counted beside answers. The store of these tests does not answer: nothing of what is tested needs it.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use apiserver_access::authenticate;
use apiserver_access::authorize::modes;
use apiserver_access::rbac::Rbac;
use apiserver_admission::{Chain, Choice, Configurations, Parts as PluginParts};
use apiserver_storage::cluster::Cluster;
use apiserver_storage::store::Store;
use axum::body::Body;
use base::clock::{Clock, SystemClock};
use base::random::{Random, Seeded};
use base::task::Tasks;
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use prometheus::Registry;
use store_client::{Client, Options as StoreOptions};

use super::{Pipeline, percent_decoded, write_warnings};
use crate::answer::Answer;
use crate::catalog::{Catalog, Kept};
use crate::components::Components;
use crate::connect::{self, Connect, Direct};
use crate::discovery::Served;
use crate::drain::{self, Drain};
use crate::filters::{self, Filters};
use crate::health::{Health, Patience};
use crate::impersonate::Impersonation;
use crate::in_flight::InFlight;
use crate::inside::hooks::Hooks;
use crate::machine::{Late, Machine};
use crate::metrics::{Metrics, Page, Shown, ShownOptions};
use crate::openapi::{Documents, Options as DocumentOptions};
use crate::paths::{Paths, Told};
use crate::zpages;

/// What a trial is like.
pub(crate) struct Setup {
    pub(crate) mode: &'static str,
    /// How many that read are answered at once.
    pub(crate) reading: usize,
    pub(crate) filters: filters::Options,
    pub(crate) drain: drain::Options,
    pub(crate) deadline: Duration,
    pub(crate) swagger_ui: bool,
    pub(crate) profiling: bool,
    /// The other parts of the control plane, by name, and where they say that they are well.
    pub(crate) local: Vec<(&'static str, String)>,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            mode: "AlwaysAllow",
            reading: 0,
            filters: filters::Options::default(),
            drain: drain::Options::default(),
            deadline: Duration::from_secs(60),
            swagger_ui: false,
            profiling: true,
            local: Vec::new(),
        }
    }
}

fn admission(clock: Arc<dyn Clock>, random: Arc<dyn Random>, registry: &Registry) -> Chain {
    let plugins = PluginParts {
        clock,
        random,
        not_ready_toleration_seconds: 300,
        unreachable_toleration_seconds: 300,
        configurations: Configurations::default(),
    };
    let mut admission = Chain::new(&Choice::default(), &plugins).unwrap();
    admission.measure(registry).unwrap();
    admission
}

/// A store that does not answer.
pub(crate) fn store(registry: &Registry, tasks: &Tasks) -> Arc<Store> {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let client = Client::new(StoreOptions::new([endpoint]), tasks).unwrap();
    // Listens for as long as the test lives, and takes no connection.
    std::mem::forget(silent);
    let counted = Arc::new(apiserver_storage::metrics::Metrics::new(registry).unwrap());
    Store::open(
        client,
        "/registry",
        Catalog::layouts(1 << 20),
        Duration::from_secs(60),
        counted,
        tasks,
    )
}

fn catalog(served: &Served, store: &Arc<Store>) -> Catalog {
    Catalog::new(served, |folder| {
        Some(Kept {
            store: store.clone(),
            shelf: store.shelf(folder)?.clone(),
            cached: true,
        })
    })
}

fn paths(served: Served, store: Arc<Store>, metrics: Arc<Metrics>, told: Told) -> Paths {
    let health = Health::new(
        vec![store.clone()],
        Patience::default(),
        Hooks::new(),
        Arc::new(AtomicBool::new(false)),
        metrics.clone(),
    );
    let page = Page {
        metrics,
        stores: vec![store],
        services: None,
        shown: Shown::new(ShownOptions::default()).unwrap(),
    };
    let documents = DocumentOptions {
        version: "1.36".to_owned(),
        enums: false,
        cbor: false,
    };
    let documents = Arc::new(Documents::new(served.clone(), documents));
    Paths::new(served, documents, Arc::new(health), page, told)
}

/// A pipeline over a store that does not answer.
pub(crate) fn pipeline(setup: Setup) -> Arc<Pipeline> {
    let (tasks, registry) = (Tasks::new(), Registry::new());
    let metrics = Arc::new(Metrics::new(&registry, &[]).unwrap());
    let (served, store) = (Served::default(), store(&registry, &tasks));
    let late = Arc::new(Late::default());
    let cluster: Arc<dyn Cluster> = late.clone();
    let authorization = apiserver_access::authorize::Metrics::new(&registry).unwrap();
    let modes = modes::Options {
        modes: vec![setup.mode.to_owned()],
        ..modes::Options::default()
    };
    let rbac = Arc::new(Rbac::new(cluster.clone()));
    let authorizer = modes.chain(&cluster, &rbac, &authorization).unwrap();
    let (clock, random) = (Arc::new(SystemClock::new()), Arc::new(Seeded::new(1)));
    let admission = admission(clock.clone(), random.clone(), &registry);
    let parts = authenticate::Parts {
        cluster,
        clock: clock.clone(),
        random: random.clone(),
        metrics: Arc::new(authenticate::Metrics::new(&registry).unwrap()),
    };
    let tokens = authenticate::Options {
        bootstrap_tokens: true,
        ..authenticate::Options::default()
    };
    let machine = Arc::new(Machine {
        catalog: catalog(&served, &store),
        admission,
        authorizer: Arc::new(authorizer),
        rbac,
        authenticator: authenticate::Chain::new(tokens, &parts),
        impersonation: Impersonation::default(),
        clock,
        random: random.clone(),
        token_requests: None,
        services: None,
        event_ttl: Duration::from_secs(3600),
        watch_min: Duration::from_secs(1800),
        collection_workers: 1,
        connect: Connect::new(connect::Settings::default(), Arc::new(Direct), &tasks).unwrap(),
        components: Components::of(setup.local, Vec::new()),
        metrics: metrics.clone(),
    });
    late.set(&machine);
    let told = Told {
        address: "h:1".to_owned(),
        tokens: Some(("{}".to_owned(), "{}".to_owned())),
        zpages: zpages::Options {
            statusz: true,
            flagz: None,
        },
        swagger_ui: setup.swagger_ui,
        profiling: setup.profiling,
        random: random.clone(),
        tasks,
    };
    Arc::new(Pipeline {
        machine,
        paths: paths(served, store, metrics, told),
        in_flight: InFlight::new(setup.reading, 0),
        deadline: setup.deadline,
        authorization,
        filters: Filters::new(&setup.filters, random).unwrap(),
        drain: Drain::new(setup.drain),
    })
}

pub(crate) async fn ask(pipeline: &Arc<Pipeline>, request: Request<Body>) -> Answer {
    let Ok(answer) = pipeline.clone().serve(None, request).await;
    answer
}

pub(crate) async fn get(pipeline: &Arc<Pipeline>, target: &str) -> Answer {
    let request = Request::get(target).body(Body::empty()).unwrap();
    ask(pipeline, request).await
}

pub(crate) async fn text(answer: Answer) -> String {
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What `/metrics` shows of these families.
pub(crate) async fn shown(pipeline: &Arc<Pipeline>, family: &str) -> Vec<String> {
    let all = text(get(pipeline, "/metrics").await).await;
    let lines = all.lines().filter(|line| line.starts_with(family));
    lines.map(str::to_owned).collect()
}

#[tokio::test(start_paused = true)]
async fn every_answer_says_what_all_say() {
    let pipeline = pipeline(Setup::default());
    for target in ["/version", "/nowhere", "/api/v1/nopes"] {
        let answer = get(&pipeline, target).await;
        assert_eq!(answer.headers()["audit-id"].len(), 36);
        assert_eq!(answer.headers()["cache-control"], "no-cache, private");
    }
    let none: [String; 0] = [];
    assert_eq!(shown(&pipeline, "apiserver_request_total").await, none);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_is_counted_as_ended() {
    let pipeline = pipeline(Setup {
        deadline: Duration::from_secs(1),
        ..Setup::default()
    });
    let answer = get(&pipeline, "/api/v1/namespaces/n/pods/p").await;
    assert_eq!(answer.status(), 504, "{}", text(answer).await);
    let place =
        r#"component="apiserver",group="",resource="pods",scope="resource",subresource="",verb="GET",version="v1"} 1"#;
    let ended = format!(r#"apiserver_request_terminations_total{{code="504",{place}"#);
    assert_eq!(shown(&pipeline, "apiserver_request_terminations_total").await, [ended]);
    let place = place.replace(r#"apiserver","#, r#"apiserver",dry_run="","#);
    let counted = format!(r#"apiserver_request_total{{code="504",{place}"#);
    assert_eq!(shown(&pipeline, "apiserver_request_total").await, [counted]);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_nobody_waits_for_any_more_is_counted_as_ended() {
    let pipeline = pipeline(Setup::default());
    let asked = get(&pipeline, "/api/v1/namespaces/n/pods/p");
    let given_up = tokio::time::timeout(Duration::from_secs(1), asked).await;
    assert!(given_up.is_err());
    assert_eq!(shown(&pipeline, "apiserver_request_terminations_total").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_may_not_is_counted_where_it_is_found_out_and_not_as_answered() {
    let pipeline = pipeline(Setup {
        mode: "AlwaysDeny",
        ..Setup::default()
    });
    assert_eq!(get(&pipeline, "/api/v1/pods").await.status(), 403);
    let metrics = &pipeline.machine.metrics;
    assert_eq!(metrics.filters.authorization.get_sample_count(), 1);
    assert_eq!(metrics.filters.authentication.get_sample_count(), 1);
    let masters = {
        let mut parts = Request::get("/api/v1/pods").body(Body::empty()).unwrap();
        parts
            .headers_mut()
            .insert("authorization", "Bearer nope".parse().unwrap());
        parts
    };
    assert_eq!(ask(&pipeline, masters).await.status(), 401);
    assert_eq!(metrics.filters.authorization.get_sample_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_finds_no_place_is_counted_twice() {
    let pipeline = pipeline(Setup {
        reading: 1,
        ..Setup::default()
    });
    let held = pipeline.in_flight.enter(&crate::request::tests::call("GET", "/"));
    let answer = get(&pipeline, "/api/v1/pods").await;
    assert_eq!(answer.status(), 429);
    for (name, value) in [
        ("retry-after", "1"),
        ("content-type", "text/plain; charset=utf-8"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(answer.headers()[name], value);
    }
    assert_eq!(text(answer).await, "Too many requests, please try again later.\n");
    drop(held);
    let place = r#"group="",resource="pods",scope="cluster",subresource="",verb="LIST",version="v1"} 1"#;
    let dropped = format!(r#"apiserver_request_total{{code="429",component="apiserver",dry_run="",{place}"#);
    assert_eq!(shown(&pipeline, "apiserver_request_total").await, [dropped]);
    let ended = format!(r#"apiserver_request_terminations_total{{code="429",component="apiserver",{place}"#);
    assert_eq!(shown(&pipeline, "apiserver_request_terminations_total").await, [ended]);
}

#[tokio::test(start_paused = true)]
async fn checks_of_health_are_counted_by_path_and_told_apart() {
    let pipeline = pipeline(Setup::default());
    assert_eq!(get(&pipeline, "/livez?exclude=etcd").await.status(), 200);
    assert_eq!(get(&pipeline, "/livez/ping").await.status(), 200);
    let counted = r#"apiserver_request_total{code="200",component="",dry_run="",group="",resource="",scope="",subresource="/livez",verb="GET",version=""} 1"#;
    assert_eq!(shown(&pipeline, "apiserver_request_total").await, [counted]);
    let slis = get(&pipeline, "/metrics/slis").await;
    let media_type = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
    assert_eq!(slis.headers()["content-type"], media_type);
    let slis = text(slis).await;
    assert!(slis.contains(r#"kubernetes_healthchecks_total{name="ping",status="success",type="livez"} 1"#));
    assert!(!slis.contains(r#"name="etcd""#));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_nobody_asks_for_is_not_waited_for() {
    let pipeline = pipeline(Setup::default());
    let begun = tokio::time::Instant::now();
    for (path, said) in [
        ("/healthz/ping", "ok"),
        ("/readyz/shutdown", "ok"),
        ("/livez?exclude=etcd", "ok"),
        (
            "/livez?exclude=etcd&exclude=etcd&exclude=b&exclude=a&verbose",
            "[+]ping ok\n[+]log ok\n[+]etcd excluded: ok\n\
             warn: some health checks cannot be excluded: no matches for \"a\",\"b\"\nlivez check passed\n",
        ),
    ] {
        assert_eq!(text(get(&pipeline, path).await).await, said, "{path}");
    }
    assert_eq!(begun.elapsed(), Duration::ZERO);
    let failed = get(&pipeline, "/healthz/etcd").await;
    assert_eq!(failed.status(), 500);
    let said = text(failed).await;
    assert!(
        said.starts_with("internal server error: etcd did not answer within "),
        "{said}"
    );
    assert!(begun.elapsed() >= Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn a_browser_is_told_what_it_may_ask_before_anyone_is_asked_who_it_is() {
    let pipeline = pipeline(Setup {
        mode: "AlwaysDeny",
        filters: filters::Options {
            cors_allowed_origins: vec!["^https://a$".to_owned()],
            ..filters::Options::default()
        },
        ..Setup::default()
    });
    let ask_from = async |origin: &str| {
        let request = Request::options("/api/v1/pods").header("origin", origin);
        ask(&pipeline, request.body(Body::empty()).unwrap()).await.status()
    };
    assert_eq!(ask_from("https://a").await, 204);
    assert_eq!(ask_from("https://b").await, 403);
}

#[tokio::test(start_paused = true)]
async fn who_comes_while_the_server_stops_is_told_to_come_later() {
    let pipeline = pipeline(Setup {
        drain: drain::Options {
            send_retry_after: true,
            watch_grace: Duration::ZERO,
        },
        ..Setup::default()
    });
    pipeline.drain.run(pipeline.deadline, async || ()).await;
    let answer = get(&pipeline, "/version").await;
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["retry-after"]),
        (429, &"5".parse().unwrap())
    );
    assert_eq!(answer.headers()["connection"], "close");
    assert_eq!(
        text(answer).await,
        "The apiserver is shutting down, please try again later.\n"
    );
    assert_eq!(get(&pipeline, "/livez/ping").await.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn where_time_is_spent_is_shown_unless_that_is_off_and_pages_are_listed_where_they_are() {
    let on = pipeline(Setup {
        deadline: Duration::from_secs(1),
        ..Setup::default()
    });
    assert_eq!(get(&on, "/debug/pprof/").await.status(), 200);
    // It lasts as long as the client wants, and may have only what there is.
    assert!(super::is_long(&crate::request::tests::call(
        "GET",
        "/debug/pprof/profile"
    )));
    assert_eq!(get(&on, "/debug/pprof/heap").await.status(), 404);
    assert_eq!(get(&on, "/statusz").await.status(), 200);
    assert_eq!(get(&on, "/flagz").await.status(), 404);
    let index = text(get(&on, "/").await).await;
    assert!(
        index.contains("\"/statusz\"") && !index.contains("/flagz") && !index.contains("/debug"),
        "{index}"
    );
    let off = pipeline(Setup {
        profiling: false,
        ..Setup::default()
    });
    assert_eq!(get(&off, "/debug/pprof/").await.status(), 404);
}

#[tokio::test]
async fn a_post_names_what_it_asks_for_in_its_body() {
    let pipeline = pipeline(Setup::default());
    let request = Request::post("/debug/pprof/symbol").body(Body::from("0x1")).unwrap();
    assert_eq!(text(ask(&pipeline, request).await).await, "num_symbols: 1\n");
}

#[test]
fn a_warning_is_a_header_each() {
    let mut headers = HeaderMap::new();
    write_warnings(&["a \"b\"".to_owned(), "c".to_owned()], &mut headers);
    let texts: Vec<_> = headers.get_all("warning").iter().collect();
    assert_eq!(texts, [r#"299 - "a \"b\"""#, r#"299 - "c""#]);
}

#[test]
fn a_path_is_read_without_its_percent_signs() {
    assert_eq!(percent_decoded("/api/v1/a%2Fb%20c%zz%"), "/api/v1/a/b c%zz%");
}
