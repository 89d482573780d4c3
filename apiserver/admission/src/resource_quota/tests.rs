//! Quotas: what is charged, what is refused, and what becomes of many writes at once.

use apiserver_api::tree::Tree;

use super::{LimitedResource, ResourceQuota};
use crate::double::{Scene, json, told};
use crate::plugin::{Operation, Plugin};

/// Stores a quota `q`; its hard and used amounts, and what its spec says beside them.
fn put(scene: &Scene, name: &str, hard: &str, used: &str, spec: &str) {
    let text = format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"n"}},"spec":{spec},"status":{{"hard":{hard},"used":{used}}}}}"#
    );
    scene.cluster.put("resourcequotas", &text);
}

fn used(scene: &Scene, name: &str) -> String {
    let quota = scene.cluster.stored("resourcequotas", "n", name);
    String::from_utf8(quota.at("status").at("used").to_json()).unwrap()
}

async fn create(plugin: &ResourceQuota, scene: &Scene, resource: &str, object: &str) -> String {
    let request = scene.request(Operation::Create, resource);
    told(plugin.validate(&request, Some(&json(object))).await)
}

async fn update(plugin: &ResourceQuota, scene: &Scene, part: &str, old: &Tree, new: &Tree, resource: &str) -> String {
    let mut request = scene.request(Operation::Update, resource);
    request.subresource = part;
    request.old = Some(old);
    told(plugin.validate(&request, Some(new)).await)
}

fn asking(resources: &str) -> String {
    format!(r#"{{"spec":{{"containers":[{{"name":"c","resources":{resources}}}]}}}}"#)
}

const ONE: &str = r#"{"requests":{"cpu":"1","memory":"1Gi"},"limits":{"cpu":"2","memory":"1Gi"}}"#;

#[tokio::test]
async fn what_is_used_is_charged_and_never_more_than_there_is() {
    let (scene, plugin) = (Scene::new(), ResourceQuota::new(Vec::new()));
    put(
        &scene,
        "q",
        r#"{"requests.cpu":"2","limits.memory":"4Gi","pods":"9","count/pods":"9"}"#,
        r#"{"requests.cpu":"0","limits.memory":"0","pods":"0","count/pods":"0"}"#,
        "{}",
    );
    let pod = asking(ONE);
    for _ in 0..2 {
        assert_eq!(create(&plugin, &scene, "pods", &pod).await, "");
    }
    assert_eq!(
        used(&scene, "q"),
        r#"{"count/pods":"2","limits.memory":"2Gi","pods":"2","requests.cpu":"2"}"#
    );
    let refused = r#"pods "x" is forbidden: exceeded quota: q, requested: requests.cpu=1, used: requests.cpu=2, limited: requests.cpu=2"#;
    assert_eq!(create(&plugin, &scene, "pods", &pod).await, refused);
    assert_eq!(*scene.cluster.updates.lock(), 2);
    // Other resources and namespaces are not touched.
    assert_eq!(create(&plugin, &scene, "configmaps", "{}").await, "");
    assert_eq!(create(&plugin, &scene, "events", "{}").await, "");
    assert_eq!(*scene.cluster.updates.lock(), 2);
}

#[tokio::test]
async fn a_pod_must_say_what_it_asks_for_where_that_is_limited() {
    let (scene, plugin) = (Scene::new(), ResourceQuota::new(Vec::new()));
    put(
        &scene,
        "q",
        r#"{"cpu":"2","limits.memory":"4Gi","pods":"1"}"#,
        r#"{"cpu":"0","limits.memory":"0","pods":"0"}"#,
        "{}",
    );
    let pod = r#"{"spec":{"containers":[{"name":"b","resources":{"requests":{"cpu":"1"}}},{"name":"a"}],"initContainers":[{"name":"i"}]}}"#;
    let refused = r#"pods "x" is forbidden: failed quota: q: must specify cpu for: a,i; limits.memory for: a,b,i"#;
    assert_eq!(create(&plugin, &scene, "pods", pod).await, refused);
    let whole = r#"{"spec":{"resources":{"requests":{"cpu":"1"}},"containers":[{"name":"a"}]}}"#;
    assert_eq!(create(&plugin, &scene, "pods", whole).await, "");
    assert_eq!(used(&scene, "q"), r#"{"cpu":"1","limits.memory":"0","pods":"1"}"#);
}

#[tokio::test]
async fn a_quota_that_nobody_has_counted_yet_lets_nothing_pass() {
    let (scene, plugin) = (Scene::new(), ResourceQuota::new(Vec::new()));
    put(
        &scene,
        "q",
        r#"{"pods":"2","configmaps":"1"}"#,
        r#"{"configmaps":"0"}"#,
        "{}",
    );
    let refused = r#"pods "x" is forbidden: status unknown for quota: q, resources: pods"#;
    assert_eq!(create(&plugin, &scene, "pods", &asking("{}")).await, refused);
    assert_eq!(create(&plugin, &scene, "configmaps", "{}").await, "");
}

#[tokio::test]
async fn a_quota_is_for_the_pods_of_its_scopes() {
    let selector = |name: &str, operator: &str, values: &str| {
        format!(
            r#"{{"scopeSelector":{{"matchExpressions":[{{"scopeName":"{name}","operator":"{operator}","values":{values}}}]}}}}"#
        )
    };
    let scoped = |name: &str| format!(r#"{{"scopes":["{name}"]}}"#);
    let (plain, asks) = (asking("{}"), asking(ONE));
    let ends = r#"{"spec":{"activeDeadlineSeconds":5,"containers":[]}}"#;
    let ranked = r#"{"spec":{"priorityClassName":"high","containers":[]}}"#;
    let looks = r#"{"spec":{"containers":[],"affinity":{"podAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"podAffinityTerm":{"namespaceSelector":{}}}]}}}}"#;
    for (spec, pod, charged) in [
        (scoped("BestEffort"), plain.as_str(), true),
        (scoped("BestEffort"), &asks, false),
        (scoped("NotBestEffort"), &asks, true),
        (scoped("NotBestEffort"), &plain, false),
        (scoped("Terminating"), ends, true),
        (scoped("Terminating"), &plain, false),
        (scoped("NotTerminating"), &plain, true),
        (scoped("NotTerminating"), ends, false),
        (scoped("PriorityClass"), ranked, true),
        (scoped("PriorityClass"), &plain, false),
        (selector("PriorityClass", "In", r#"["high"]"#), ranked, true),
        (selector("PriorityClass", "In", r#"["low"]"#), ranked, false),
        (selector("PriorityClass", "NotIn", r#"["low"]"#), &plain, true),
        (selector("PriorityClass", "DoesNotExist", "[]"), &plain, true),
        (scoped("CrossNamespacePodAffinity"), looks, true),
        (scoped("CrossNamespacePodAffinity"), &plain, false),
        (r#"{"scopes":["BestEffort","Terminating"]}"#.to_owned(), &plain, false),
    ] {
        let (scene, plugin) = (Scene::new(), ResourceQuota::new(Vec::new()));
        put(&scene, "q", r#"{"pods":"5"}"#, r#"{"pods":"0"}"#, &spec);
        assert_eq!(create(&plugin, &scene, "pods", pod).await, "");
        let expected = if charged { r#"{"pods":"1"}"# } else { r#"{"pods":"0"}"# };
        assert_eq!(used(&scene, "q"), expected, "{spec}");
        // What has no scopes is not among such a quota.
        assert_eq!(create(&plugin, &scene, "services", "{}").await, "");
    }
}

#[tokio::test]
async fn services_are_counted_with_the_ports_and_balancers_that_they_take() {
    for (spec, expected) in [
        (r#"{"type":"ClusterIP","ports":[{},{}]}"#, (0, 0)),
        (r#"{"type":"NodePort","ports":[{},{}]}"#, (0, 2)),
        (r#"{"type":"LoadBalancer","ports":[{},{}]}"#, (1, 2)),
        (
            r#"{"type":"LoadBalancer","allocateLoadBalancerNodePorts":false,"ports":[{"nodePort":30000},{}]}"#,
            (1, 1),
        ),
    ] {
        let (scene, plugin) = (Scene::new(), ResourceQuota::new(Vec::new()));
        let names = r#""count/services":"AMOUNT","services":"AMOUNT","services.loadbalancers":"AMOUNT","services.nodeports":"AMOUNT""#;
        let list = |amount: &str| format!("{{{}}}", names.replace("AMOUNT", amount));
        put(&scene, "q", &list("9"), &list("0"), "{}");
        let service = format!(r#"{{"spec":{spec}}}"#);
        assert_eq!(create(&plugin, &scene, "services", &service).await, "");
        let (balancers, ports) = expected;
        let charged = format!(
            r#"{{"count/services":"1","services":"1","services.loadbalancers":"{balancers}","services.nodeports":"{ports}"}}"#
        );
        assert_eq!(used(&scene, "q"), charged);
    }
}

#[tokio::test]
async fn an_update_is_charged_for_what_it_uses_more() {
    let (scene, plugin) = (Scene::new(), ResourceQuota::new(Vec::new()));
    put(
        &scene,
        "q",
        r#"{"services.nodeports":"3","services":"1"}"#,
        r#"{"services.nodeports":"1","services":"1"}"#,
        "{}",
    );
    let service = |version: &str, ports: &str| {
        json(&format!(
            r#"{{"metadata":{{"resourceVersion":"{version}"}},"spec":{{"type":"NodePort","ports":{ports}}}}}"#
        ))
    };
    let old = service("5", "[{}]");
    assert_eq!(
        update(&plugin, &scene, "", &old, &service("5", "[{},{}]"), "services").await,
        ""
    );
    assert_eq!(used(&scene, "q"), r#"{"services":"1","services.nodeports":"2"}"#);
    let refused = r#"services "x" is forbidden: exceeded quota: q, requested: services.nodeports=2, used: services.nodeports=2, limited: services.nodeports=3"#;
    let more = service("5", "[{},{},{}]");
    assert_eq!(update(&plugin, &scene, "", &old, &more, "services").await, refused);
    // Less is never given back here.
    assert_eq!(update(&plugin, &scene, "", &more, &old, "services").await, "");
    assert_eq!(used(&scene, "q"), r#"{"services":"1","services.nodeports":"2"}"#);
    // What an update makes is charged for as a whole.
    let refused =
        r#"services "x" is forbidden: exceeded quota: q, requested: services=1, used: services=1, limited: services=1"#;
    let made = service("", "[{}]");
    assert_eq!(update(&plugin, &scene, "", &made, &made, "services").await, refused);
}

#[tokio::test]
async fn claims_are_charged_by_their_class_and_by_what_they_were_given() {
    let (scene, plugin) = (Scene::new(), ResourceQuota::new(Vec::new()));
    let names = r#""gold.storageclass.storage.k8s.io/persistentvolumeclaims":"AMOUNT","gold.storageclass.storage.k8s.io/requests.storage":"AMOUNT","persistentvolumeclaims":"AMOUNT","requests.storage":"AMOUNT""#;
    let list = |amount: &str| format!("{{{}}}", names.replace("AMOUNT", amount));
    put(&scene, "q", &list("3Gi"), &list("0"), "{}");
    let claim = |class: &str, asked: &str, given: &str| {
        format!(
            r#"{{"metadata":{{"resourceVersion":"1"}},"spec":{{"storageClassName":"{class}","resources":{{"requests":{{"storage":"{asked}"}}}}}},
                "status":{{"allocatedResources":{{"storage":"{given}"}}}}}}"#
        )
    };
    let gold = claim("gold", "1Gi", "0");
    assert_eq!(create(&plugin, &scene, "persistentvolumeclaims", &gold).await, "");
    assert_eq!(
        create(&plugin, &scene, "persistentvolumeclaims", &claim("other", "1500m", "0")).await,
        ""
    );
    assert_eq!(
        used(&scene, "q"),
        r#"{"gold.storageclass.storage.k8s.io/persistentvolumeclaims":"1","gold.storageclass.storage.k8s.io/requests.storage":"1Gi","persistentvolumeclaims":"2","requests.storage":"1073741826"}"#
    );
    // What a claim was given is charged even where it is too much.
    let (old, given) = (json(&gold), json(&claim("gold", "1Gi", "5Gi")));
    let refused = update(&plugin, &scene, "", &old, &given, "persistentvolumeclaims").await;
    assert!(refused.contains("exceeded quota: q, requested: gold."), "{refused}");
    assert_eq!(
        update(&plugin, &scene, "status", &old, &given, "persistentvolumeclaims").await,
        ""
    );
    assert!(used(&scene, "q").contains(r#"requests.storage":"5Gi""#));
}

#[tokio::test]
async fn claims_are_of_the_classes_of_attributes_that_they_have_or_want() {
    for (values, claim, charged) in [
        ("[\"a\"]", r#"{"spec":{"volumeAttributesClassName":"a"}}"#, true),
        (
            "[\"a\"]",
            r#"{"spec":{"volumeAttributesClassName":"b"},"status":{"currentVolumeAttributesClassName":"a"}}"#,
            true,
        ),
        ("[\"a\"]", r#"{"spec":{}}"#, false),
    ] {
        let (scene, plugin) = (Scene::new(), ResourceQuota::new(Vec::new()));
        let spec = format!(
            r#"{{"scopeSelector":{{"matchExpressions":[{{"scopeName":"VolumeAttributesClass","operator":"In","values":{values}}}]}}}}"#
        );
        put(
            &scene,
            "q",
            r#"{"persistentvolumeclaims":"5"}"#,
            r#"{"persistentvolumeclaims":"0"}"#,
            &spec,
        );
        assert_eq!(create(&plugin, &scene, "persistentvolumeclaims", claim).await, "");
        let expected = format!(r#"{{"persistentvolumeclaims":"{}"}}"#, u8::from(charged));
        assert_eq!(used(&scene, "q"), expected);
    }
}

#[tokio::test]
async fn devices_are_charged_by_class_and_by_the_resource_that_stands_for_it() {
    let (scene, plugin) = (Scene::new(), ResourceQuota::new(Vec::new()));
    scene.cluster.put(
        "deviceclasses.resource.k8s.io",
        r#"{"metadata":{"name":"gpu"},"spec":{"extendedResourceName":"e.com/gpu"}}"#,
    );
    let names = r#""count/resourceclaims.resource.k8s.io":"AMOUNT","gpu.deviceclass.resource.k8s.io/devices":"AMOUNT","requests.deviceclass.resource.kubernetes.io/gpu":"AMOUNT","requests.e.com/gpu":"AMOUNT","requests.e.com/other":"AMOUNT""#;
    let list = |amount: &str| format!("{{{}}}", names.replace("AMOUNT", amount));
    put(&scene, "q", &list("99"), &list("0"), "{}");
    let claim = r#"{"spec":{"devices":{"requests":[
        {"exactly":{"deviceClassName":"gpu","allocationMode":"ExactCount","count":2}},
        {"firstAvailable":[{"deviceClassName":"gpu","allocationMode":"ExactCount","count":1},
            {"deviceClassName":"gpu","allocationMode":"All"}]},
        {"exactly":{"deviceClassName":"nic","allocationMode":"ExactCount","count":1}}]}}}"#;
    assert_eq!(
        create(&plugin, &scene, "resourceclaims.resource.k8s.io", claim).await,
        ""
    );
    assert_eq!(
        used(&scene, "q"),
        r#"{"count/resourceclaims.resource.k8s.io":"1","gpu.deviceclass.resource.k8s.io/devices":"34","requests.deviceclass.resource.kubernetes.io/gpu":"34","requests.e.com/gpu":"34","requests.e.com/other":"0"}"#
    );
}

#[tokio::test]
async fn many_resources_of_a_quota_are_looked_up_among_many_classes() {
    let (scene, plugin) = (Scene::new(), ResourceQuota::new(Vec::new()));
    for at in 0..5_000 {
        let class = format!(r#"{{"metadata":{{"name":"c{at}"}},"spec":{{"extendedResourceName":"e.com/r{at}"}}}}"#);
        scene.cluster.put("deviceclasses.resource.k8s.io", &class);
    }
    let list = |amount: &str| {
        let names = (0..20_000).map(|at| format!(r#""requests.e.com/r{at}":"{amount}""#));
        format!("{{{}}}", names.collect::<Vec<_>>().join(","))
    };
    put(&scene, "q", &list("9"), &list("0"), "{}");
    let claim = r#"{"spec":{"devices":{"requests":[{"exactly":{"deviceClassName":"c7","allocationMode":"ExactCount","count":2}}]}}}"#;
    let resource = "resourceclaims.resource.k8s.io";
    assert_eq!(create(&plugin, &scene, resource, claim).await, "");
    assert!(used(&scene, "q").contains(r#""requests.e.com/r7":"2""#));
    // A class that comes later counts, too.
    let later = r#"{"metadata":{"name":"later"},"spec":{"extendedResourceName":"e.com/r9999"}}"#;
    scene.cluster.put("deviceclasses.resource.k8s.io", later);
    assert_eq!(
        create(&plugin, &scene, resource, &claim.replace("c7", "later")).await,
        ""
    );
    assert!(used(&scene, "q").contains(r#""requests.e.com/r9999":"2""#));
}

#[tokio::test]
async fn a_claim_that_was_made_for_a_pod_is_not_charged_for_what_the_pod_paid() {
    let (scene, plugin) = (Scene::new(), ResourceQuota::new(Vec::new()));
    scene.cluster.put(
        "deviceclasses.resource.k8s.io",
        r#"{"metadata":{"name":"gpu"},"spec":{"extendedResourceName":"e.com/gpu"}}"#,
    );
    scene.cluster.put(
        "pods",
        r#"{"metadata":{"name":"p","namespace":"n","uid":"u"},"spec":{"containers":[{"resources":{"requests":{"e.com/gpu":"2"}}}]}}"#,
    );
    put(
        &scene,
        "q",
        r#"{"requests.e.com/gpu":"99"}"#,
        r#"{"requests.e.com/gpu":"2"}"#,
        "{}",
    );
    let claim = |name: &str, made: &str, number: i64| {
        format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"n","creationTimestamp":"{made}","annotations":{{"resource.kubernetes.io/extended-resource-claim":"true"}},
                "ownerReferences":[{{"apiVersion":"v1","kind":"Pod","name":"p","uid":"u","controller":true}}]}},
                "spec":{{"devices":{{"requests":[{{"exactly":{{"deviceClassName":"gpu","allocationMode":"ExactCount","count":{number}}}}}]}}}}}}"#
        )
    };
    let first = claim("a", "2026-01-01T00:00:00Z", 3);
    let resource = "resourceclaims.resource.k8s.io";
    assert_eq!(create(&plugin, &scene, resource, &first).await, "");
    assert_eq!(used(&scene, "q"), r#"{"requests.e.com/gpu":"3"}"#);
    // A second one is not what the pod paid for.
    scene.cluster.put(resource, &first);
    let second = claim("b", "2026-01-01T00:00:01Z", 2);
    assert_eq!(create(&plugin, &scene, resource, &second).await, "");
    assert_eq!(used(&scene, "q"), r#"{"requests.e.com/gpu":"5"}"#);
}

#[tokio::test]
async fn objects_of_any_kind_are_counted() {
    for (resource, name) in [
        ("things.e.com", "count/things.e.com"),
        ("secrets", "count/secrets"),
        ("secrets", "secrets"),
    ] {
        let (scene, plugin) = (Scene::new(), ResourceQuota::new(Vec::new()));
        put(
            &scene,
            "q",
            &format!(r#"{{"{name}":"1"}}"#),
            &format!(r#"{{"{name}":"0"}}"#),
            "{}",
        );
        assert_eq!(create(&plugin, &scene, resource, "{}").await, "");
        let told = create(&plugin, &scene, resource, "{}").await;
        let expected = format!("exceeded quota: q, requested: {name}=1, used: {name}=1, limited: {name}=1");
        assert_eq!(told, format!(r#"{resource} "x" is forbidden: {expected}"#));
    }
}

#[tokio::test]
async fn what_ended_or_is_only_tried_out_is_not_charged() {
    let (scene, plugin) = (Scene::new(), ResourceQuota::new(Vec::new()));
    put(&scene, "q", r#"{"pods":"1"}"#, r#"{"pods":"0"}"#, "{}");
    for ended in [
        r#"{"spec":{"containers":[]},"status":{"phase":"Failed"}}"#,
        r#"{"metadata":{"deletionTimestamp":"2025-12-31T23:59:00Z","deletionGracePeriodSeconds":30},"spec":{"containers":[]}}"#,
    ] {
        assert_eq!(create(&plugin, &scene, "pods", ended).await, "");
    }
    let mut request = scene.request(Operation::Create, "pods");
    request.dry_run = true;
    let pod = json(&asking("{}"));
    assert_eq!(told(plugin.validate(&request, Some(&pod)).await), "");
    assert_eq!(*scene.cluster.updates.lock(), 0);
    put(&scene, "q", r#"{"pods":"1"}"#, r#"{"pods":"1"}"#, "{}");
    let refused = told(plugin.validate(&request, Some(&pod)).await);
    assert!(refused.contains("exceeded quota: q"), "{refused}");
}

#[tokio::test]
async fn a_pod_that_is_resized_is_charged_for_what_it_takes_more() {
    let (scene, plugin) = (Scene::new(), ResourceQuota::new(Vec::new()));
    put(&scene, "q", r#"{"requests.cpu":"3"}"#, r#"{"requests.cpu":"1"}"#, "{}");
    let pod = |cpu: &str| {
        json(&format!(
            r#"{{"metadata":{{"resourceVersion":"1"}},"spec":{{"containers":[{{"name":"c","resources":{{"requests":{{"cpu":"{cpu}"}}}}}}]}}}}"#
        ))
    };
    assert_eq!(
        update(&plugin, &scene, "resize", &pod("1"), &pod("2"), "pods").await,
        ""
    );
    assert_eq!(used(&scene, "q"), r#"{"requests.cpu":"2"}"#);
    // Any other update is nothing to quotas, but for one that moves the pod to another.
    assert_eq!(update(&plugin, &scene, "", &pod("1"), &pod("9"), "pods").await, "");
    put(
        &scene,
        "t",
        r#"{"pods":"0"}"#,
        r#"{"pods":"0"}"#,
        r#"{"scopes":["Terminating"]}"#,
    );
    let mut ends = pod("1");
    ends.child("spec").set("activeDeadlineSeconds", 5);
    let refused = update(&plugin, &scene, "", &pod("1"), &ends, "pods").await;
    assert_eq!(
        refused,
        r#"pods "x" is forbidden: exceeded quota: t, requested: pods=1, used: pods=0, limited: pods=0"#
    );
}

#[tokio::test]
async fn what_is_limited_needs_a_quota() {
    let limited = LimitedResource {
        resource: "pods".into(),
        match_contains: vec!["cpu".into()],
        match_scopes: vec![json(
            r#"{"scopeName":"PriorityClass","operator":"In","values":["high","higher"]}"#,
        )],
        ..LimitedResource::default()
    };
    let plugin = ResourceQuota::new(vec![limited]);
    let scene = Scene::new();
    let refused = r#"pods "x" is forbidden: insufficient quota to consume: cpu,limits.cpu,requests.cpu"#;
    assert_eq!(create(&plugin, &scene, "pods", &asking(ONE)).await, refused);
    assert_eq!(create(&plugin, &scene, "pods", &asking("{}")).await, "");
    let ranked = r#"{"spec":{"priorityClassName":"high","containers":[]}}"#;
    let refused = "insufficient quota to match these scopes: [{PriorityClass In [high higher]}]";
    assert_eq!(create(&plugin, &scene, "pods", ranked).await, refused);
    put(
        &scene,
        "q",
        r#"{"pods":"5"}"#,
        r#"{"pods":"0"}"#,
        r#"{"scopes":["PriorityClass"]}"#,
    );
    assert_eq!(create(&plugin, &scene, "pods", ranked).await, "");
}

#[tokio::test]
async fn a_charge_goes_through_where_others_wrote_first_and_the_cache_lags() {
    let mut scene = Scene::new();
    scene.cluster.lags = true;
    let plugin = ResourceQuota::new(Vec::new());
    put(&scene, "q", r#"{"pods":"9"}"#, r#"{"pods":"0"}"#, "{}");
    for _ in 0..3 {
        assert_eq!(create(&plugin, &scene, "pods", &asking("{}")).await, "");
    }
    assert_eq!(*scene.cluster.updates.lock(), 3);
    // Another apiserver charged.
    let quota =
        r#"{"metadata":{"name":"q","namespace":"n"},"spec":{},"status":{"hard":{"pods":"9"},"used":{"pods":"7"}}}"#;
    scene.cluster.store("resourcequotas", quota);
    assert_eq!(create(&plugin, &scene, "pods", &asking("{}")).await, "");
    assert_eq!(used(&scene, "q"), r#"{"pods":"8"}"#);
    *scene.cluster.conflicts.lock() = 3;
    assert_eq!(create(&plugin, &scene, "pods", &asking("{}")).await, "");
    assert_eq!(used(&scene, "q"), r#"{"pods":"9"}"#);
    let refused = create(&plugin, &scene, "pods", &asking("{}")).await;
    assert!(refused.contains("exceeded quota: q"), "{refused}");
}

#[tokio::test]
async fn a_charge_that_others_beat_again_and_again_is_a_conflict() {
    let scene = Scene::new();
    let plugin = ResourceQuota::new(Vec::new());
    put(&scene, "q", r#"{"pods":"9"}"#, r#"{"pods":"0"}"#, "{}");
    *scene.cluster.conflicts.lock() = 99;
    let refused = create(&plugin, &scene, "pods", &asking("{}")).await;
    assert_eq!(
        refused,
        r#"Operation cannot be fulfilled on resourcequotas "q": it changed"#
    );
    assert_eq!(*scene.cluster.updates.lock(), 4);
}

#[tokio::test]
async fn a_quota_that_is_gone_when_it_is_written_limits_nothing() {
    let mut scene = Scene::new();
    scene.cluster.lags = true;
    let plugin = ResourceQuota::new(Vec::new());
    put(&scene, "q", r#"{"pods":"9"}"#, r#"{"pods":"0"}"#, "{}");
    let request = scene.request(Operation::Create, "pods");
    let pod = json(&asking("{}"));
    scene.cluster.forget("resourcequotas", "n", "q");
    assert_eq!(told(plugin.validate(&request, Some(&pod)).await), "");
}

#[tokio::test]
async fn many_writes_at_once_are_few_writes_of_the_quota() {
    let mut scene = Scene::new();
    scene.cluster.slow = true;
    scene.cluster.lags = true;
    let plugin = ResourceQuota::new(Vec::new());
    put(&scene, "q", r#"{"pods":"20"}"#, r#"{"pods":"0"}"#, "{}");
    let pod = json(&asking("{}"));
    let request = scene.request(Operation::Create, "pods");
    let writes = (0..30).map(|_| plugin.validate(&request, Some(&pod)));
    let answers = futures_util::future::join_all(writes).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 20);
    assert_eq!(used(&scene, "q"), r#"{"pods":"20"}"#);
    assert_eq!(*scene.cluster.updates.lock(), 2);
    assert!(plugin.lanes.is_empty());
}

#[tokio::test]
async fn those_who_wait_are_served_when_the_one_who_settles_goes_away() {
    let mut scene = Scene::new();
    scene.cluster.slow = true;
    let plugin = ResourceQuota::new(Vec::new());
    put(&scene, "q", r#"{"pods":"9"}"#, r#"{"pods":"0"}"#, "{}");
    let pod = json(&asking("{}"));
    let request = scene.request(Operation::Create, "pods");
    let mut first = plugin.validate(&request, Some(&pod));
    let mut second = plugin.validate(&request, Some(&pod));
    assert!(futures_util::poll!(&mut first).is_pending());
    let mut third = plugin.validate(&request, Some(&pod));
    assert!(futures_util::poll!(&mut second).is_pending());
    assert!(futures_util::poll!(&mut third).is_pending());
    drop(first);
    // Settles for the third, too.
    assert!(futures_util::poll!(&mut second).is_pending());
    drop(second);
    third.await.unwrap();
    assert_eq!(used(&scene, "q"), r#"{"pods":"1"}"#);
    assert!(plugin.lanes.is_empty());
}
