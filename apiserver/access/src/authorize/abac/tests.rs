//! Policy files, and what they allow.

use std::io::Write;

use apiserver_api::user::User;

use super::super::{Attributes, Authorizer, On, Resource};
use super::{Error, LINE_MAX, Policies};

fn read(text: &str) -> Result<Policies, Error> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Policies::read(file.path())
}

async fn allowed(policies: &Policies, user: &User, verb: &str, on: &str) -> bool {
    let on = match on.split(' ').collect::<Vec<&str>>()[..] {
        [namespace, group, resource] => On::Resource(Resource {
            namespace,
            group,
            resource,
            ..Resource::default()
        }),
        _ => On::Path(on),
    };
    policies.authorize(&Attributes { user, verb, on }).await.is_allowed()
}

/// Policies of both versions, as upstream's documents show them.
const FILE: &str = r#"# who may do what

{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"alice","namespace":"*","resource":"*","apiGroup":"*"}}
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"user":"bob","namespace":"p","resource":"pods","readonly":true}}
{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"group":"*","readonly":true,"nonResourcePath":"/v*"}}
{"user":"carol","readonly":true}
{"group":"ops","namespace":"p"}
"#;

#[tokio::test]
async fn policies_allow_what_they_say_and_no_more() {
    let policies = read(FILE).unwrap();
    let user = |name: &'static str| User::new(name, ["system:authenticated"]);
    let ops = User::new("dan", ["ops"]);
    for (user, verb, on, may) in [
        (&user("alice"), "delete", "p apps deployments", true),
        (&user("alice"), "get", "/version", true),
        (&user("alice"), "post", "/version", false),
        (&user("bob"), "list", "p  pods", true),
        (&user("bob"), "list", "p apps pods", false),
        (&user("bob"), "create", "p  pods", false),
        (&user("bob"), "list", "q  pods", false),
        (&user("carol"), "watch", "q apps anything", true),
        (&user("carol"), "get", "/anything", true),
        (&user("carol"), "update", "q apps anything", false),
        (&ops, "update", "p apps anything", true),
        (&ops, "get", "q apps anything", false),
        (&ops, "get", "/version", false),
        (&User::new("eve", []), "get", "/version", false),
    ] {
        assert_eq!(
            allowed(&policies, user, verb, on).await,
            may,
            "{} {verb} {on}",
            user.name
        );
    }
}

#[tokio::test]
async fn who_nothing_is_said_of_may_nothing() {
    let policies = read(
        r#"{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":{"resource":"*","namespace":"*","apiGroup":"*"}}"#,
    );
    let user = User::new("x", ["system:authenticated"]);
    let (user, verb, on) = (&user, "get", On::Path("/"));
    let verdict = policies.unwrap().authorize(&Attributes { user, verb, on }).await;
    assert_eq!(verdict.reason, "No policy matched.");
    // In the first version, all who said who they are may.
    let policies = read("{}").unwrap();
    assert!(allowed(&policies, user, "delete", "p apps x").await);
    assert!(
        !allowed(
            &policies,
            &User::new("system:anonymous", ["system:unauthenticated"]),
            "get",
            "/"
        )
        .await
    );
}

#[tokio::test]
async fn rules_are_told() {
    let rules = read(FILE)
        .unwrap()
        .rules(&User::new("bob", ["system:authenticated"]), "p")
        .await;
    let told = (
        &rules.resources[0].verbs[..],
        &rules.resources[0].resources[..],
        rules.paths.len(),
    );
    assert_eq!(
        told,
        (&["get", "list", "watch"].map(Into::into)[..], &["pods".into()][..], 0)
    );
    let rules = read(FILE).unwrap().rules(&User::new("carol", []), "q").await;
    assert_eq!((rules.resources.len(), rules.paths.len()), (1, 1));
}

#[test]
fn a_line_that_is_no_policy_is_named() {
    let told = read("{}\n\n{\"user\":\n").unwrap_err().to_string();
    assert!(
        told.ends_with(", line 3: {\"user\":: unexpected end of JSON input"),
        "{told}"
    );
    for (line, why) in [
        ("[]", "json: cannot unmarshal array into Go value of type Policy"),
        (
            r#"{"user":5}"#,
            "json: cannot unmarshal number into Go struct field Policy.user of type string",
        ),
        (
            r#"{"readonly":"yes"}"#,
            "json: cannot unmarshal string into Go struct field Policy.readonly of type bool",
        ),
        (
            r#"{"kind":{}}"#,
            "json: cannot unmarshal object into Go struct field Policy.kind of type string",
        ),
        (
            r#"{"apiVersion":"abac.authorization.kubernetes.io/v1beta1","kind":"Policy","spec":"x"}"#,
            "json: cannot unmarshal string into Go struct field Policy.spec of type PolicySpec",
        ),
    ] {
        let told = read(line).unwrap_err().to_string();
        assert!(told.ends_with(&format!(", line 1: {line}: {why}")), "{told}");
    }
    let told = read(&format!("{{\"user\":\"{}\"}}", "x".repeat(LINE_MAX)))
        .unwrap_err()
        .to_string();
    assert!(told.ends_with("bufio.Scanner: token too long"), "{told}");
    assert!(Policies::read("/nowhere/at/all".as_ref()).is_err());
}
