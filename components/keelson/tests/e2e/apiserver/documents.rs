//! The documents of `OpenAPI` over HTTP: hashes in addresses, forms, parts, and whoever has them already.

use crate::apiserver::pair::{Answer, Pair};

const DOCUMENT: &str = "/openapi/v3/apis/apps/v1";
const PROTOBUF: &str = "application/com.github.proto-openapi.spec.v3.v1.0+protobuf";

/// A header's value, in lower case as all of them are.
fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let lines = answer.headers.lines();
    let mut found = lines.filter_map(|line| line.split_once(": ").filter(|(one, _)| *one == name));
    found.next().map_or("", |(_, value)| value.trim())
}

/// A date of HTTP that was in lower case.
fn capital(date: &str) -> String {
    let capital = |word: &str| match word.split_at_checked(1) {
        _ if word == "gmt" => "GMT".to_owned(),
        Some((first, rest)) => first.to_uppercase() + rest,
        None => String::new(),
    };
    date.split(' ').map(capital).collect::<Vec<_>>().join(" ")
}

#[test]
fn an_address_names_the_document_by_its_hash() {
    let pair = Pair::start();
    let index = pair.send("GET", "/openapi/v3", &[], "").json();
    let address = index["paths"]["apis/apps/v1"]["serverRelativeURL"].as_str().unwrap();
    let current = pair.send("GET", address, &[], "");
    assert_eq!(current.status, 200);
    assert_eq!(header(&current, "cache-control"), "public, immutable");
    assert!(header(&current, "expires").ends_with(" gmt"), "{}", current.headers);
    let moved = pair.send("GET", &format!("{DOCUMENT}?hash=0"), &[], "");
    assert_eq!(
        (moved.status, header(&moved, "location")),
        (301, &*address.to_lowercase())
    );
    let followed = pair.curl(&["-L", &format!("{DOCUMENT}?hash=0")]);
    assert!(followed.stdout == current.body);
}

#[test]
fn a_document_comes_in_one_of_its_forms_or_not_at_all() {
    let pair = Pair::start();
    for path in ["/openapi/v2", DOCUMENT] {
        let plain = pair.send("GET", path, &[], "");
        assert_eq!(
            (plain.status, header(&plain, "content-type")),
            (200, "application/json")
        );
        assert!(header(&plain, "vary").contains("accept"), "{}", plain.headers);
        for media in ["image/png", "text/html", "application/xml", "application/yaml"] {
            let refused = pair.send("GET", path, &[&format!("Accept: {media}")], "");
            assert_eq!((refused.status, &*refused.body), (406, ""), "{path} {media}");
        }
        // Upstream does not look at the method.
        let put = pair.send("PUT", path, &[], "");
        assert_eq!((put.status, put.body == plain.body), (200, true), "{path}");
    }
    let accept = format!("Accept: {PROTOBUF}");
    let size = pair.curl(&[
        "-o",
        "/dev/null",
        "-w",
        "%{content_type} %{http_code}",
        "-H",
        &accept,
        DOCUMENT,
    ]);
    assert_eq!(size.stdout, format!("{PROTOBUF} 200"));
    for path in ["/openapi/v2/", "/openapi/v3/", "/openapi/v3/apis/apps/v1/"] {
        assert_eq!(pair.send("GET", path, &[], "").status, 404, "{path}");
    }
}

#[test]
fn who_has_a_document_or_a_part_of_it_gets_the_rest() {
    let pair = Pair::start();
    let whole = pair.send("GET", DOCUMENT, &[], "");
    let (tag, since) = (
        header(&whole, "etag").to_uppercase(),
        capital(header(&whole, "last-modified")),
    );
    for headers in [format!("If-None-Match: {tag}"), format!("If-Modified-Since: {since}")] {
        let known = pair.send("GET", DOCUMENT, &[&headers], "");
        assert_eq!((known.status, known.body.len()), (304, 0), "{headers}");
    }
    let part = pair.send("GET", DOCUMENT, &["Range: bytes=0-9", "Accept-Encoding: gzip"], "");
    assert_eq!((part.status, &*part.body), (206, &whole.body[..10]));
    assert_eq!(
        header(&part, "content-range"),
        format!("bytes 0-9/{}", whole.body.len())
    );
    let other = pair.send("GET", DOCUMENT, &["Range: bytes=0-9", "If-Range: \"x\""], "");
    assert_eq!((other.status, other.body == whole.body), (200, true));
    let beyond = pair.send("GET", DOCUMENT, &["Range: bytes=99999999-"], "");
    assert_eq!(beyond.status, 416);
}
