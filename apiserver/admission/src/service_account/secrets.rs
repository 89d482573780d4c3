//! Accounts that say which secrets their pods may use: no others may be named.

use apiserver_api::meta;
use apiserver_api::tree::Tree;

/// Annotation of an account whose pods may use its own secrets alone; deprecated, and still kept to.
const ENFORCE: &str = "kubernetes.io/enforce-mountable-secrets";

/// Whether an account restricts its pods. The words for true are Go's.
fn restricts(account: &Tree) -> bool {
    let said = meta::annotation(account, ENFORCE).unwrap_or_default();
    ["1", "t", "T", "TRUE", "true", "True"].contains(&said)
}

fn has(list: &[Tree], name: &str) -> bool {
    list.iter().any(|one| one.text("name") == name)
}

/// Checks what a new pod names; the error is upstream's text.
pub(super) fn check(spec: &Tree, account: &Tree) -> Result<(), String> {
    if !restricts(account) {
        return Ok(());
    }
    let owner = meta::name(account);
    for volume in spec.items("volumes") {
        let secret = volume.at("secret").text("secretName");
        if volume.has("secret") && !has(account.items("secrets"), secret) {
            return Err(format!(
                "volume with secret.secretName=\"{secret}\" is not allowed because service account {owner} does not reference that secret"
            ));
        }
    }
    check_containers(spec, "initContainers", "init container", account)?;
    check_containers(spec, "containers", "container", account)?;
    for (at, pull) in spec.items("imagePullSecrets").iter().enumerate() {
        let name = pull.text("name");
        if !has(account.items("imagePullSecrets"), name) {
            return Err(format!(
                "imagePullSecrets[{at}].name=\"{name}\" is not allowed because service account {owner} does not reference that imagePullSecret"
            ));
        }
    }
    Ok(())
}

/// Checks what containers name that were added to a running pod.
pub(super) fn check_added(spec: &Tree, account: &Tree) -> Result<(), String> {
    if !restricts(account) {
        return Ok(());
    }
    check_containers(spec, "ephemeralContainers", "ephemeral container", account)
}

fn check_containers(spec: &Tree, list: &str, words: &str, account: &Tree) -> Result<(), String> {
    let owner = meta::name(account);
    for container in spec.items(list) {
        let name = container.text("name");
        let refused = |with: String, secret: &str| {
            Err(format!(
                "{words} {name} with {with} referencing secret.secretName=\"{secret}\" is not allowed because service account {owner} does not reference that secret"
            ))
        };
        for variable in container.items("env") {
            let key = variable.below(&["valueFrom", "secretKeyRef"]);
            if !key.is_null() && !has(account.items("secrets"), key.text("name")) {
                return refused(format!("envVar {}", variable.text("name")), key.text("name"));
            }
        }
        for source in container.items("envFrom") {
            let secret = source.at("secretRef");
            if !secret.is_null() && !has(account.items("secrets"), secret.text("name")) {
                return refused("envFrom".to_owned(), secret.text("name"));
            }
        }
    }
    Ok(())
}
