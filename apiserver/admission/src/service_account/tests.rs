//! Pods as they come with their accounts, and those that are refused.

use std::sync::Arc;
use std::time::Duration;

use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use base::clock::{Clock, ManualClock};
use base::random::Seeded;

use super::ServiceAccount;
use crate::testing::{Ask, tree};

const ACCOUNT: &str = r#"{"metadata":{"name":"default","namespace":"t"},"imagePullSecrets":[{"name":"pull"}]}"#;
const STRICT: &str = r#"{"metadata":{"name":"default","namespace":"t","annotations":{"kubernetes.io/enforce-mountable-secrets":"true"}},
    "secrets":[{"name":"known"}],"imagePullSecrets":[{"name":"pull"}]}"#;

fn plugin() -> ServiceAccount {
    ServiceAccount {
        clock: Arc::new(ManualClock::new(0)),
        random: Arc::new(Seeded::new(1)),
    }
}

fn bare() -> Ask {
    Ask::create("", "v1", "Pod", "pods").within("t").named("a")
}

fn ask(account: &str) -> Ask {
    bare().knowing("", "serviceaccounts", account)
}

async fn refused(ask: Ask, pod: &str) -> String {
    let message = ask.admit(&plugin(), pod).await.unwrap_err().message;
    message.strip_prefix(r#"pods "a" is forbidden: "#).unwrap().to_owned()
}

fn volume_name(pod: &Tree) -> &str {
    pod.at("spec").items("volumes").last().unwrap().text("name")
}

#[tokio::test]
async fn a_pod_gets_the_default_account_its_files_and_its_pull_secrets() {
    let sent = r#"{"spec":{"containers":[{"name":"c"}],"initContainers":[{"name":"i","volumeMounts":[{"name":"v","mountPath":"/v"}]}]}}"#;
    let done = ask(ACCOUNT).admit(&plugin(), sent).await.unwrap();
    let name = volume_name(&done);
    assert!(name.starts_with("kube-api-access-") && name.len() == 21, "{name}");
    let mount =
        format!(r#"{{"name":"{name}","readOnly":true,"mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}}"#);
    let expected = format!(
        r#"{{"spec":{{"serviceAccountName":"default","serviceAccount":"default","imagePullSecrets":[{{"name":"pull"}}],
            "containers":[{{"name":"c","volumeMounts":[{mount}]}}],
            "initContainers":[{{"name":"i","volumeMounts":[{{"name":"v","mountPath":"/v"}},{mount}]}}],
            "volumes":[{{"name":"{name}","projected":{{"defaultMode":420,"sources":[
                {{"serviceAccountToken":{{"expirationSeconds":3607,"path":"token"}}}},
                {{"configMap":{{"name":"kube-root-ca.crt","items":[{{"key":"ca.crt","path":"ca.crt"}}]}}}},
                {{"downwardAPI":{{"items":[{{"path":"namespace","fieldRef":{{"apiVersion":"v1","fieldPath":"metadata.namespace"}}}}]}}}}]}}}}]}}}}"#
    );
    assert_eq!(done, tree(&expected));
}

#[tokio::test]
async fn names_of_volumes_come_from_the_source_that_was_given() {
    let sent = r#"{"spec":{"containers":[{"name":"c"}]}}"#;
    let one = ask(ACCOUNT).admit(&plugin(), sent).await.unwrap();
    let same = ask(ACCOUNT).admit(&plugin(), sent).await.unwrap();
    let other = ServiceAccount {
        random: Arc::new(Seeded::new(2)),
        ..plugin()
    };
    let other = ask(ACCOUNT).admit(&other, sent).await.unwrap();
    assert_eq!(volume_name(&one), volume_name(&same));
    assert_ne!(volume_name(&one), volume_name(&other));
}

#[tokio::test]
async fn no_files_are_mounted_where_nobody_wants_them_or_something_stands_there() {
    let no = |who: &str| {
        ACCOUNT.replace(
            "{\"metadata\"",
            &format!(r#"{{"automountServiceAccountToken":{who},"metadata""#),
        )
    };
    let plain = r#"{"spec":{"containers":[{"name":"c"}]}}"#;
    let done = ask(&no("false")).admit(&plugin(), plain).await.unwrap();
    assert!(!done.at("spec").has("volumes"));
    let yes = r#"{"spec":{"automountServiceAccountToken":true,"containers":[{"name":"c"}]}}"#;
    let done = ask(&no("false")).admit(&plugin(), yes).await.unwrap();
    assert!(done.at("spec").has("volumes"));
    let own = r#"{"spec":{"containers":[{"name":"c","volumeMounts":[{"name":"x","mountPath":"/var/run/secrets/kubernetes.io/serviceaccount"}]}]}}"#;
    let done = ask(ACCOUNT).admit(&plugin(), own).await.unwrap();
    assert!(!done.at("spec").has("volumes"));
    // A volume of such a name is used as it is.
    let known = r#"{"spec":{"containers":[{"name":"c"}],"volumes":[{"name":"kube-api-access-x"}]}}"#;
    let done = ask(ACCOUNT).admit(&plugin(), known).await.unwrap();
    assert_eq!(done.at("spec").items("volumes").len(), 1);
    assert_eq!(
        done.at("spec").items("containers")[0].items("volumeMounts")[0].text("name"),
        "kube-api-access-x"
    );
}

#[tokio::test]
async fn an_account_must_be_there() {
    let pod = r#"{"spec":{"serviceAccountName":"x"}}"#;
    assert_eq!(
        refused(bare(), pod).await,
        r#"error looking up service account t/x: serviceaccount "x" not found"#
    );
    let stored = bare().storing("", "serviceaccounts", r#"{"metadata":{"name":"x","namespace":"t"}}"#);
    stored.admit(&plugin(), pod).await.unwrap();
    let broken = bare();
    broken.world.fail(Status::service_unavailable("down"));
    assert_eq!(refused(broken, pod).await, "error looking up service account t/x: down");
}

#[tokio::test]
async fn the_default_account_may_still_be_on_its_way() {
    let clock = ManualClock::new(0);
    let plugin = ServiceAccount {
        clock: Arc::new(clock.clone()),
        random: Arc::new(Seeded::new(1)),
    };
    let ask = bare();
    let admitting = ask.admit(&plugin, r#"{"spec":{}}"#);
    let making = async {
        while *ask.world.reads.lock() < 3 {
            clock.advance(Duration::from_millis(200));
            tokio::task::yield_now().await;
        }
        ask.world.store("", "serviceaccounts", tree(ACCOUNT));
        clock.advance(Duration::from_millis(200));
    };
    let (done, ()) = tokio::join!(admitting, making);
    done.unwrap();
    assert!(clock.monotonic() < Duration::from_secs(2));
}

#[tokio::test]
async fn strict_accounts_allow_their_own_secrets_alone() {
    let tail = |what: &str| format!("is not allowed because service account default does not reference that {what}");
    for (spec, words) in [
        (
            r#"{"volumes":[{"secret":{"secretName":"x"}}]}"#,
            format!(r#"volume with secret.secretName="x" {}"#, tail("secret")),
        ),
        (
            r#"{"initContainers":[{"name":"i","env":[{"name":"E","valueFrom":{"secretKeyRef":{"name":"x"}}}]}]}"#,
            format!(
                r#"init container i with envVar E referencing secret.secretName="x" {}"#,
                tail("secret")
            ),
        ),
        (
            r#"{"containers":[{"name":"c","envFrom":[{"secretRef":{"name":"x"}}]}]}"#,
            format!(
                r#"container c with envFrom referencing secret.secretName="x" {}"#,
                tail("secret")
            ),
        ),
        (
            r#"{"imagePullSecrets":[{"name":"pull"},{"name":"x"}]}"#,
            format!(r#"imagePullSecrets[1].name="x" {}"#, tail("imagePullSecret")),
        ),
    ] {
        let pod = format!(r#"{{"spec":{spec}}}"#);
        assert_eq!(refused(ask(STRICT), &pod).await, words);
        ask(ACCOUNT).admit(&plugin(), &pod).await.unwrap();
    }
    let known = r#"{"spec":{"volumes":[{"secret":{"secretName":"known"}}]}}"#;
    ask(STRICT).admit(&plugin(), known).await.unwrap();
}

#[tokio::test]
async fn added_containers_keep_to_a_strict_account_too() {
    let added = || ask(STRICT).part("ephemeralcontainers").changing("{}");
    let pod = r#"{"metadata":{"name":"a"},"spec":{"serviceAccountName":"default",
        "ephemeralContainers":[{"name":"e","envFrom":[{"secretRef":{"name":"x"}}]}]}}"#;
    let refused = added().validate(&plugin(), pod).await.unwrap_err();
    assert!(
        refused.message.contains("ephemeral container e with envFrom"),
        "{refused}"
    );
    let refused = added()
        .validate(&plugin(), r#"{"metadata":{"name":"a"}}"#)
        .await
        .unwrap_err();
    assert!(
        refused.message.ends_with("no service account specified for pod t/a"),
        "{refused}"
    );
    // Nothing is added to a pod that is.
    assert_eq!(added().admit(&plugin(), pod).await.unwrap(), tree(pod));
}

#[tokio::test]
async fn mirror_pods_are_nobody() {
    let mirror =
        |spec: &str| format!(r#"{{"metadata":{{"annotations":{{"kubernetes.io/config.mirror":"x"}}}},"spec":{spec}}}"#);
    for (spec, words) in [
        (
            r#"{"serviceAccountName":"x"}"#,
            "a mirror pod may not reference service accounts",
        ),
        (
            r#"{"volumes":[{"secret":{"secretName":"x"}}]}"#,
            "a mirror pod may not reference secrets",
        ),
        (
            r#"{"volumes":[{"projected":{"sources":[{"serviceAccountToken":{}}]}}]}"#,
            "a mirror pod may not use ServiceAccountToken volume projections",
        ),
    ] {
        assert_eq!(refused(bare(), &mirror(spec)).await, words);
    }
    let plain = mirror(r#"{"containers":[{"name":"c"}]}"#);
    assert_eq!(bare().admit(&plugin(), &plain).await.unwrap(), tree(&plain));
}
