//! Keys, tokens, what they say, and how they are asked for.

use std::sync::Arc;

use apiserver_api::time::Time;
use apiserver_api::tree::Tree;
use base::random::Seeded;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::elliptic_curve::rand_core::OsRng;
use p256::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};
use rsa::pkcs1::DecodeRsaPrivateKey;

use super::jws::Jws;
use super::trial::{P521, P521_ID, RSA, RSA_ID, RSA_MODULUS, SIGNED};
use super::{
    Bound, Claims, Error, Issued, Issuer, Keys, Metadata, PrivateKey, PublicKey, Reference, Requests, generate,
};
use crate::authenticate::trial::{NOW, Objects, tree};

fn key(pem: &str) -> PrivateKey {
    PrivateKey::from_pem(pem.as_bytes()).unwrap()
}

fn verifies(pem: &str, token: &str) -> bool {
    let keys = PublicKey::all_of_pem(pem.as_bytes()).unwrap();
    let jws = Jws::parse(token).unwrap();
    keys.iter().any(|key| jws.verify(key).is_ok())
}

fn rsa_key() -> rsa::RsaPrivateKey {
    rsa::RsaPrivateKey::from_pkcs1_pem(RSA).unwrap()
}

#[test]
fn a_fresh_pair_signs_and_verifies() {
    let pair = generate(&Seeded::new(7)).unwrap();
    assert!(pair.private.starts_with("-----BEGIN RSA PRIVATE KEY-----\n"));
    assert!(pair.public.starts_with("-----BEGIN PUBLIC KEY-----\n"));
    let token = Issuer::new("us", key(&pair.private)).sign(Tree::map()).unwrap();
    assert!(verifies(&pair.public, &token) && verifies(&pair.private, &token));
    assert!(!verifies(RSA, &token));
}

#[test]
fn keys_of_all_kinds_and_forms_sign_and_verify() {
    let ending = LineEnding::LF;
    let rsa = rsa_key();
    let small = p256::SecretKey::random(&mut OsRng);
    let middle = p384::SecretKey::random(&mut OsRng);
    let big = p521::SecretKey::random(&mut OsRng);
    let public = [
        rsa.to_public_key().to_public_key_pem(ending).unwrap(),
        small.public_key().to_public_key_pem(ending).unwrap(),
        middle.public_key().to_public_key_pem(ending).unwrap(),
        big.public_key().to_public_key_pem(ending).unwrap(),
    ];
    let certified = base::certs::self_signed(&base::certs::CertOptions {
        common_name: "tokens".into(),
        organizations: Vec::new(),
        hosts: Vec::new(),
        validity_days: 1,
        usage: base::certs::Usage::Server,
    });
    let certified = certified.unwrap();
    for (algorithm, private, public) in [
        ("RS256", RSA, &public[0]),
        ("RS256", &rsa.to_pkcs8_pem(ending).unwrap(), &public[0]),
        ("ES256", &small.to_sec1_pem(ending).unwrap(), &public[1]),
        ("ES256", &small.to_pkcs8_pem(ending).unwrap(), &public[1]),
        ("ES256", &certified.key_pem, &certified.cert_pem),
        ("ES384", &middle.to_sec1_pem(ending).unwrap(), &public[2]),
        ("ES384", &middle.to_pkcs8_pem(ending).unwrap(), &public[2]),
        ("ES512", &big.to_sec1_pem(ending).unwrap(), &public[3]),
        ("ES512", &big.to_pkcs8_pem(ending).unwrap(), &public[3]),
    ] {
        let key = key(private);
        assert_eq!(key.public().algorithm(), algorithm);
        let token = Issuer::new("us", key).sign(Tree::map()).unwrap();
        assert!(verifies(public, &token) && verifies(private, &token), "{algorithm}");
        assert!(!verifies(P521, &token));
    }
}

#[test]
fn what_openssl_signed_is_verified_and_what_was_changed_is_not() {
    for (algorithm, pem, header, signature) in SIGNED {
        let token = format!("{header}.eyJpc3MiOiJvcGVuc3NsIn0.{signature}");
        assert!(verifies(pem, &token), "{algorithm}");
        let other = format!("{header}.eyJpc3MiOiJPcGVuc3NsIn0.{signature}");
        assert!(!verifies(pem, &other), "{algorithm}");
    }
}

#[test]
fn a_token_does_not_choose_how_it_is_verified() {
    let token = Issuer::new("us", key(RSA)).sign(Tree::map()).unwrap();
    let (header, _) = token.split_once('.').unwrap();
    assert_eq!(
        header,
        "eyJhbGciOiJSUzI1NiIsImtpZCI6Ild6RnhUWEdyb3pjMFF0Ym9ib1lpM0c2c2VobUlaY3VXNlZYUFpXaVUyWlEifQ"
    );
    assert_eq!(Jws::parse(&token).unwrap().key_id(), RSA_ID);
    // Each is signed well, whatever it says of how.
    let with = |pem: &str, header: &str| {
        let mut token = URL_SAFE_NO_PAD.encode(header) + ".e30";
        let signature = key(pem).sign(token.as_bytes()).unwrap();
        token = token + "." + &URL_SAFE_NO_PAD.encode(signature);
        verifies(pem, &token)
    };
    assert!(with(RSA, r#"{"alg":"RS256"}"#) && with(P521, r#"{"alg":"ES512"}"#));
    for header in [
        r#"{"alg":"none"}"#,
        r#"{"alg":"HS256"}"#,
        r#"{"alg":"ES256"}"#,
        r#"{"alg":"RS384"}"#,
        r#"{"alg":["RS256"]}"#,
        "{}",
        r#"{"alg":"RS256","crit":["b64"],"b64":false}"#,
        r#"{"alg":"ES512","crit":["x"]}"#,
    ] {
        assert!(!with(RSA, header) && !with(P521, header), "{header}");
    }
    assert!(!with(P521, r#"{"alg":"RS256"}"#) && !with(RSA, r#"{"alg":"ES512"}"#));
    let unsigned = token.rsplit_once('.').unwrap().0;
    assert!(!verifies(RSA, &format!("{unsigned}.")));
}

#[test]
fn what_is_not_three_parts_of_json_is_no_token() {
    for token in [
        "",
        "a",
        "a.b",
        "e30.e30",
        "e30.e30.a.b",
        "e30.W10.",
        "e30.e30=.",
        "{}.{}.",
        "e30.e30.*",
    ] {
        assert!(Jws::parse(token).is_none(), "{token}");
    }
    assert!(Jws::parse("e30.e30.").is_some());
}

#[test]
fn keys_are_called_as_upstream_calls_them() {
    assert_eq!(key(RSA).public().id(), RSA_ID);
    assert_eq!(key(P521).public().id(), P521_ID);
    let both = format!("first\n{RSA}\nthen\n{P521}");
    let keys = Keys::new(PublicKey::all_of_pem(both.as_bytes()).unwrap());
    assert_eq!(keys.all().len(), 2);
    assert_eq!(keys.named("").count(), 2);
    assert_eq!(keys.named(P521_ID).count(), 1);
    assert_eq!(keys.named("other").count(), 0);
}

#[test]
fn files_without_keys_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    std::fs::write(
        &path,
        "-----BEGIN EC PARAMETERS-----\nBgUrgQQAIw==\n-----END EC PARAMETERS-----\n",
    )
    .unwrap();
    let told = |error: Error| error.to_string().replace(path.to_str().unwrap(), "FILE");
    assert_eq!(
        told(PrivateKey::from_file(&path).unwrap_err()),
        "error reading private key file FILE: data does not contain a valid RSA or ECDSA private key"
    );
    assert_eq!(
        told(Keys::from_files([&path]).unwrap_err()),
        "error reading public key file FILE: data does not contain any valid RSA or ECDSA public keys"
    );
    assert!(
        Keys::from_files(["/nowhere/at/all"])
            .unwrap_err()
            .to_string()
            .starts_with("open /nowhere")
    );
    let weak = rsa::RsaPublicKey::new((rsa::BigUint::from(1u8) << 1023) + 1u8, 65537u32.into()).unwrap();
    let weak = PublicKey::all_of_pem(weak.to_public_key_pem(LineEnding::LF).unwrap().as_bytes());
    let told = weak.unwrap_err().to_string();
    assert_eq!(told, "an RSA key of 1024 bits is not usable, it must have 2048 to 8192");
}

#[test]
fn the_documents_of_discovery_are_upstream_s() {
    let both = format!("{RSA}{P521}");
    let keys = Keys::new(PublicKey::all_of_pem(both.as_bytes()).unwrap());
    let made = Metadata::new("https://kubernetes.default.svc", "", "10.0.0.1:6443", &keys).unwrap();
    assert_eq!(
        String::from_utf8(made.configuration).unwrap(),
        concat!(
            r#"{"issuer":"https://kubernetes.default.svc","jwks_uri":"https://10.0.0.1:6443/openid/v1/jwks","#,
            r#""response_types_supported":["id_token"],"subject_types_supported":["public"],"#,
            r#""id_token_signing_alg_values_supported":["ES512","RS256"]}"#
        )
    );
    let point = [
        "AUlR36lW-jN3F35IpYqn1Ceq501rnS21B0Hx56BKp3Q3tdRIdL0hSesw3cFvIJYsCt3yygYwMKtYHcFhwChfgR94",
        "AeKrC0X1M3nUq4rrMVmVdQz-mA5S2sd70GEeXdduAh-4lbWTvYkusDX4Kv0yd083Qjvie93BE8I0P12VrNKb5Kat",
    ];
    let expected = format!(
        concat!(
            r#"{{"keys":[{{"use":"sig","kty":"RSA","kid":"{}","alg":"RS256","n":"{}","e":"AQAB"}},"#,
            r#"{{"use":"sig","kty":"EC","kid":"{}","crv":"P-521","alg":"ES512","x":"{}","y":"{}"}}]}}"#
        ),
        RSA_ID, RSA_MODULUS, P521_ID, point[0], point[1]
    );
    assert_eq!(String::from_utf8(made.keys).unwrap(), expected);
    let elsewhere = Metadata::new("https://us", "https://keys/x", "", &keys).unwrap();
    assert!(
        String::from_utf8(elsewhere.configuration)
            .unwrap()
            .contains(r#""jwks_uri":"https://keys/x""#)
    );
}

#[test]
fn an_issuer_that_does_not_fit_the_standard_has_no_documents() {
    let keys = Keys::new(PublicKey::all_of_pem(RSA.as_bytes()).unwrap());
    for (issuer, uri, address, told) in [
        ("", "", "a", "empty issuer URL"),
        (
            "https://us",
            "",
            "",
            "either the JWKS URI or the default external address, or both, must be set",
        ),
        ("us", "", "a", "issuer URL must use https scheme, got: us"),
        (
            "https://us?a",
            "",
            "a",
            "issuer URL may not include a query, got: https://us?a",
        ),
        (
            "https://us#a",
            "",
            "a",
            "issuer URL may not include a fragment, got: https://us#a",
        ),
        (
            "https://us",
            "http://k",
            "a",
            "jwksURI requires https scheme, parsed as: http://k",
        ),
    ] {
        let error = Metadata::new(issuer, uri, address, &keys).unwrap_err();
        assert_eq!(error.to_string(), told);
    }
    assert!(Metadata::new("https://us", "", "https://a/b", &keys).is_err());
    let error = Metadata::new("https://us", "", "a", &Keys::default()).unwrap_err();
    assert_eq!(error.to_string(), "no keys provided for validating keyset");
}

fn reference(name: &str) -> Reference {
    Reference {
        name: name.into(),
        uid: format!("{name}-uid").into(),
    }
}

fn claims(bound: Option<Bound>, warn_after: Option<i64>) -> String {
    let claims = Claims {
        namespace: "ns",
        account: reference("sa"),
        bound,
        audiences: &["a".into()],
        now: Time::from_unix(1000),
        seconds: 600,
        warn_after,
        id: "id".into(),
    };
    String::from_utf8(claims.to_tree().to_json()).unwrap()
}

#[test]
fn a_token_says_what_upstream_s_say() {
    let says = |more: &str| {
        let begins = r#"{"aud":["a"],"exp":1600,"iat":1000,"jti":"id","kubernetes.io":{"namespace":"ns","#;
        format!(r#"{begins}{more}}},"nbf":1000,"sub":"system:serviceaccount:ns:sa"}}"#)
    };
    let account = r#""serviceaccount":{"name":"sa","uid":"sa-uid"}"#;
    assert_eq!(claims(None, None), says(account));
    let gone = Reference {
        name: "n".into(),
        ..Reference::default()
    };
    let pod = Bound::Pod(reference("p"), Some(gone));
    let expected = format!(r#""node":{{"name":"n"}},"pod":{{"name":"p","uid":"p-uid"}},{account},"warnafter":1500"#);
    assert_eq!(claims(Some(pod), Some(500)), says(&expected));
    let secret = format!(r#""secret":{{"name":"s","uid":"s-uid"}},{account}"#);
    assert_eq!(claims(Some(Bound::Secret(reference("s"))), None), says(&secret));
    let node = format!(r#""node":{{"name":"n","uid":"n-uid"}},{account}"#);
    assert_eq!(claims(Some(Bound::Node(reference("n"))), None), says(&node));
}

fn requests() -> Requests {
    Requests {
        issuer: Issuer::new("https://us", key(RSA)),
        audiences: vec!["https://us".into(), "other".into()],
        max_seconds: None,
        extend: true,
        random: Arc::new(Seeded::new(1)),
    }
}

fn objects() -> Objects {
    Objects::of([
        (
            "serviceaccounts",
            tree(r#"{"metadata":{"namespace":"ns","name":"sa","uid":"sa-uid"}}"#),
        ),
        (
            "pods",
            tree(
                r#"{"metadata":{"namespace":"ns","name":"p","uid":"p-uid"},
                    "spec":{"serviceAccountName":"sa","nodeName":"n"}}"#,
            ),
        ),
        (
            "pods",
            tree(
                r#"{"metadata":{"namespace":"ns","name":"lost","uid":"lost-uid"},
                    "spec":{"serviceAccountName":"sa","nodeName":"gone"}}"#,
            ),
        ),
        (
            "pods",
            tree(r#"{"metadata":{"namespace":"ns","name":"other","uid":"o"},"spec":{"serviceAccountName":"b"}}"#),
        ),
        ("nodes", tree(r#"{"metadata":{"name":"n","uid":"n-uid"}}"#)),
        (
            "secrets",
            tree(r#"{"metadata":{"namespace":"ns","name":"s","uid":"s-uid"}}"#),
        ),
    ])
}

async fn ask(requests: &Requests, name: &str, request: &str) -> Result<Issued, (u16, String)> {
    let told = |status: apiserver_api::status::Status| (status.code, status.message);
    let (objects, now, mut request) = (objects(), Time::from_unix(NOW), tree(request));
    requests
        .prepare(&objects, "ns", name, now, &mut request)
        .await
        .map_err(told)?;
    request.child("spec").set_default("expirationSeconds", 3600);
    requests.issue(&objects, now, request).await.map_err(told)
}

fn payload(issued: &Issued) -> Tree {
    let token = issued.object.at("status").text("token");
    let jws = Jws::parse(token).unwrap();
    assert!(jws.verify(key(RSA).public()).is_ok());
    jws.payload().clone()
}

#[tokio::test]
async fn a_token_is_for_this_server_and_an_hour_where_nothing_is_said() {
    let issued = ask(&requests(), "sa", r#"{"spec":{},"status":{"token":"x"}}"#)
        .await
        .unwrap();
    let (mut object, payload) = (issued.object.clone(), payload(&issued));
    let status = object.remove("status").unwrap();
    assert_eq!(
        object,
        tree(
            r#"{"metadata":{"creationTimestamp":"2026-01-01T00:00:00Z","name":"sa","namespace":"ns","uid":"sa-uid"},
                "spec":{"audiences":["https://us","other"],"boundObjectRef":null,"expirationSeconds":3600}}"#
        )
    );
    assert_eq!(status.text("expirationTimestamp"), "2026-01-01T01:00:00Z");
    assert_eq!(
        (payload.text("iss"), payload.int("exp") - payload.int("iat")),
        ("https://us", 3600)
    );
    let id = payload.text("jti");
    assert_eq!(issued.credential, format!("JTI={id}"));
    let dashes: Vec<usize> = id.match_indices('-').map(|(at, _)| at).collect();
    assert_eq!((id.len(), dashes), (36, vec![8, 13, 18, 23]));
    assert_eq!(&id[14..15], "4");
    assert!("89ab".contains(&id[19..20]));
    assert!(issued.warnings.is_empty());
}

#[tokio::test]
async fn a_token_is_bound_to_what_is_there() {
    for (reference, kind, expected) in [
        (
            r#"{"apiVersion":"v1","kind":"Pod","name":"p","uid":"p-uid"}"#,
            "pod",
            r#"{"name":"p","uid":"p-uid"}"#,
        ),
        (
            r#"{"apiVersion":"v1","kind":"Pod","name":"p"}"#,
            "node",
            r#"{"name":"n","uid":"n-uid"}"#,
        ),
        (
            r#"{"apiVersion":"v1","kind":"Pod","name":"lost"}"#,
            "node",
            r#"{"name":"gone"}"#,
        ),
        (
            r#"{"apiVersion":"v1","kind":"Node","name":"n"}"#,
            "node",
            r#"{"name":"n","uid":"n-uid"}"#,
        ),
        (
            r#"{"apiVersion":"v1","kind":"Secret","name":"s"}"#,
            "secret",
            r#"{"name":"s","uid":"s-uid"}"#,
        ),
    ] {
        let request = format!(r#"{{"spec":{{"boundObjectRef":{reference}}}}}"#);
        let issued = ask(&requests(), "sa", &request).await.unwrap();
        assert_eq!(
            payload(&issued).below(&["kubernetes.io", kind]),
            &tree(expected),
            "{reference}"
        );
        assert_eq!(issued.object.below(&["spec", "boundObjectRef"]), &tree(reference));
    }
}

#[tokio::test]
async fn what_cannot_be_is_refused_in_upstream_s_words() {
    let bound = |reference: &str| format!(r#"{{"spec":{{"boundObjectRef":{{"apiVersion":"v1",{reference}}}}}}}"#);
    let recreated = "Operation cannot be fulfilled on Pod \"p\": the UID in the bound object reference (x) does not match \
                     the UID in record. The object might have been deleted and then recreated";
    let other_account = "Operation cannot be fulfilled on TokenRequest.authentication.k8s.io \"sa\": the UID in the token \
                         request (x) does not match the UID of the service account (sa-uid)";
    let renamed = "TokenRequest.authentication.k8s.io \"sa\" is invalid: metadata.name: Invalid value: \"x\": must match the \
                   service account name if specified";
    let moved = "TokenRequest.authentication.k8s.io \"sa\" is invalid: metadata.namespace: Invalid value: \"x\": must match \
                 the service account namespace if specified";
    let wrong_pod = "cannot bind token for serviceaccount \"sa\" to pod running with different serviceaccount name.";
    for (name, request, code, told) in [
        ("none", "{}".to_owned(), 404, "serviceaccounts \"none\" not found"),
        ("sa", bound(r#""kind":"Pod","name":"zz""#), 404, "pods \"zz\" not found"),
        (
            "sa",
            bound(r#""kind":"Pod","name":"""#),
            400,
            "Name parameter required.",
        ),
        ("sa", bound(r#""kind":"Node""#), 400, "Name parameter required."),
        (
            "sa",
            bound(r#""kind":"Secret","name":"""#),
            400,
            "Name parameter required.",
        ),
        ("sa", bound(r#""kind":"Pod","name":"other""#), 400, wrong_pod),
        (
            "sa",
            bound(r#""kind":"ConfigMap","name":"zz""#),
            400,
            "cannot bind token to object of type /v1, Kind=ConfigMap",
        ),
        ("sa", bound(r#""kind":"Pod","name":"p","uid":"x""#), 409, recreated),
        ("sa", r#"{"metadata":{"uid":"x"}}"#.to_owned(), 409, other_account),
        ("sa", r#"{"metadata":{"name":"x"}}"#.to_owned(), 422, renamed),
        ("sa", r#"{"metadata":{"namespace":"x"}}"#.to_owned(), 422, moved),
    ] {
        let refused = ask(&requests(), name, &request).await.unwrap_err();
        assert_eq!(refused, (code, told.to_owned()));
    }
}

#[tokio::test]
async fn a_pod_s_token_lives_longer_than_it_was_asked_for() {
    let asked = |audience: &str, seconds: i64| {
        let pod = r#""boundObjectRef":{"apiVersion":"v1","kind":"Pod","name":"p"}"#;
        format!(r#"{{"spec":{{"audiences":["{audience}"],"expirationSeconds":{seconds},{pod}}}}}"#)
    };
    let lives = async |requests: &Requests, request: String| {
        let issued = ask(requests, "sa", &request).await.unwrap();
        let payload = payload(&issued);
        let shown = issued.object.at("spec").int("expirationSeconds");
        let warns = payload.at("kubernetes.io").int("warnafter");
        (
            shown,
            payload.int("exp") - NOW,
            if warns == 0 { 0 } else { warns - NOW },
        )
    };
    let year = 365 * 24 * 3600;
    assert_eq!(lives(&requests(), asked("other", 3607)).await, (3607, year, 3607));
    assert_eq!(lives(&requests(), asked("elsewhere", 3607)).await, (3607, 3607, 0));
    assert_eq!(lives(&requests(), asked("other", 3600)).await, (3600, 3600, 0));
    let plain = r#"{"spec":{"expirationSeconds":3607}}"#.to_owned();
    assert_eq!(lives(&requests(), plain).await, (3607, 3607, 0));
    let mut strict = requests();
    strict.extend = false;
    assert_eq!(lives(&strict, asked("other", 3607)).await, (3607, 3607, 0));
}

#[tokio::test]
async fn no_token_lives_longer_than_is_allowed() {
    let mut requests = requests();
    requests.max_seconds = Some(7200);
    let issued = ask(&requests, "sa", r#"{"spec":{"expirationSeconds":10000}}"#)
        .await
        .unwrap();
    assert_eq!(
        issued.warnings,
        ["requested expiration of 10000 seconds shortened to 7200 seconds"]
    );
    assert_eq!(issued.object.at("spec").int("expirationSeconds"), 7200);
    assert_eq!(
        issued.object.at("status").text("expirationTimestamp"),
        "2026-01-01T02:00:00Z"
    );
    assert_eq!(payload(&issued).int("exp"), NOW + 7200);
}
