//! Statuses as a real server answers them.

use super::{Cause, Details, Reason, Status};
use crate::gvk::{GroupKind, GroupResource};
use crate::path::Path;
use crate::refusal::Refusals;

fn json(status: &Status) -> String {
    let json = String::from_utf8(status.to_tree().to_json()).unwrap();
    // What is the same in every failure.
    let tail = r#","metadata":{},"reason":""#;
    json.replace(r#""apiVersion":"v1","#, "")
        .replace(r#""kind":"Status","#, "")
        .replace(tail, r#","reason":""#)
}

fn deployments() -> GroupResource {
    GroupResource::new("apps", "deployments")
}

fn pods() -> GroupResource {
    GroupResource::new("", "pods")
}

#[test]
fn failures_of_objects_say_which() {
    for (status, expected) in [
        (
            Status::not_found(&deployments(), "none"),
            r#"{"code":404,"details":{"group":"apps","kind":"deployments","name":"none"},"message":"deployments.apps \"none\" not found","reason":"NotFound","status":"Failure"}"#,
        ),
        (
            Status::not_found(&GroupResource::new("", "configmaps"), "\0"),
            r#"{"code":404,"details":{"kind":"configmaps","name":"\u0000"},"message":"configmaps \"\\x00\" not found","reason":"NotFound","status":"Failure"}"#,
        ),
        (
            Status::already_exists(&pods(), "a"),
            r#"{"code":409,"details":{"kind":"pods","name":"a"},"message":"pods \"a\" already exists","reason":"AlreadyExists","status":"Failure"}"#,
        ),
        (
            Status::generate_name_conflict(&pods(), "a-x", 1),
            r#"{"code":409,"details":{"kind":"pods","name":"a-x","retryAfterSeconds":1},"message":"pods \"a-x\" already exists, the server was not able to generate a unique name for the object","reason":"AlreadyExists","status":"Failure"}"#,
        ),
        (
            Status::conflict(
                &deployments(),
                "w",
                "the object has been modified; please apply your changes to the latest version and try again",
            ),
            r#"{"code":409,"details":{"group":"apps","kind":"deployments","name":"w"},"message":"Operation cannot be fulfilled on deployments.apps \"w\": the object has been modified; please apply your changes to the latest version and try again","reason":"Conflict","status":"Failure"}"#,
        ),
        (
            Status::forbidden(&pods(), "x", "no"),
            r#"{"code":403,"details":{"kind":"pods","name":"x"},"message":"pods \"x\" is forbidden: no","reason":"Forbidden","status":"Failure"}"#,
        ),
        (
            Status::forbidden(&pods(), "", "no"),
            r#"{"code":403,"details":{"kind":"pods"},"message":"pods is forbidden: no","reason":"Forbidden","status":"Failure"}"#,
        ),
        (
            Status::forbidden(
                &GroupResource::default(),
                "",
                r#"User "system:anonymous" cannot get path "/api""#,
            ),
            r#"{"code":403,"details":{},"message":"forbidden: User \"system:anonymous\" cannot get path \"/api\"","reason":"Forbidden","status":"Failure"}"#,
        ),
        (
            Status::method_not_supported(&deployments(), "connect"),
            r#"{"code":405,"details":{"group":"apps","kind":"deployments"},"message":"connect is not supported on resources of kind \"deployments.apps\"","reason":"MethodNotAllowed","status":"Failure"}"#,
        ),
        (
            Status::server_timeout(&pods(), "create", 2),
            r#"{"code":500,"details":{"kind":"pods","name":"create","retryAfterSeconds":2},"message":"The create operation against pods could not be completed at this time, please try again.","reason":"ServerTimeout","status":"Failure"}"#,
        ),
    ] {
        assert_eq!(json(&status), expected);
    }
}

#[test]
fn failures_of_requests_say_why() {
    for (status, expected) in [
        (
            Status::unauthorized("Unauthorized"),
            r#"{"code":401,"message":"Unauthorized","reason":"Unauthorized","status":"Failure"}"#,
        ),
        (
            Status::unauthorized(""),
            r#"{"code":401,"message":"not authorized","reason":"Unauthorized","status":"Failure"}"#,
        ),
        (
            Status::bad_request("x"),
            r#"{"code":400,"message":"x","reason":"BadRequest","status":"Failure"}"#,
        ),
        (
            Status::gone("x"),
            r#"{"code":410,"message":"x","reason":"Gone","status":"Failure"}"#,
        ),
        (
            Status::expired("x"),
            r#"{"code":410,"message":"x","reason":"Expired","status":"Failure"}"#,
        ),
        (
            Status::service_unavailable("x"),
            r#"{"code":503,"message":"x","reason":"ServiceUnavailable","status":"Failure"}"#,
        ),
        (
            Status::too_many_requests("x", 10).because("DisruptionBudget", "", "y"),
            r#"{"code":429,"details":{"causes":[{"message":"y","reason":"DisruptionBudget"}],"retryAfterSeconds":10},"message":"x","reason":"TooManyRequests","status":"Failure"}"#,
        ),
        (
            Status::busy("x"),
            r#"{"code":429,"message":"Too many requests: x","reason":"TooManyRequests","status":"Failure"}"#,
        ),
        (
            Status::timeout("x", 0),
            r#"{"code":504,"details":{},"message":"Timeout: x","reason":"Timeout","status":"Failure"}"#,
        ),
        (
            Status::too_large_resource_version(9, 5, 1),
            r#"{"code":504,"details":{"causes":[{"message":"Too large resource version","reason":"ResourceVersionTooLarge"}],"retryAfterSeconds":1},"message":"Timeout: Too large resource version: 9, current: 5","reason":"Timeout","status":"Failure"}"#,
        ),
        (
            Status::internal("x"),
            r#"{"code":500,"details":{"causes":[{"message":"x"}]},"message":"Internal error occurred: x","reason":"InternalError","status":"Failure"}"#,
        ),
        (
            Status::request_entity_too_large("limit is 3145728"),
            r#"{"code":413,"message":"Request entity too large: limit is 3145728","reason":"RequestEntityTooLarge","status":"Failure"}"#,
        ),
        (
            Status::not_acceptable(&["application/json", "text/plain"]),
            r#"{"code":406,"message":"only the following media types are accepted: application/json, text/plain","reason":"NotAcceptable","status":"Failure"}"#,
        ),
        (
            Status::unsupported_media_type(&["application/json", "application/yaml"]),
            r#"{"code":415,"message":"the body of the request was in an unknown format - accepted media types include: application/json, application/yaml","reason":"UnsupportedMediaType","status":"Failure"}"#,
        ),
    ] {
        assert_eq!(json(&status), expected);
    }
    let unknown = Status::unknown("x").to_tree();
    assert_eq!((unknown.int("code"), unknown.has("reason")), (500, false));
}

#[test]
fn every_refusal_is_a_cause_and_is_told_once() {
    let kind = GroupKind::new("apps", "Deployment");
    let mut refusals = Refusals::new();
    refusals.required(&Path::of("spec").field("selector"), "");
    let one = Status::invalid(&kind, "a0", &refusals);
    assert_eq!(
        one.to_string(),
        r#"Deployment.apps "a0" is invalid: spec.selector: Required value"#
    );
    refusals.invalid(&Path::of("spec"), 1_i64, "no");
    refusals.required(&Path::of("spec").field("selector"), "");
    assert_eq!(
        json(&Status::invalid(&kind, "a0", &refusals)),
        r#"{"code":422,"details":{"causes":[{"field":"spec.selector","message":"Required value","reason":"FieldValueRequired"},{"field":"spec","message":"Invalid value: 1: no","reason":"FieldValueInvalid"},{"field":"spec.selector","message":"Required value","reason":"FieldValueRequired"}],"group":"apps","kind":"Deployment","name":"a0"},"message":"Deployment.apps \"a0\" is invalid: [spec.selector: Required value, spec: Invalid value: 1: no]","reason":"Invalid","status":"Failure"}"#
    );
    let bare = Status::invalid(&GroupKind::new("authorization.k8s.io", ""), "", &Refusals::new());
    assert_eq!(bare.to_string(), r#".authorization.k8s.io "" is invalid"#);
}

#[test]
fn applied_fields_of_others_are_causes() {
    let cause = Cause {
        reason: "FieldManagerConflict".into(),
        message: r#"conflict with "m""#.into(),
        field: ".data.k".into(),
    };
    let message = r#"Apply failed with 1 conflict: conflict with "m": .data.k"#;
    assert_eq!(
        json(&Status::apply_conflict(vec![cause], message)),
        r#"{"code":409,"details":{"causes":[{"field":".data.k","message":"conflict with \"m\"","reason":"FieldManagerConflict"}]},"message":"Apply failed with 1 conflict: conflict with \"m\": .data.k","reason":"Conflict","status":"Failure"}"#
    );
}

/// A code, a verb and what the server says, with the reason and the message.
const GENERIC: [(u16, &str, &str, Reason, &str); 16] = [
    (
        404,
        "GET",
        "",
        Reason::NotFound,
        "the server could not find the requested resource",
    ),
    (
        405,
        "PUT",
        "",
        Reason::MethodNotAllowed,
        "the server does not allow this method on the requested resource",
    ),
    (
        422,
        "PATCH",
        "",
        Reason::Invalid,
        "the server rejected our request due to an error in our request",
    ),
    (
        415,
        "PATCH",
        "415: Unsupported Media Type",
        Reason::UnsupportedMediaType,
        "415: Unsupported Media Type",
    ),
    (409, "POST", "", Reason::AlreadyExists, "the server reported a conflict"),
    (409, "PUT", "", Reason::Conflict, "the server reported a conflict"),
    (
        400,
        "GET",
        "",
        Reason::BadRequest,
        "the server rejected our request for an unknown reason",
    ),
    (
        401,
        "GET",
        "",
        Reason::Unauthorized,
        "the server has asked for the client to provide credentials",
    ),
    (403, "GET", "no", Reason::Forbidden, "no"),
    (406, "GET", "406", Reason::NotAcceptable, "406"),
    (
        406,
        "GET",
        "",
        Reason::NotAcceptable,
        "the server was unable to respond with a content type that the client supports",
    ),
    (
        429,
        "GET",
        "",
        Reason::TooManyRequests,
        "the server has received too many requests and has asked us to try again later",
    ),
    (
        503,
        "GET",
        "",
        Reason::ServiceUnavailable,
        "the server is currently unable to handle the request",
    ),
    (
        504,
        "GET",
        "",
        Reason::Timeout,
        "the server was unable to return a response in the time allotted, but may still be processing the request",
    ),
    (
        500,
        "GET",
        "x",
        Reason::InternalError,
        r#"an error on the server ("x") has prevented the request from succeeding"#,
    ),
    (
        418,
        "GET",
        "",
        Reason::Unknown,
        "the server responded with the status code 418 but did not return more information",
    ),
];

#[test]
fn codes_have_words_of_their_own() {
    let nothing = GroupResource::default();
    for (code, verb, message, reason, words) in GENERIC {
        let status = Status::generic(code, verb, &nothing, "", message);
        assert_eq!((status.reason, status.message.as_str()), (reason, words), "{code}");
        assert_eq!(status.details.as_deref(), Some(&Details::default()));
    }
    let named = Status::generic(404, "GET", &deployments(), "w", "");
    assert_eq!(
        named.message,
        "the server could not find the requested resource (get deployments.apps w)"
    );
    let listed = Status::generic(404, "GET", &pods(), "", "");
    assert_eq!(
        listed.message,
        "the server could not find the requested resource (get pods)"
    );
}

#[test]
fn what_went_well_says_so() {
    let details = Details {
        name: "a".into(),
        kind: "pods".into(),
        uid: "u".into(),
        ..Details::default()
    };
    assert_eq!(
        String::from_utf8(Status::success(Some(details)).to_tree().to_json()).unwrap(),
        r#"{"apiVersion":"v1","details":{"kind":"pods","name":"a","uid":"u"},"kind":"Status","metadata":{},"status":"Success"}"#
    );
}
