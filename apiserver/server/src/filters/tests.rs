//! What all answers say.

use std::sync::Arc;

use axum::body::Body;
use base::random::Seeded;
use http::{Request, Response, Version};

use super::{Filters, Options};
use crate::answer::Answer;

fn filters(options: Options) -> Filters {
    Filters::new(&options, Arc::new(Seeded::new(1))).unwrap()
}

/// What an answer says to a request with these headers, and whether it is only about what may be asked.
fn answer(filters: &Filters, method: &str, version: Version, headers: &[(&str, &str)]) -> (Answer, bool) {
    let mut request = Request::builder().method(method).version(version);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).unwrap().into_parts();
    let arrival = filters.arrive(&parts);
    let preflight = arrival.preflight();
    let was_preflight = preflight.is_some();
    let mut answer = preflight.unwrap_or_else(|| Response::new(Body::empty()));
    filters.depart(&arrival, &mut answer);
    (answer, was_preflight)
}

#[test]
fn every_answer_has_the_name_of_its_request() {
    let filters = filters(Options::default());
    let (one, _) = answer(&filters, "GET", Version::HTTP_11, &[]);
    assert_eq!(one.headers()["audit-id"].len(), 36);
    let (one, _) = answer(&filters, "GET", Version::HTTP_11, &[("Audit-ID", "mine")]);
    assert_eq!(one.headers()["audit-id"], "mine");
    assert_eq!(one.headers().len(), 1);
}

#[test]
fn browsers_are_told_to_come_by_tls_only_where_flags_say_so() {
    let filters = filters(Options {
        hsts_directives: vec!["max-age=31536000".to_owned(), "includeSubDomains".to_owned()],
        ..Options::default()
    });
    let (one, _) = answer(&filters, "GET", Version::HTTP_11, &[]);
    let told = "max-age=31536000; includeSubDomains";
    assert_eq!(one.headers()["strict-transport-security"], told);
}

#[test]
fn pages_of_allowed_origins_may_ask() {
    let filters = filters(Options {
        cors_allowed_origins: vec!["//example\\.com(:|$)".to_owned()],
        ..Options::default()
    });
    let from = |origin| [("Origin", origin)];
    let (one, preflight) = answer(&filters, "GET", Version::HTTP_2, &from("https://example.com:8080"));
    assert!(!preflight);
    let headers = one.headers();
    assert_eq!(headers["access-control-allow-origin"], "https://example.com:8080");
    assert_eq!(
        headers["access-control-allow-methods"],
        "POST, GET, OPTIONS, PUT, DELETE, PATCH"
    );
    assert_eq!(headers["access-control-expose-headers"], "Date");
    assert_eq!(headers["access-control-allow-credentials"], "true");
    let (one, preflight) = answer(&filters, "OPTIONS", Version::HTTP_2, &from("https://example.com"));
    assert!(preflight && one.status() == 204);
    for origin in ["https://example.org", ""] {
        let (one, preflight) = answer(&filters, "OPTIONS", Version::HTTP_2, &from(origin));
        assert!(!preflight && !one.headers().contains_key("access-control-allow-origin"));
    }
    let wrong = Options {
        cors_allowed_origins: vec!["(".to_owned()],
        ..Options::default()
    };
    assert!(Filters::new(&wrong, Arc::new(Seeded::new(1))).is_err());
}

#[test]
fn a_share_of_the_requests_of_http_2_ends_its_connection() {
    let filters = filters(Options {
        goaway_chance: 0.02,
        ..Options::default()
    });
    let ends = |version| {
        let all = (0..10_000).map(|_| answer(&filters, "GET", version, &[]).0);
        all.filter(|one| one.headers().get("connection").is_some_and(|value| value == "close"))
            .count()
    };
    let some = ends(Version::HTTP_2);
    assert!((150..=250).contains(&some), "{some}");
    assert_eq!(ends(Version::HTTP_11), 0);
}
