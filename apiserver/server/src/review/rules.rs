//! `SelfSubjectRulesReview`: what may I in a namespace.

use apiserver_access::authorize::Rules;
use apiserver_api::meta;
use apiserver_api::status::Status;
use apiserver_api::tree::{Text, Tree};

use crate::machine::Machine;
use crate::request::Call;

pub(super) async fn answer(machine: &Machine, call: &Call, review: &mut Tree) -> Result<(), Status> {
    let namespace = review.at("spec").text("namespace").to_owned();
    if namespace.is_empty() {
        return Err(Status::bad_request("no namespace on request"));
    }
    let rules = machine.authorizer.rules(&call.user, &namespace).await;
    *review = answered(review, &rules);
    Ok(())
}

/// A new review: nothing of what the client said of the question is repeated.
fn answered(review: &Tree, rules: &Rules) -> Tree {
    let mut answer = Tree::map();
    meta::set_type(&mut answer, meta::api_version(review), meta::kind(review));
    answer.set("metadata", Tree::map());
    answer.set("spec", Tree::map());
    answer.set("status", status(rules));
    answer
}

fn status(rules: &Rules) -> Tree {
    let mut status = Tree::map();
    let resources = rules.resources.iter().map(|rule| {
        let mut tree = Tree::map();
        tree.set("verbs", list(&rule.verbs));
        for (field, values) in [
            ("apiGroups", &rule.groups),
            ("resources", &rule.resources),
            ("resourceNames", &rule.names),
        ] {
            if !values.is_empty() {
                tree.set(field, list(values));
            }
        }
        tree
    });
    status.set("resourceRules", Tree::List(resources.collect()));
    let paths = rules.paths.iter().map(|rule| {
        let mut tree = Tree::map();
        tree.set("verbs", list(&rule.verbs));
        if !rule.paths.is_empty() {
            tree.set("nonResourceURLs", list(&rule.paths));
        }
        tree
    });
    status.set("nonResourceRules", Tree::List(paths.collect()));
    status.set("incomplete", rules.incomplete);
    if !rules.error.is_empty() {
        status.set("evaluationError", rules.error.as_str());
    }
    status
}

fn list(values: &[Text]) -> Tree {
    values.iter().cloned().collect()
}

#[cfg(test)]
mod tests {
    use apiserver_access::authorize::Rules;
    use apiserver_api::tree::parse;

    use super::answered;

    #[test]
    fn an_answer_does_not_repeat_the_question() {
        let tree = |json: &str| parse(json.as_bytes()).unwrap().tree;
        let asked = tree(
            r#"{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectRulesReview",
                "metadata":{"name":"x","labels":{"a":"b"}},"spec":{"namespace":"n"}}"#,
        );
        let told = r#"{"apiVersion":"authorization.k8s.io/v1","kind":"SelfSubjectRulesReview","metadata":{},"spec":{},
            "status":{"incomplete":false,"nonResourceRules":[],"resourceRules":[]}}"#;
        assert_eq!(answered(&asked, &Rules::default()), tree(told));
    }
}
