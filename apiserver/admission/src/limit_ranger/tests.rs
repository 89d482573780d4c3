//! Limits over pods and claims: what is filled in, and what is refused.

use super::LimitRanger;
use crate::testing::{Ask, tree};

fn ask(range: &str) -> Ask {
    let range = format!(r#"{{"metadata":{{"name":"r","namespace":"t"}},"spec":{{"limits":[{range}]}}}}"#);
    let ask = Ask::create("", "v1", "Pod", "pods").within("t").named("a");
    ask.knowing("", "limitranges", &range)
}

fn pod(spec: &str) -> String {
    format!(r#"{{"metadata":{{"name":"a"}},"spec":{spec}}}"#)
}

/// A pod of one container.
fn one(requests: &str, limits: &str) -> String {
    pod(&format!(
        r#"{{"containers":[{{"name":"c","resources":{{"requests":{requests},"limits":{limits}}}}}]}}"#
    ))
}

async fn refused(range: &str, pod: &str) -> String {
    let message = ask(range).validate(&LimitRanger, pod).await.unwrap_err().message;
    message.strip_prefix(r#"pods "a" is forbidden: "#).unwrap().to_owned()
}

#[tokio::test]
async fn containers_get_what_they_do_not_say_and_the_pod_tells_of_it() {
    let range =
        r#"{"type":"Container","default":{"cpu":"1","memory":"2Gi"},"defaultRequest":{"cpu":"100m","memory":"1Gi"}}"#;
    let sent = pod(
        r#"{"containers":[{"name":"c"},{"name":"d","resources":{"limits":{"cpu":"2"},"requests":{"cpu":"2"}}}],
            "initContainers":[{"name":"i"}]}"#,
    );
    let done = ask(range).admit(&LimitRanger, &sent).await.unwrap();
    let full = r#"{"limits":{"cpu":"1","memory":"2Gi"},"requests":{"cpu":"100m","memory":"1Gi"}}"#;
    let half = r#"{"limits":{"cpu":"2","memory":"2Gi"},"requests":{"cpu":"2","memory":"1Gi"}}"#;
    let expected = format!(
        r#"{{"metadata":{{"name":"a","annotations":{{"kubernetes.io/limit-ranger":"LimitRanger plugin set: cpu, memory request for container c; cpu, memory limit for container c; memory request for container d; memory limit for container d; cpu, memory request for init container i; cpu, memory limit for init container i"}}}},
            "spec":{{"containers":[{{"name":"c","resources":{full}}},{{"name":"d","resources":{half}}}],
            "initContainers":[{{"name":"i","resources":{full}}}]}}}}"#
    );
    assert_eq!(done, tree(&expected));
    // What says everything is not touched.
    let full = pod(r#"{"containers":[{"name":"c","resources":{"limits":{"cpu":"1"},"requests":{"cpu":"1"}}}]}"#);
    let range = r#"{"type":"Container","default":{"cpu":"1"}}"#;
    assert_eq!(ask(range).admit(&LimitRanger, &full).await.unwrap(), tree(&full));
}

#[tokio::test]
async fn containers_stay_within_bounds() {
    let least = r#"{"type":"Container","min":{"memory":"1Gi"}}"#;
    let head = "minimum memory usage per Container is 1Gi";
    assert_eq!(
        refused(least, &one("{}", "{}")).await,
        format!("{head}.  No request is specified")
    );
    assert_eq!(
        refused(least, &one(r#"{"memory":"1M"}"#, "{}")).await,
        format!("{head}, but request is 1M")
    );
    assert_eq!(
        refused(least, &one(r#"{"memory":"1Gi"}"#, r#"{"memory":"1k"}"#)).await,
        format!("{head}, but limit is 1k")
    );
    let most = r#"{"type":"Container","max":{"cpu":"1"}}"#;
    let head = "maximum cpu usage per Container is 1";
    assert_eq!(
        refused(most, &one("{}", "{}")).await,
        format!("{head}.  No limit is specified")
    );
    assert_eq!(
        refused(most, &one("{}", r#"{"cpu":"1001m"}"#)).await,
        format!("{head}, but limit is 1001m")
    );
    assert_eq!(
        refused(most, &one(r#"{"cpu":"2"}"#, r#"{"cpu":"1"}"#)).await,
        format!("{head}, but request is 2")
    );
    let fine = one(r#"{"cpu":"1"}"#, r#"{"cpu":"1"}"#);
    ask(most).validate(&LimitRanger, &fine).await.unwrap();
}

#[tokio::test]
async fn limits_stay_near_requests() {
    let range = r#"{"type":"Container","maxLimitRequestRatio":{"cpu":"2"}}"#;
    let head = "cpu max limit to request ratio per Container is 2";
    assert_eq!(
        refused(range, &one("{}", r#"{"cpu":"1"}"#)).await,
        format!("{head}, but no request is specified or request is 0")
    );
    assert_eq!(
        refused(range, &one(r#"{"cpu":"1"}"#, "{}")).await,
        format!("{head}, but no limit is specified or limit is 0")
    );
    assert_eq!(
        refused(range, &one(r#"{"cpu":"300m"}"#, r#"{"cpu":"1"}"#)).await,
        format!("{head}, but provided ratio is 3.333333")
    );
    let fine = one(r#"{"cpu":"500m"}"#, r#"{"cpu":"1"}"#);
    ask(range).validate(&LimitRanger, &fine).await.unwrap();
}

#[tokio::test]
async fn a_pod_counts_as_a_whole() {
    let range = r#"{"type":"Pod","max":{"cpu":"2"},"min":{"memory":"1Gi"}}"#;
    let each = r#"{"requests":{"cpu":"1","memory":"1Gi"},"limits":{"cpu":"1","memory":"1Gi"}}"#;
    let spec = |init: &str| {
        pod(&format!(
            r#"{{"containers":[{{"name":"c","resources":{each}}},{{"name":"d","resources":{each}}}],"initContainers":[{init}]}}"#
        ))
    };
    ask(range).validate(&LimitRanger, &spec("")).await.unwrap();
    let plain = format!(r#"{{"name":"i","resources":{each}}}"#);
    ask(range).validate(&LimitRanger, &spec(&plain)).await.unwrap();
    // One that stays adds to the others.
    let staying = format!(r#"{{"name":"i","restartPolicy":"Always","resources":{each}}}"#);
    assert_eq!(
        refused(range, &spec(&staying)).await,
        "maximum cpu usage per Pod is 2, but limit is 3"
    );
    // What the pod says itself stands above its containers.
    let whole = pod(&format!(
        r#"{{"containers":[{{"name":"c","resources":{each}}}],"resources":{{"limits":{{"cpu":"5","memory":"1Gi"}},"requests":{{"memory":"1Mi"}}}}}}"#
    ));
    assert_eq!(
        refused(range, &whole).await,
        "[minimum memory usage per Pod is 1Gi, but request is 1Mi, maximum cpu usage per Pod is 2, but limit is 5]"
    );
}

#[tokio::test]
async fn claims_are_bounded_by_what_they_request() {
    let range = r#"{"metadata":{"name":"r","namespace":"t"},"spec":{"limits":[
        {"type":"PersistentVolumeClaim","min":{"storage":"1Gi"},"max":{"storage":"5Gi"}}]}}"#;
    let claim = |storage: &str| format!(r#"{{"spec":{{"resources":{{"requests":{{"storage":"{storage}"}}}}}}}}"#);
    let ask = Ask::create("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
        .within("t")
        .named("a");
    let ask = ask.knowing("", "limitranges", range);
    ask.validate(&LimitRanger, &claim("5Gi")).await.unwrap();
    for (storage, words) in [
        (
            "1M",
            "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1M",
        ),
        (
            "6Gi",
            "maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 6Gi",
        ),
    ] {
        let refused = ask.validate(&LimitRanger, &claim(storage)).await.unwrap_err();
        assert_eq!(
            refused.message,
            format!(r#"persistentvolumeclaims "a" is forbidden: {words}"#)
        );
    }
}

#[tokio::test]
async fn updates_count_where_resources_can_change() {
    let range = r#"{"type":"Container","max":{"cpu":"1"}}"#;
    let much = one("{}", r#"{"cpu":"2"}"#);
    ask(range).changing("{}").validate(&LimitRanger, &much).await.unwrap();
    let resize = || ask(range).part("resize");
    resize().changing("{}").validate(&LimitRanger, &much).await.unwrap_err();
    let going = r#"{"metadata":{"deletionTimestamp":"2026-01-01T00:00:00Z"}}"#;
    resize().changing(going).validate(&LimitRanger, &much).await.unwrap();
}

#[tokio::test]
async fn amounts_too_large_for_thousandths_are_compared_in_units() {
    let range = r#"{"type":"Container","max":{"memory":"9Ei"}}"#;
    let fine = one("{}", r#"{"memory":"7Ei"}"#);
    ask(range).validate(&LimitRanger, &fine).await.unwrap();
    let range = r#"{"type":"Container","max":{"memory":"6Ei"}}"#;
    assert_eq!(
        refused(range, &fine).await,
        "maximum memory usage per Container is 6Ei, but limit is 7Ei"
    );
}

/// `"e.com/0":"AMOUNT"` and so on.
fn many(names: usize, amount: &str) -> String {
    let list = (0..names).map(|at| format!(r#""e.com/{at}":"{amount}""#));
    format!("{{{}}}", list.collect::<Vec<_>>().join(","))
}

fn containers(number: usize, container: impl Fn(usize) -> String) -> String {
    let list: Vec<String> = (0..number).map(container).collect();
    pod(&format!(r#"{{"containers":[{}]}}"#, list.join(",")))
}

#[tokio::test]
async fn mistakes_are_told_in_the_order_in_which_containers_make_them() {
    let range = r#"{"type":"Container","min":{"a":"1","b":"1","c":"1"},"maxLimitRequestRatio":{"b":"2"}}"#;
    let container = |requests: &str| format!(r#"{{"name":"c","resources":{{"requests":{requests}}}}}"#);
    let sent = [
        r#"{"b":"0"}"#,
        r#"{"a":"0","c":"1"}"#,
        r#"{"a":"0","b":"0","c":"0"}"#,
        "{}",
    ];
    let told = [
        "minimum a usage per Container is 1.  No request is specified",
        "minimum b usage per Container is 1, but request is 0",
        "minimum c usage per Container is 1.  No request is specified",
        "b max limit to request ratio per Container is 2, but no request is specified or request is 0",
        "minimum a usage per Container is 1, but request is 0",
        "minimum b usage per Container is 1.  No request is specified",
        "minimum c usage per Container is 1, but request is 0",
    ];
    let sent = containers(sent.len(), |at| container(sent[at]));
    assert_eq!(refused(range, &sent).await, format!("[{}]", told.join(", ")));
}

#[tokio::test]
async fn many_containers_are_held_against_many_bounds() {
    let (ones, twos) = (many(12_000, "1"), many(12_000, "2"));
    let range = format!(r#"{{"type":"Container","min":{ones},"max":{twos},"maxLimitRequestRatio":{twos}}}"#);
    let sent = containers(12_000, |at| {
        format!(r#"{{"name":"c{at}","resources":{{"requests":{{"e.com/{at}":"1"}},"limits":{{"e.com/{at}":"3"}}}}}}"#)
    });
    let told = refused(&range, &sent).await;
    for (words, count) in [
        (".  No request is specified", 12_000),
        (".  No limit is specified", 12_000),
        (", but no request is specified", 12_000),
        (", but limit is 3", 12_000),
        (", but provided ratio is 3.000000", 12_000),
    ] {
        assert_eq!(told.matches(words).count(), count, "{words}");
    }
}

#[tokio::test]
async fn a_bound_of_many_digits_is_not_written_for_each_container() {
    let range = format!(r#"{{"type":"Container","max":{{"cpu":"-{}"}}}}"#, "9".repeat(100_000));
    let sent = containers(20_000, |at| {
        format!(r#"{{"name":"c","resources":{{"limits":{{"cpu":"{at}"}}}}}}"#)
    });
    let told = refused(&range, &sent).await;
    assert!((50..200).contains(&told.matches("but limit is").count()));
}

#[tokio::test]
async fn what_no_store_could_take_is_not_filled_in() {
    let amounts = many(20_000, "1");
    let range = format!(r#"{{"type":"Container","default":{amounts},"defaultRequest":{amounts}}}"#);
    let plain = containers(20_000, |at| format!(r#"{{"name":"c{at}"}}"#));
    let refused = ask(&range).admit(&LimitRanger, &plain).await.unwrap_err();
    assert_eq!(refused.message, "Request entity too large: limit is 3145728");
    assert_eq!(refused.code, 413);
    // Those that say it all need nothing; one that says other things gets all that it does not say.
    let other = amounts.replace("e.com", "f.com");
    let resources = [
        format!(r#"{{"limits":{amounts},"requests":{amounts}}}"#),
        format!(r#"{{"limits":{other},"requests":{amounts}}}"#),
    ];
    let sent = containers(2, |at| format!(r#"{{"name":"c{at}","resources":{}}}"#, resources[at]));
    let done = ask(&range).admit(&LimitRanger, &sent).await.unwrap();
    let done = done.at("spec").items("containers");
    assert_eq!(done[0].at("resources"), &tree(&resources[0]));
    assert_eq!(done[1].at("resources").entries("limits").len(), 40_000);
}

#[tokio::test]
async fn what_many_ranges_fill_in_is_bounded_together() {
    let range = |name: &str| {
        let amounts = many(10_000, "1").replace("e.com", name);
        format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"t"}},"spec":{{"limits":[{{"type":"Container","default":{amounts}}}]}}}}"#
        )
    };
    let ask = |ranges: usize| {
        let ask = Ask::create("", "v1", "Pod", "pods").within("t").named("a");
        (0..ranges).fold(ask, |ask, at| {
            ask.knowing("", "limitranges", &range(&format!("{at}.com")))
        })
    };
    let one = containers(1, |_| r#"{"name":"c"}"#.to_owned());
    let done = ask(9).admit(&LimitRanger, &one).await.unwrap();
    let resources = done.at("spec").items("containers")[0].at("resources");
    assert_eq!(resources.entries("limits").len(), 90_000);
    assert_eq!(ask(20).admit(&LimitRanger, &one).await.unwrap_err().code, 413);
}

#[tokio::test]
async fn of_a_pod_as_a_whole_neither_its_huge_pages_nor_its_runtime_count() {
    let range = r#"{"type":"Pod","max":{"cpu":"1","hugepages-2Mi":"2Mi"}}"#;
    let limits = r#"{"cpu":"4","hugepages-2Mi":"2Mi"}"#;
    let pod = pod(&format!(
        r#"{{"containers":[{{"name":"c","resources":{{"requests":{limits},"limits":{limits}}}}}],"overhead":{{"cpu":"1"}},
            "resources":{{"requests":{{"cpu":"1","hugepages-2Mi":"4Mi"}},"limits":{{"cpu":"1","hugepages-2Mi":"4Mi"}}}}}}"#
    ));
    ask(range).validate(&LimitRanger, &pod).await.unwrap();
}
