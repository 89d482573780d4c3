//! Accounts that say which secrets their pods may use: no others may be named.

use std::collections::HashSet;

use apiserver_api::meta;
use apiserver_api::tree::Tree;

/// Annotation of an account whose pods may use its own secrets alone; deprecated, and still kept to.
const ENFORCE: &str = "kubernetes.io/enforce-mountable-secrets";

/// Whether an account restricts its pods. The words for true are Go's.
fn restricts(account: &Tree) -> bool {
    let said = meta::annotation(account, ENFORCE).unwrap_or_default();
    ["1", "t", "T", "TRUE", "true", "True"].contains(&said)
}

/// The names in a list of references.
fn names(list: &[Tree]) -> HashSet<&str> {
    list.iter().map(|one| one.text("name")).collect()
}

/// Checks what a new pod names; the error is upstream's text.
pub(super) fn check(spec: &Tree, account: &Tree) -> Result<(), String> {
    if !restricts(account) {
        return Ok(());
    }
    let owner = meta::name(account);
    let (secrets, pulls) = (
        names(account.items("secrets")),
        names(account.items("imagePullSecrets")),
    );
    for volume in spec.items("volumes") {
        let secret = volume.at("secret").text("secretName");
        if volume.has("secret") && !secrets.contains(secret) {
            return Err(format!(
                "volume with secret.secretName=\"{secret}\" is not allowed because service account {owner} does not reference that secret"
            ));
        }
    }
    check_containers(spec, "initContainers", "init container", owner, &secrets)?;
    check_containers(spec, "containers", "container", owner, &secrets)?;
    for (at, pull) in spec.items("imagePullSecrets").iter().enumerate() {
        let name = pull.text("name");
        if !pulls.contains(name) {
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
    let secrets = names(account.items("secrets"));
    let owner = meta::name(account);
    check_containers(spec, "ephemeralContainers", "ephemeral container", owner, &secrets)
}

fn check_containers(spec: &Tree, list: &str, words: &str, owner: &str, secrets: &HashSet<&str>) -> Result<(), String> {
    for container in spec.items(list) {
        let name = container.text("name");
        let refused = |with: String, secret: &str| {
            Err(format!(
                "{words} {name} with {with} referencing secret.secretName=\"{secret}\" is not allowed because service account {owner} does not reference that secret"
            ))
        };
        for variable in container.items("env") {
            let key = variable.below(&["valueFrom", "secretKeyRef"]);
            if !key.is_null() && !secrets.contains(key.text("name")) {
                return refused(format!("envVar {}", variable.text("name")), key.text("name"));
            }
        }
        for source in container.items("envFrom") {
            let secret = source.at("secretRef");
            if !secret.is_null() && !secrets.contains(secret.text("name")) {
                return refused("envFrom".to_owned(), secret.text("name"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::double::json;

    #[test]
    fn many_secrets_are_found_among_many_of_an_account() {
        let each = |one: &dyn Fn(usize) -> String| (0..40_000).map(one).collect::<Vec<_>>().join(",");
        let names = each(&|at| format!(r#"{{"name":"secret-{at:06}"}}"#));
        let account = json(&format!(
            r#"{{"metadata":{{"annotations":{{"kubernetes.io/enforce-mountable-secrets":"true"}}}},
                "secrets":[{names}],"imagePullSecrets":[{names}]}}"#
        ));
        let sources = each(&|at| format!(r#"{{"secretRef":{{"name":"secret-{at:06}"}}}}"#));
        let spec = json(&format!(
            r#"{{"containers":[{{"envFrom":[{sources}]}}],"imagePullSecrets":[{names}]}}"#
        ));
        assert_eq!(check(&spec, &account), Ok(()));
    }
}
