//! Pods and namespaces held against the standards: what is refused, and what clients are warned of.

use apiserver_api::status::Status;
use apiserver_api::user::User;
use prometheus::{Registry, TextEncoder};

use super::PodSecurity;
use crate::plugin::Plugin;
use crate::testing::{Ask, tree};

const PLAIN: &str = r#"{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c","image":"i"}]}}"#;
const SHARING: &str =
    r#"{"metadata":{"name":"a"},"spec":{"hostNetwork":true,"containers":[{"name":"c","image":"i"}]}}"#;
const DETAIL: &str = r#"allowPrivilegeEscalation != false (container "c" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "c" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "c" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "c" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")"#;

fn plugin() -> PodSecurity {
    PodSecurity::new(&tree("null")).unwrap()
}

fn configured(rest: &str) -> PodSecurity {
    let head = r#""apiVersion":"pod-security.admission.config.k8s.io/v1","kind":"PodSecurityConfiguration""#;
    PodSecurity::new(&tree(&format!("{{{head},{rest}}}"))).unwrap()
}

fn namespace(labels: &str) -> String {
    format!(r#"{{"metadata":{{"name":"t","labels":{labels}}}}}"#)
}

fn modes(list: &[(&str, &str)]) -> String {
    let labels = list
        .iter()
        .map(|(mode, value)| format!(r#""pod-security.kubernetes.io/{mode}":"{value}""#));
    format!("{{{}}}", labels.collect::<Vec<_>>().join(","))
}

fn pods(list: &[(&str, &str)]) -> Ask {
    let ask = Ask::create("", "v1", "Pod", "pods").within("t").named("a");
    ask.knowing("", "namespaces", &namespace(&modes(list)))
}

#[tokio::test]
async fn pods_beyond_the_level_are_refused() {
    let ask = pods(&[("enforce", "restricted")]);
    let refused = ask.validate(&plugin(), PLAIN).await.unwrap_err();
    let words = format!(r#"pods "a" is forbidden: violates PodSecurity "restricted:latest": {DETAIL}"#);
    assert_eq!((refused.code, refused.message), (403, words));
    // Who is refused is not warned as well.
    assert!(ask.warned().is_empty());
    pods(&[("enforce", "baseline")])
        .validate(&plugin(), PLAIN)
        .await
        .unwrap();
    pods(&[]).validate(&plugin(), SHARING).await.unwrap();
}

#[tokio::test]
async fn clients_are_warned_of_pods_and_templates() {
    let ask = pods(&[("warn", "restricted"), ("warn-version", "v1.24")]);
    ask.validate(&plugin(), PLAIN).await.unwrap();
    assert_eq!(
        ask.warned(),
        [format!(r#"would violate PodSecurity "restricted:v1.24": {DETAIL}"#)]
    );
    for (group, kind, plural, object) in [
        (
            "apps",
            "Deployment",
            "deployments",
            format!(r#"{{"spec":{{"template":{SHARING}}}}}"#),
        ),
        (
            "batch",
            "CronJob",
            "cronjobs",
            format!(r#"{{"spec":{{"jobTemplate":{{"spec":{{"template":{SHARING}}}}}}}}}"#),
        ),
        (
            "",
            "PodTemplate",
            "podtemplates",
            format!(r#"{{"template":{SHARING}}}"#),
        ),
    ] {
        // Warnings follow what is enforced where nothing is said of them.
        let labels = modes(&[("enforce", "baseline")]);
        let ask = Ask::create(group, "v1", kind, plural).within("t").named("a");
        let ask = ask.knowing("", "namespaces", &namespace(&labels));
        ask.validate(&plugin(), &object).await.unwrap();
        let words = r#"would violate PodSecurity "baseline:latest": host namespaces (hostNetwork=true)"#;
        assert_eq!(ask.warned(), [words], "{plural}");
    }
}

#[tokio::test]
async fn only_changes_that_count_are_judged() {
    let restricted = [("enforce", "restricted")];
    let labelled = PLAIN.replace(r#""name":"a""#, r#""name":"a","labels":{"x":"y"}"#);
    pods(&restricted)
        .changing(PLAIN)
        .validate(&plugin(), &labelled)
        .await
        .unwrap();
    let image = PLAIN.replace(r#""image":"i""#, r#""image":"j""#);
    pods(&restricted)
        .changing(PLAIN)
        .validate(&plugin(), &image)
        .await
        .unwrap_err();
    let added = PLAIN.replace(r#""spec":{"#, r#""spec":{"ephemeralContainers":[{"name":"e"}],"#);
    let part = |part: &str| pods(&restricted).changing(PLAIN).part(part);
    part("ephemeralcontainers")
        .validate(&plugin(), &added)
        .await
        .unwrap_err();
    part("status").validate(&plugin(), &added).await.unwrap();
}

#[tokio::test]
async fn a_namespace_that_cannot_be_found_refuses_pods_and_not_templates() {
    let bare = |kind: &str, plural: &str| {
        let ask = Ask::create(if kind == "Pod" { "" } else { "apps" }, "v1", kind, plural);
        let ask = ask.within("t").named("a");
        ask.world.fail(Status::service_unavailable("down"));
        ask
    };
    let refused = bare("Pod", "pods").validate(&plugin(), PLAIN).await.unwrap_err();
    let words = r#"Internal error occurred: failed to lookup namespace "t""#;
    assert_eq!((refused.code, refused.message.as_str()), (500, words));
    let template = format!(r#"{{"spec":{{"template":{PLAIN}}}}}"#);
    bare("Deployment", "deployments")
        .validate(&plugin(), &template)
        .await
        .unwrap();
}

#[tokio::test]
async fn what_cannot_be_read_is_enforced_strictly_and_not_warned_of() {
    let ask = pods(&[("enforce", "strict"), ("warn", "strict")]);
    let refused = ask.validate(&plugin(), PLAIN).await.unwrap_err();
    assert!(
        refused.message.contains(r#"violates PodSecurity "restricted:latest""#),
        "{refused}"
    );
    let ask = pods(&[("warn", "strict")]);
    ask.validate(&plugin(), PLAIN).await.unwrap();
    assert!(ask.warned().is_empty());
}

fn namespaces() -> Ask {
    Ask::create("", "v1", "Namespace", "namespaces").within("t").named("t")
}

#[tokio::test]
async fn labels_of_namespaces_must_be_right() {
    let wrong = namespace(&modes(&[("enforce", "strict"), ("warn-version", "v1.01")]));
    let refused = namespaces().validate(&plugin(), &wrong).await.unwrap_err();
    let head = r#"Namespace "t" is invalid: [metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: "strict": must be one of privileged, baseline, restricted, "#;
    let tail = r#"metadata.labels[pod-security.kubernetes.io/warn-version]: Invalid value: "v1.01": must be "latest" or "v1.x"]"#;
    assert_eq!((refused.code, refused.message), (422, format!("{head}{tail}")));
    // What was wrong before may stay so.
    namespaces().changing(&wrong).validate(&plugin(), &wrong).await.unwrap();
    let right = namespace(&modes(&[("enforce", "baseline"), ("enforce-version", "v1.0")]));
    namespaces().validate(&plugin(), &right).await.unwrap();
}

#[tokio::test]
async fn who_tightens_a_namespace_is_told_of_its_pods() {
    let pod = |name: &str, owner: &str| {
        format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"t","ownerReferences":[{owner}]}},"spec":{{"hostPID":true}}}}"#
        )
    };
    let owner = r#"{"uid":"1","controller":true}"#;
    let other =
        r#"{"metadata":{"name":"d","namespace":"t"},"spec":{"containers":[{"name":"c","ports":[{"hostPort":1}]}]}}"#;
    let ask = || {
        namespaces()
            .knowing("", "pods", &pod("b", owner))
            .knowing("", "pods", &pod("a", owner))
            .knowing("", "pods", &pod("c", ""))
            .knowing("", "pods", other)
    };
    let tight = namespace(&modes(&[("enforce", "baseline")]));
    let tighter = ask().changing(&namespace("{}"));
    tighter.validate(&plugin(), &tight).await.unwrap();
    assert_eq!(
        tighter.warned(),
        [
            r#"existing pods in namespace "t" violate the new PodSecurity enforce level "baseline:latest""#,
            "a (and 2 other pods): host namespaces",
            "d: hostPort",
        ]
    );
    let same = ask().changing(&tight);
    same.validate(&plugin(), &tight).await.unwrap();
    let looser = ask().changing(&namespace(&modes(&[("enforce", "restricted")])));
    looser.validate(&plugin(), &tight).await.unwrap();
    assert!(same.warned().is_empty() && looser.warned().is_empty());
}

#[tokio::test]
async fn operators_say_what_holds_and_who_is_exempt() {
    let strict = configured(r#""defaults":{"enforce":"baseline","enforce-version":"v1.30"}"#);
    let refused = pods(&[]).validate(&strict, SHARING).await.unwrap_err();
    assert!(
        refused.message.contains(r#"violates PodSecurity "baseline:v1.30""#),
        "{refused}"
    );
    let restricted = [("enforce", "restricted")];
    for exemptions in [
        r#""namespaces":["t"]"#,
        r#""usernames":["jane"]"#,
        r#""runtimeClasses":["kata"]"#,
    ] {
        let lenient = configured(&format!(r#""exemptions":{{{exemptions}}}"#));
        let pod = SHARING.replace(r#""spec":{"#, r#""spec":{"runtimeClassName":"kata","#);
        pods(&restricted).validate(&lenient, &pod).await.unwrap();
        let other = pods(&restricted).by(User::new("joe", []));
        let exempt = exemptions.contains("usernames");
        assert_eq!(other.validate(&lenient, &pod).await.is_err(), exempt);
    }
    let lenient = configured(r#""exemptions":{"namespaces":["t"]}"#);
    let labels = namespace(&modes(&[
        ("enforce", "baseline"),
        ("audit", "privileged"),
        ("warn-version", "v1.3"),
    ]));
    let ask = namespaces();
    ask.validate(&lenient, &labels).await.unwrap();
    let words = r#"namespace "t" is exempt from Pod Security, and the policy (enforce=baseline:latest, warn=baseline:v1.3) will be ignored"#;
    assert_eq!(ask.warned(), [words]);
}

#[test]
fn a_wrong_configuration_is_told() {
    let head = r#""apiVersion":"pod-security.admission.config.k8s.io/v1","kind":"PodSecurityConfiguration""#;
    for (rest, words) in [
        (
            r#""defaults":{"warn":"x"}"#,
            r#"defaults.warn: Invalid value: "x": must be one of privileged, baseline, restricted"#,
        ),
        (
            r#""exemptions":{"usernames":["a","a"]}"#,
            r#"exemptions.usernames[1]: Duplicate value: "a""#,
        ),
        (
            r#""exemptions":{"usernames":[""]}"#,
            "exemptions.usernames[0]: Required value",
        ),
    ] {
        let error = PodSecurity::new(&tree(&format!("{{{head},{rest}}}"))).err().unwrap();
        assert_eq!(error, format!("PodSecurity invalid: {words}"));
    }
    let error = PodSecurity::new(&tree(r#"{"apiVersion":"v1","kind":"Pod"}"#))
        .err()
        .unwrap();
    assert_eq!(error, r#"no kind "Pod" is registered for version "v1""#);
}

/// What is counted when these are asked about pods.
async fn counted(plugin: PodSecurity, asked: &[(Ask, &str)]) -> Vec<String> {
    let (mut plugin, registry) = (plugin, Registry::new());
    plugin.measure(&registry).unwrap();
    for (ask, object) in asked {
        // Whether it is refused is not asked here.
        drop(ask.validate(&plugin, object).await);
    }
    let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with('#') && !line.ends_with(" 0"));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn how_pods_were_judged_is_counted() {
    let template = format!(r#"{{"spec":{{"template":{SHARING}}}}}"#);
    let labels = modes(&[
        ("enforce", "baseline"),
        ("audit", "restricted"),
        ("audit-version", "v1.99"),
    ]);
    let deployment = Ask::create("apps", "v1", "Deployment", "deployments")
        .within("t")
        .named("a");
    let deployment = deployment.knowing("", "namespaces", &namespace(&labels));
    let image = PLAIN.replace(r#""image":"i""#, r#""image":"j""#);
    let asked = [
        (pods(&[]), SHARING),
        (pods(&[]).changing(PLAIN), &image),
        // A change that does not count, and a part through which nothing comes.
        (pods(&[("enforce", "baseline")]).changing(PLAIN), PLAIN),
        (pods(&[]).part("status"), PLAIN),
        (pods(&[("enforce", "baseline"), ("enforce-version", "v1.25")]), SHARING),
        (pods(&[("warn", "restricted")]), PLAIN),
        (deployment, &template),
    ];
    let line = |decision: &str, level: &str, version: &str, mode: &str, operation: &str, resource: &str| {
        format!(
            "pod_security_evaluations_total{{decision=\"{decision}\",mode=\"{mode}\",policy_level=\"{level}\",\
             policy_version=\"{version}\",request_operation=\"{operation}\",resource=\"{resource}\",subresource=\"\"}}"
        )
    };
    let mut lines = vec![
        // Of the second kind of pod: nothing is enforced, and what is warned of is refused by nobody.
        format!(
            "{} 2",
            line("allow", "privileged", "latest", "enforce", "create", "pod")
        ),
        format!(
            "{} 1",
            line("allow", "privileged", "latest", "enforce", "update", "pod")
        ),
        format!("{} 1", line("deny", "baseline", "v1.25", "enforce", "create", "pod")),
        format!("{} 1", line("deny", "restricted", "latest", "warn", "create", "pod")),
        format!(
            "{} 1",
            line("deny", "restricted", "future", "audit", "create", "controller")
        ),
        format!(
            "{} 1",
            line("deny", "baseline", "latest", "warn", "create", "controller")
        ),
    ];
    let mut found = counted(plugin(), &asked).await;
    lines.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, lines);
}

#[tokio::test]
async fn who_is_exempt_and_what_went_wrong_is_counted() {
    let exempt = configured(r#""exemptions":{"usernames":["root"],"runtimeClasses":["box"]}"#);
    let boxed = SHARING.replace(r#""spec":{"#, r#""spec":{"runtimeClassName":"box","#);
    let boxed = boxed.replace(r#""image":"i""#, r#""image":"j""#);
    let lost = Ask::create("", "v1", "Pod", "pods").within("t").named("a");
    lost.world.fail(Status::service_unavailable("down"));
    let asked = [
        (pods(&[]).by(User::new("root", [])), PLAIN),
        (pods(&[("enforce", "baseline")]).changing(PLAIN), boxed.as_str()),
        (pods(&[("warn", "strict")]), PLAIN),
        (lost, PLAIN),
    ];
    let found = counted(exempt, &asked).await;
    for line in [
        r#"pod_security_exemptions_total{request_operation="create",resource="pod",subresource=""} 1"#,
        r#"pod_security_exemptions_total{request_operation="update",resource="pod",subresource=""} 1"#,
        r#"pod_security_errors_total{fatal="false",request_operation="create",resource="pod",subresource=""} 1"#,
        r#"pod_security_errors_total{fatal="true",request_operation="create",resource="pod",subresource=""} 1"#,
    ] {
        assert!(found.iter().any(|one| one == line), "{line}\n{found:?}");
    }
}
