//! Requests as kubelets make them, and what signers answer.

use super::super::samples::{ISSUED, ISSUED_TO_OTHER, KEYS, ODD_KEYS, POD_REQUESTS};
use super::POD_REQUEST;
use crate::trial::{create, refused, tree, update, update_status};

/// A request with more or other fields.
fn request(spec: &str) -> String {
    let mut request = tree(&format!(
        r#"{{"spec":{{"signerName":"a.b/c","podName":"p","podUID":"u","serviceAccountName":"s","serviceAccountUID":"u",
        "nodeName":"n","nodeUID":"u","stubPKCS10Request":"{}"}}}}"#,
        POD_REQUESTS[0]
    ));
    for (name, value) in tree(spec).as_map().unwrap().iter() {
        request.child("spec").set(name, value.clone());
    }
    String::from_utf8(request.to_json()).unwrap()
}

/// A request with a status.
fn answered(status: &str) -> String {
    let mut request = tree(&request("{}"));
    request.set("status", tree(status));
    String::from_utf8(request.to_json()).unwrap()
}

/// A status with a condition and other fields.
fn ended(condition: &str, rest: &str) -> String {
    format!(
        r#"{{"conditions":[{{"type":"{condition}","status":"True","reason":"R","message":"m",
        "lastTransitionTime":"2026-01-01T00:00:00Z"}}]{rest}}}"#
    )
}

/// A status with a certificate.
fn issued(chain: &str, begin: &str, refresh: &str, end: &str) -> String {
    let chain = chain.replace('\n', "\\n");
    let rest = format!(
        r#","certificateChain":"{chain}","notBefore":"{begin}","beginRefreshAt":"{refresh}","notAfter":"{end}""#
    );
    ended("Issued", &rest)
}

const BEGIN: &str = "2026-01-01T00:00:00Z";
const REFRESH: &str = "2026-01-01T12:00:00Z";
const END: &str = "2026-01-02T00:00:00Z";

#[test]
fn a_request_lives_a_day_and_has_no_status() {
    let mut given = tree(&request("{}"));
    given.set("status", tree(r#"{"certificateChain":"x"}"#));
    let made = create(&POD_REQUEST, &String::from_utf8(given.to_json()).unwrap()).unwrap();
    assert_eq!(made.at("spec").int("maxExpirationSeconds"), 86_400);
    assert!(made.at("status").is_zero());
}

#[test]
fn a_request_says_who_asks_of_whom_and_for_how_long() {
    for (spec, expected) in [
        (r#"{"signerName":""}"#, "spec.signerName: Required value"),
        (
            r#"{"unverifiedUserAnnotations":{"a":"b"}}"#,
            r#"spec.unverifiedUserAnnotations: Invalid value: "a": must be a domain-prefixed key (such as "acme.io/foo")"#,
        ),
        (
            r#"{"nodeUID":""}"#,
            r#"spec.nodeUID: Invalid value: "": must not be empty"#,
        ),
        (
            r#"{"maxExpirationSeconds":7862401}"#,
            "spec.maxExpirationSeconds: Invalid value: 7862401: must be in the range [3600, 7862400]",
        ),
        (
            r#"{"signerName":"x.kubernetes.io/c","maxExpirationSeconds":86401}"#,
            "spec.maxExpirationSeconds: Invalid value: 86401: must be in the range [3600, 86400]",
        ),
    ] {
        assert_eq!(refused(&POD_REQUEST, &request(spec)), [expected]);
    }
    let said = refused(&POD_REQUEST, &request(r#"{"podName":"A"}"#));
    assert!(said[0].starts_with(r#"spec.podName: Invalid value: "A": a lowercase RFC 1123 subdomain"#));
    let long = format!(r#"{{"podUID":"{}"}}"#, "x".repeat(129));
    let said = refused(&POD_REQUEST, &request(&long));
    assert_eq!(said, ["spec.podUID: Too long: may not be more than 128 bytes"]);
}

#[test]
fn a_request_hands_in_a_key_in_one_of_two_ways() {
    let pair = |key: &str, proof: &str| {
        let fields = format!(r#"{{"stubPKCS10Request":null,"pkixPublicKey":"{key}","proofOfPossession":"{proof}"}}"#);
        refused(&POD_REQUEST, &request(&fields))
    };
    for (key, proof) in KEYS {
        assert!(pair(key, proof).is_empty(), "{key}");
    }
    let [(key, _), (_, proof), ..] = KEYS;
    for (said, expected) in [
        (
            pair(key, proof),
            "spec.proofOfPossession: Invalid value: could not verify proof-of-possession signature",
        ),
        (
            pair("eA==", proof),
            r#"spec.pkixPublicKey: Invalid value: "eA==": must be a valid PKIX-serialized public key"#,
        ),
        (
            pair(ODD_KEYS[0], proof),
            r#"spec.pkixPublicKey: Invalid value: "curve P-224": elliptic public keys must use curve P256 or P384"#,
        ),
        (
            pair(ODD_KEYS[1], proof),
            r#"spec.pkixPublicKey: Invalid value: "2048-bit modulus": RSA keys must have modulus size 3072 or 4096"#,
        ),
        (
            refused(&POD_REQUEST, &request(r#"{"stubPKCS10Request":"eA=="}"#)),
            r#"spec.stubPKCS10Request: Invalid value: "eA==": must be a valid PKCS#10 CSR"#,
        ),
        (
            refused(&POD_REQUEST, &request(r#"{"proofOfPossession":"eA=="}"#)),
            "spec: Invalid value: exactly one of (stubPKCS10Request) or (pkixPublicKey, proofOfPossession) must be set",
        ),
    ] {
        assert_eq!(said, [expected]);
    }
}

#[test]
fn a_request_never_changes() {
    let said = update(&POD_REQUEST, &request("{}"), &request(r#"{"podName":"q"}"#)).unwrap_err();
    assert!(said[0].starts_with("spec: Invalid value: ") && said[0].ends_with(": field is immutable"));
}

#[test]
fn an_answer_is_an_end_and_is_given_once() {
    let answer = |old: &str, new: &str| {
        let result = update_status(&POD_REQUEST, &answered(old), &answered(new));
        result.err().unwrap_or_default()
    };
    let denied = ended("Denied", "");
    assert!(answer("{}", &denied).is_empty() && answer(&denied, &denied).is_empty());
    for (old, new, expected) in [
        (
            denied.as_str(),
            ended("Failed", ""),
            "status: Invalid value: immutable after PodCertificateRequest is issued, denied, or failed",
        ),
        (
            "{}",
            ended("Failed", r#","certificateChain":"x""#),
            "status: Invalid value: non-condition status fields must be empty when denying or failing the \
             PodCertificateRequest",
        ),
        (
            "{}",
            r#"{"certificateChain":"x"}"#.to_owned(),
            r#"status: Invalid value: status is immutable unless transitioning to "Issued", "Denied", or "Failed""#,
        ),
        (
            "{}",
            denied.replace("Denied", "X"),
            r#"status.conditions.[0].type: Unsupported value: "X": supported values: "Issued", "Denied", "Failed""#,
        ),
        (
            "{}",
            denied.replace("True", "False"),
            r#"status.conditions.[0].status: Unsupported value: "False": supported values: "True""#,
        ),
    ] {
        assert_eq!(answer(old, &new), [expected]);
    }
}

#[test]
fn a_certificate_is_for_the_key_and_lives_as_the_answer_says() {
    let other = "-----BEGIN X-----\nAQI=\n-----END X-----\n";
    let broken = other.replace('X', "CERTIFICATE");
    for (answer, expected) in [
        (issued(ISSUED, BEGIN, REFRESH, END), None),
        (
            issued("", BEGIN, REFRESH, END),
            Some("certificateChain: at least one certificate"),
        ),
        (
            issued(other, BEGIN, REFRESH, END),
            Some("certificateChain: entirely of CERTIFICATE PEM blocks"),
        ),
        (
            issued(&broken, BEGIN, REFRESH, END),
            Some("certificateChain: does not parse as valid X.509"),
        ),
        (
            issued(ISSUED_TO_OTHER, BEGIN, REFRESH, END),
            Some("certificateChain: not issued to the requested public key"),
        ),
        (
            issued(&format!("{ISSUED}{other}"), BEGIN, REFRESH, END),
            Some("certificateChain: entirely of CERTFICATE PEM blocks"),
        ),
        (
            issued(&format!("{ISSUED}{broken}"), BEGIN, REFRESH, END),
            Some("certificateChain: intermediate certificate does not parse as valid X.509"),
        ),
        (
            issued(ISSUED, REFRESH, REFRESH, END),
            Some("notBefore: the NotBefore time encoded"),
        ),
        (
            issued(ISSUED, BEGIN, REFRESH, REFRESH),
            Some("notAfter: the NotAfter time encoded"),
        ),
        (
            issued(ISSUED, BEGIN, BEGIN, END),
            Some("beginRefreshAt: 10 minutes after status.notBefore"),
        ),
        (
            issued(ISSUED, BEGIN, END, END),
            Some("beginRefreshAt: 10 minutes before status.notAfter"),
        ),
        (
            ended(
                "Issued",
                &format!(r#","certificateChain":"{}""#, ISSUED.replace('\n', "\\n")),
            ),
            Some("notBefore: consistent with the issued certificate"),
        ),
    ] {
        let result = update_status(&POD_REQUEST, &request("{}"), &answered(&answer));
        let said = result.err().unwrap_or_default();
        let expected = expected.and_then(|expected| expected.split_once(": "));
        assert_eq!(said.is_empty(), expected.is_none(), "{said:?}");
        if let Some((field, detail)) = expected {
            assert!(
                said[0].starts_with(&format!("status.{field}: ")) && said[0].contains(detail),
                "{said:?}"
            );
        }
    }
}

#[test]
fn a_certificate_lives_no_longer_than_asked_for() {
    let mut request = tree(&answered(&issued(ISSUED, BEGIN, REFRESH, END)));
    request.child("spec").set("maxExpirationSeconds", 3600);
    let request = String::from_utf8(request.to_json()).unwrap();
    let said = update_status(&POD_REQUEST, &request.replace("\"Issued\"", "\"X\""), &request).unwrap_err();
    assert_eq!(
        said,
        [
            "status.certificateChain: Invalid value: 86400000000000: leaf certificate lifetime must be <= \
          spec.maxExpirationSeconds (3600)"
        ]
    );
}
