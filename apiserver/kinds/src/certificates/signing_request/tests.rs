//! Requests that are taken, and what is said of those that are not.

use apiserver_api::status::Status;
use apiserver_api::time::Time;
use apiserver_api::tree::{self, Tree};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::super::samples::{AUTHORITY, REQUEST};
use super::{SIGNING_REQUEST, condition};
use crate::kind::Asked;

fn read(text: &str) -> Tree {
    tree::parse(text.as_bytes()).unwrap().tree
}

fn request() -> Tree {
    let mut object = read(
        r#"{"metadata":{"name":"r","resourceVersion":"1"},
        "spec":{"signerName":"a.b/c","usages":["client auth"],"username":"forged"}}"#,
    );
    object.child("spec").set("request", STANDARD.encode(REQUEST));
    object
}

fn play<T>(play: impl FnOnce(&Asked<'_>) -> T) -> T {
    let user = read(r#"{"username":"jane","uid":"u","groups":["g"],"extra":{"k":["v"]}}"#);
    let now = Time::from_unix(0);
    play(&Asked { now, user: &user })
}

fn create(object: &mut Tree) -> Result<Vec<String>, Status> {
    play(|asked| SIGNING_REQUEST.create(asked, object))
}

fn said(result: Result<Vec<String>, Status>) -> Vec<String> {
    let details = result.err().and_then(|status| status.details);
    let causes = details.map(|details| details.causes).unwrap_or_default();
    causes
        .iter()
        .map(|cause| format!("{}: {}", cause.field, cause.message))
        .collect()
}

#[test]
fn a_request_is_whose_who_asks() {
    let mut object = request();
    assert_eq!(create(&mut object), Ok(vec![]));
    let spec = object.at("spec");
    assert_eq!((spec.text("username"), spec.text("uid")), ("jane", "u"));
    assert_eq!(spec.at("extra"), &read(r#"{"k":["v"]}"#));
    let mut other = object.clone();
    other.child("spec").set("username", "x");
    play(|asked| SIGNING_REQUEST.update(asked, &mut other, &object)).unwrap();
    assert_eq!(other.at("spec").text("username"), "jane");
}

#[test]
fn what_is_signed_is_what_was_checked() {
    for other in [
        "-----BEGIN CERTIFICATE REQUEST-----\nAQI=\n-----END CERTIFICATE REQUEST-----\n",
        "-----BEGIN x",
    ] {
        let mut object = request();
        object
            .child("spec")
            .set("request", STANDARD.encode(format!("{REQUEST}\n{other}")));
        let message = said(create(&mut object)).remove(0);
        assert!(message.contains("there must be one PEM block"), "{message}");
    }
}

#[test]
fn a_request_names_a_signer_known_usages_each_once_and_lives_ten_minutes() {
    let mut object = request();
    let spec = object.child("spec");
    spec.set("usages", read(r#"["x","x"]"#));
    spec.set("signerName", "kubernetes.io/legacy-unknown");
    spec.set("expirationSeconds", 599);
    let said = said(create(&mut object));
    assert_eq!(said.len(), 5, "{said:?}");
    assert!(said[0].starts_with(r#"spec.usages[0]: Unsupported value: "x": supported values: "any", "#));
    assert_eq!(
        said[2..],
        [
            r#"spec.usages[1]: Duplicate value: "x""#,
            r#"spec.signerName: Invalid value: "kubernetes.io/legacy-unknown": the legacy signerName is not allowed via this API version"#,
            "spec.expirationSeconds: Invalid value: 599: may not specify a duration less than 600 seconds (10 minutes)",
        ]
    );
}

fn with(object: &Tree, status: &str) -> Tree {
    let mut object = object.clone();
    object.set("status", read(status));
    object
}

#[test]
fn approvers_decide_and_signers_issue() {
    let mut object = request();
    create(&mut object).unwrap();
    let write = |part: &str, new: &Tree, old: &Tree| {
        let mut new = new.clone();
        let result = play(|asked| SIGNING_REQUEST.update_part(part, asked, &mut new, old));
        (said(result), new)
    };
    let approved = with(&object, r#"{"conditions":[{"type":"Approved","status":"True"}]}"#);
    let path = "status.conditions: Forbidden: updates may not";
    assert_eq!(
        write("status", &approved, &object).0,
        [format!("{path} add a condition of type \"Approved\"")]
    );
    let (wrong, approved) = write("approval", &approved, &object);
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(
        approved.at("status").items("conditions")[0].text("lastUpdateTime"),
        "1970-01-01T00:00:00Z"
    );
    assert_eq!(condition::cell(&approved), "Approved");
    assert_eq!(
        write("approval", &object, &approved).0,
        [format!("{path} remove a condition of type \"Approved\"")]
    );
    let both = r#"{"conditions":[{"type":"Approved","status":"True"},{"type":"Denied","status":"False"}]}"#;
    assert_eq!(
        write("approval", &with(&object, both), &object).0,
        [
            r#"status.conditions[1].status: Unsupported value: "False": supported values: "True""#,
            r#"status.conditions: Invalid value: "Denied": Approved and Denied conditions are mutually exclusive"#,
        ]
    );
    let mut issued = approved.clone();
    issued.child("status").set("certificate", STANDARD.encode(AUTHORITY));
    let (wrong, issued) = write("status", &issued, &approved);
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(condition::cell(&issued), "Approved,Issued");
    let mut again = issued.clone();
    again
        .child("status")
        .set("certificate", STANDARD.encode(AUTHORITY.repeat(2)));
    assert_eq!(
        write("status", &again, &issued).0,
        ["status.certificate: Forbidden: updates may not modify existing certificate content"]
    );
    assert_eq!(
        write("status", &with(&issued, r#"{"conditions":[{}]}"#), &object)
            .0
            .len(),
        2
    );
}
