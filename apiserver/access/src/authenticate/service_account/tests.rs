//! Tokens of service accounts, signed as the server signs them, and what becomes of them.

use std::sync::Arc;
use std::time::Duration;

use apiserver_api::meta;
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;

use super::super::trial::{NOW, Objects, Trial, metrics, secret, tree};
use super::super::{Outcome, TokenAuthenticator};
use super::{BoundTokens, LegacyTokens, Tokens, split, username};
use crate::tokens::trial::RSA;
use crate::tokens::{Bound, Claims, Issuer, Keys, LEGACY_ISSUER, PrivateKey, PublicKey, Reference};

const US: &str = "https://us";

/// An elliptic key: signing with it takes a millisecond.
fn small_key() -> String {
    let key = base::certs::self_signed(&base::certs::CertOptions {
        common_name: "tokens".into(),
        organizations: Vec::new(),
        hosts: Vec::new(),
        validity_days: 1,
        usage: base::certs::Usage::Server,
    });
    key.unwrap().key_pem
}

fn issuer(name: &str, pem: &str) -> Issuer {
    Issuer::new(name, PrivateKey::from_pem(pem.as_bytes()).unwrap())
}

fn reference(name: &str) -> Reference {
    Reference {
        name: name.into(),
        uid: format!("{name}-uid").into(),
    }
}

fn object(namespace: &str, name: &str) -> Tree {
    let mut object = Tree::map();
    if !namespace.is_empty() {
        meta::set_namespace(&mut object, namespace);
    }
    meta::set_name(&mut object, name);
    meta::set_uid(&mut object, &format!("{name}-uid"));
    object
}

/// A cluster, and who judges tokens in it.
struct Room {
    trial: Trial,
    objects: Arc<Objects>,
    key: String,
    other_key: String,
}

impl Room {
    fn new() -> Self {
        let objects = Objects::of([
            ("serviceaccounts", object("ns", "sa")),
            ("pods", object("ns", "p")),
            ("secrets", object("ns", "s")),
            ("nodes", object("", "n")),
        ]);
        Self {
            trial: Trial::new(),
            objects: Arc::new(objects),
            key: small_key(),
            other_key: small_key(),
        }
    }

    fn keys(&self) -> Arc<Keys> {
        let both = format!("{}{}", self.other_key, self.key);
        Arc::new(Keys::new(PublicKey::all_of_pem(both.as_bytes()).unwrap()))
    }

    fn bound_tokens(&self) -> impl TokenAuthenticator + use<> {
        Tokens {
            issuers: vec!["https://before".into(), US.into()],
            keys: self.keys(),
            own: vec![US.into(), "api".into()],
            metrics: metrics(),
            check: BoundTokens {
                cluster: Arc::clone(&self.objects) as _,
                clock: Arc::new(self.trial.clock.clone()),
                metrics: metrics(),
            },
        }
    }

    fn legacy_tokens(&self, lookup: bool) -> impl TokenAuthenticator + use<> {
        Tokens {
            issuers: vec![LEGACY_ISSUER.into()],
            keys: self.keys(),
            own: vec![US.into()],
            metrics: metrics(),
            check: LegacyTokens {
                lookup,
                cluster: Arc::clone(&self.objects) as _,
                clock: Arc::new(self.trial.clock.clone()),
                metrics: metrics(),
            },
        }
    }

    fn token(&self, change: impl FnOnce(&mut Claims<'_>)) -> String {
        let mut claims = Claims {
            namespace: "ns",
            account: reference("sa"),
            bound: None,
            audiences: &["api".into()],
            now: Time::from_unix(NOW),
            seconds: 600,
            warn_after: None,
            id: "id".into(),
        };
        change(&mut claims);
        issuer(US, &self.key).sign(claims.to_tree()).unwrap()
    }

    async fn ask(&self, token: &str) -> Outcome {
        self.trial.ask_token(&self.bound_tokens(), token).await
    }

    async fn refused(&self, token: &str) -> String {
        self.ask(token).await.unwrap_err().to_string()
    }
}

#[test]
fn names_go_both_ways() {
    assert_eq!(username("ns", "sa"), "system:serviceaccount:ns:sa");
    assert_eq!(split("system:serviceaccount:ns:sa.x"), Some(("ns", "sa.x")));
    for name in [
        "system:serviceaccount:ns",
        "system:serviceaccount:ns:a:b",
        "system:serviceaccount::a",
        "ns:sa",
        "",
    ] {
        assert_eq!(split(name), None, "{name}");
    }
}

#[tokio::test]
async fn a_token_is_its_service_account_s() {
    let room = Room::new();
    let found = room.ask(&room.token(|_| {})).await.unwrap().unwrap();
    assert_eq!(
        found.user.to_tree(),
        tree(
            r#"{"extra":{"authentication.kubernetes.io/credential-id":["JTI=id"]},
                "groups":["system:serviceaccounts","system:serviceaccounts:ns"],
                "uid":"sa-uid","username":"system:serviceaccount:ns:sa"}"#
        )
    );
    assert_eq!(found.audiences, ["api"]);
}

#[tokio::test]
async fn what_a_token_is_bound_to_is_told_of_its_user() {
    let room = Room::new();
    let extra = async |bound: Bound| {
        let token = room.token(|claims| claims.bound = Some(bound));
        let mut extra = room.ask(&token).await.unwrap().unwrap().user.extra;
        extra.remove("authentication.kubernetes.io/credential-id");
        let keys: Vec<String> = extra
            .iter()
            .map(|(key, value)| format!("{}={}", &key[29..], value.as_list().unwrap()[0].as_str().unwrap()))
            .collect();
        keys.join(" ")
    };
    // Where a pod runs is not asked for, so that it need not be there.
    let pod = Bound::Pod(reference("p"), Some(reference("gone")));
    assert_eq!(
        extra(pod).await,
        "node-name=gone node-uid=gone-uid pod-name=p pod-uid=p-uid"
    );
    let nowhere = Reference {
        name: "gone".into(),
        ..Reference::default()
    };
    let pod = Bound::Pod(reference("p"), Some(nowhere));
    assert_eq!(extra(pod).await, "node-name=gone pod-name=p pod-uid=p-uid");
    assert_eq!(extra(Bound::Node(reference("n"))).await, "node-name=n node-uid=n-uid");
    assert_eq!(extra(Bound::Secret(reference("s"))).await, "");
}

#[tokio::test]
async fn what_others_signed_or_somebody_changed_is_refused() {
    let room = Room::new();
    let token = room.token(|_| {});
    let (head, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = head.split_once('.').unwrap();
    let other = room.token(|claims| claims.account = reference("admin"));
    let other = other.split('.').nth(1).unwrap();
    let wrong = "go-jose/go-jose: error in cryptographic primitive";
    assert_eq!(room.refused(&format!("{header}.{other}.{signature}")).await, wrong);
    assert_eq!(room.refused(&format!("{header}.{payload}.")).await, wrong);
    let stranger = issuer(US, RSA).sign(Tree::map()).unwrap();
    assert_eq!(room.refused(&stranger).await, "invalid signature, no keys found");
    for token in ["", "nope", "a.b.c", head] {
        assert_eq!(room.ask(token).await, Ok(None), "{token}");
    }
    let others = issuer("https://them", &room.key).sign(Tree::map()).unwrap();
    assert_eq!(room.ask(&others).await, Ok(None));
}

#[tokio::test]
async fn any_of_several_keys_and_issuers_may_have_signed() {
    let room = Room::new();
    let mut claims = tree(
        r#"{"sub":"system:serviceaccount:ns:sa","aud":"api",
            "kubernetes.io":{"namespace":"ns","serviceaccount":{"name":"sa","uid":"sa-uid"}}}"#,
    );
    for name in [US, "https://before"] {
        for key in [&room.key, &room.other_key] {
            let token = issuer(name, key).sign(claims.clone()).unwrap();
            assert!(room.ask(&token).await.unwrap().is_some(), "{name}");
        }
    }
    claims.set("exp", "soon");
    let token = issuer(US, &room.key).sign(claims).unwrap();
    assert_eq!(
        room.refused(&token).await,
        "go-jose/go-jose/jwt: expected number value to unmarshal NumericDate"
    );
}

#[tokio::test]
async fn a_token_is_good_in_its_time_and_a_minute_around() {
    let room = Room::new();
    let token = room.token(|_| {});
    room.trial.clock.advance(Duration::from_secs(660));
    assert!(room.ask(&token).await.unwrap().is_some());
    room.trial.clock.advance(Duration::from_millis(1));
    assert_eq!(room.refused(&token).await, "service account token has expired");
    room.trial.clock.set_wall_ms((NOW as u64 - 60) * 1000);
    assert!(room.ask(&token).await.unwrap().is_some());
    room.trial.clock.set_wall_ms((NOW as u64 - 61) * 1000);
    assert_eq!(room.refused(&token).await, "service account token is not valid yet");
    let from_nowhere = issuer(US, &room.key)
        .sign(tree(&format!(r#"{{"aud":"api","iat":{NOW}}}"#)))
        .unwrap();
    assert_eq!(
        room.refused(&from_nowhere).await,
        "service account token is issued in the future"
    );
}

#[tokio::test]
async fn a_token_for_others_is_refused() {
    let room = Room::new();
    let part = room.bound_tokens();
    let ask = async |token: &str, audiences: &[&str]| {
        let outcome = Trial::new().of(audiences).ask_token(&part, token).await;
        outcome
            .map(|found| found.unwrap().audiences.join(" "))
            .map_err(|refused| refused.to_string())
    };
    let several = room.token(|claims| claims.audiences = Box::leak(Box::new(["vault".into(), "api".into()])));
    assert_eq!(ask(&several, &[]).await.unwrap(), "api");
    assert_eq!(ask(&several, &["vault", "x"]).await.unwrap(), "vault");
    assert_eq!(
        ask(&several, &["x", "y"]).await.unwrap_err(),
        r#"token audiences ["vault" "api"] is invalid for the target audiences ["x" "y"]"#
    );
    let vault = room.token(|claims| claims.audiences = Box::leak(Box::new(["vault".into()])));
    assert_eq!(
        ask(&vault, &[]).await.unwrap_err(),
        r#"token audiences ["vault"] is invalid for the target audiences ["https://us" "api"]"#
    );
    // One that does not say is for this server.
    let nobody = room.token(|claims| claims.audiences = &[]);
    assert_eq!(ask(&nobody, &["api", "x"]).await.unwrap(), "api");
    assert!(ask(&nobody, &["x"]).await.is_err());
}

/// What a deletion time before or within the leeway makes of a token.
fn deleted(object: &Tree, seconds_ago: i64) -> Tree {
    let mut object = object.clone();
    let time = Time::from_unix(NOW - seconds_ago).to_string();
    meta::set(&mut object, "deletionTimestamp", time);
    object
}

#[tokio::test]
async fn a_token_dies_with_its_service_account() {
    let room = Room::new();
    let token = room.token(|_| {});
    let account = object("ns", "sa");
    room.objects.put("serviceaccounts", deleted(&account, 60));
    assert!(room.ask(&token).await.unwrap().is_some());
    room.objects.put("serviceaccounts", deleted(&account, 61));
    assert_eq!(room.refused(&token).await, "service account ns/sa has been deleted");
    let mut again = account;
    meta::set_uid(&mut again, "new");
    room.objects.put("serviceaccounts", again);
    assert_eq!(
        room.refused(&token).await,
        "service account UID (new) does not match claim (sa-uid)"
    );
    room.objects.take("serviceaccounts", "ns", "sa");
    assert_eq!(room.refused(&token).await, "serviceaccounts \"sa\" not found");
}

#[tokio::test]
async fn a_token_dies_with_what_it_is_bound_to() {
    for (plural, namespace, name, bound, word) in [
        ("pods", "ns", "p", Bound::Pod(reference("p"), None), "pod"),
        ("secrets", "ns", "s", Bound::Secret(reference("s")), "secret"),
        ("nodes", "", "n", Bound::Node(reference("n")), "node"),
    ] {
        let room = Room::new();
        let token = room.token(|claims| claims.bound = Some(bound));
        assert!(room.ask(&token).await.unwrap().is_some());
        let there = object(namespace, name);
        room.objects.put(plural, deleted(&there, 60));
        assert!(room.ask(&token).await.unwrap().is_some());
        room.objects.put(plural, deleted(&there, 61));
        assert_eq!(room.refused(&token).await, "service account token has been invalidated");
        let mut again = there;
        meta::set_uid(&mut again, "new");
        room.objects.put(plural, again);
        assert_eq!(
            room.refused(&token).await,
            format!("{word} UID (new) does not match service account {word} ref claim ({name}-uid)")
        );
        room.objects.take(plural, namespace, name);
        assert_eq!(room.refused(&token).await, "service account token has been invalidated");
    }
}

#[tokio::test]
async fn what_the_cache_has_not_heard_of_yet_is_in_the_store() {
    let mut room = Room::new();
    let mut objects = Objects::of([("serviceaccounts", object("ns", "sa"))]);
    objects.behind = true;
    room.objects = Arc::new(objects);
    assert!(room.ask(&room.token(|_| {})).await.unwrap().is_some());
}

#[tokio::test]
async fn the_use_of_a_token_after_the_time_asked_for_is_noted() {
    let room = Room::new();
    let token = room.token(|claims| claims.warn_after = Some(100));
    room.trial.clock.advance(Duration::from_secs(100));
    assert!(room.ask(&token).await.unwrap().is_some());
    assert!(room.trial.said().annotations.is_empty());
    room.trial.clock.advance(Duration::from_secs(7));
    assert!(room.ask(&token).await.unwrap().is_some());
    assert_eq!(
        room.trial.said().annotations,
        [(
            "authentication.k8s.io/stale-token".to_owned(),
            "subject: system:serviceaccount:ns:sa, seconds after warning threshold: 7".to_owned()
        )]
    );
}

/// A token in a secret, and the claims of which one is changed.
fn legacy(room: &Room, claim: &str, value: &str) -> String {
    let mut claims = Tree::map();
    claims.set("sub", "system:serviceaccount:ns:sa");
    let private = [
        ("namespace", "ns"),
        ("secret.name", "s"),
        ("service-account.name", "sa"),
        ("service-account.uid", "sa-uid"),
    ];
    for (word, value) in private {
        claims.set(&format!("kubernetes.io/serviceaccount/{word}"), value);
    }
    if !claim.is_empty() {
        claims.set(claim, value);
    }
    issuer(LEGACY_ISSUER, &room.key).sign(claims).unwrap()
}

fn put_legacy(room: &Room, token: &str, change: impl FnOnce(&mut Tree)) {
    let mut secret = secret("ns", "s", "kubernetes.io/service-account-token", &[("token", token)]);
    change(&mut secret);
    room.objects.put("secrets", secret);
}

#[tokio::test]
async fn a_token_in_a_secret_never_expires_and_its_use_is_written_down() {
    let room = Room::new();
    let token = legacy(&room, "", "");
    put_legacy(&room, &token, |_| {});
    let part = room.legacy_tokens(true);
    room.trial.clock.advance(Duration::from_secs(10_000 * 24 * 3600));
    let found = room.trial.ask_token(&part, &token).await.unwrap().unwrap();
    assert_eq!(
        (&*found.user.name, found.user.extra.len()),
        ("system:serviceaccount:ns:sa", 0)
    );
    assert_eq!(found.audiences, [US]);
    let label = "kubernetes.io/legacy-token-last-used";
    let used = || meta::label(&room.objects.get("secrets", "ns", "s").unwrap(), label).map(str::to_owned);
    assert_eq!(used().as_deref(), Some("2053-05-19"));
    let annotations = room.trial.said().annotations;
    let keys: Vec<&str> = annotations.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "authentication.k8s.io/legacy-token",
            "authentication.k8s.io/legacy-token-manual-secret"
        ]
    );
    // A server that is a day ahead does not make this one write.
    put_legacy(&room, &token, |secret| meta::set_label(secret, label, "2053-05-20"));
    assert!(room.trial.ask_token(&part, &token).await.unwrap().is_some());
    assert_eq!(used().as_deref(), Some("2053-05-20"));
}

#[tokio::test]
async fn who_uses_a_token_that_came_by_itself_is_warned() {
    let room = Room::new();
    let token = legacy(&room, "", "");
    put_legacy(&room, &token, |_| {});
    let mut account = object("ns", "sa");
    account.set("secrets", Tree::List(vec![tree(r#"{"name":"s"}"#)]));
    room.objects.put("serviceaccounts", account);
    assert!(
        room.trial
            .ask_token(&room.legacy_tokens(true), &token)
            .await
            .unwrap()
            .is_some()
    );
    let said = room.trial.said();
    assert!(
        said.warnings[0].starts_with("Use tokens from the TokenRequest API or manually created secret-based tokens")
    );
    assert_eq!(
        said.annotations[1].0,
        "authentication.k8s.io/legacy-token-autogenerated-secret"
    );
}

#[tokio::test]
async fn a_token_in_a_secret_is_good_as_long_as_the_secret_is() {
    let room = Room::new();
    let token = legacy(&room, "", "");
    let refused = async |room: &Room| {
        let outcome = room.trial.ask_token(&room.legacy_tokens(true), &token).await;
        outcome.unwrap_err().to_string()
    };
    let without_lookup = room.trial.ask_token(&room.legacy_tokens(false), &token).await;
    assert!(without_lookup.unwrap().is_some());
    put_legacy(&room, "another", |_| {});
    assert_eq!(refused(&room).await, "Token does not match server's copy");
    put_legacy(&room, &token, |secret| *secret = deleted(secret, 0));
    assert_eq!(refused(&room).await, "Token has been invalidated");
    let marked = "kubernetes.io/legacy-token-invalid-since";
    put_legacy(&room, &token, |secret| meta::set_label(secret, marked, "2025-01-01"));
    assert_eq!(
        refused(&room).await,
        "the token in secret ns/s for service account ns/sa has been marked invalid. Use tokens from the TokenRequest API \
         or manually created secret-based tokens, or remove the 'kubernetes.io/legacy-token-invalid-since' label from the \
         secret to temporarily allow use of this token"
    );
    put_legacy(&room, &token, |_| {});
    room.objects.put("serviceaccounts", deleted(&object("ns", "sa"), 0));
    assert_eq!(refused(&room).await, "ServiceAccount ns/sa has been deleted");
    room.objects.take("secrets", "ns", "s");
    assert_eq!(refused(&room).await, "Token has been invalidated");
}

#[tokio::test]
async fn a_token_in_a_secret_says_whose_it_is() {
    let room = Room::new();
    for (claim, value, told) in [
        ("sub", "", "sub claim is missing"),
        (
            "kubernetes.io/serviceaccount/namespace",
            "",
            "namespace claim is missing",
        ),
        (
            "kubernetes.io/serviceaccount/secret.name",
            "",
            "secretName claim is missing",
        ),
        (
            "kubernetes.io/serviceaccount/service-account.name",
            "",
            "serviceAccountName claim is missing",
        ),
        (
            "kubernetes.io/serviceaccount/service-account.uid",
            "",
            "serviceAccountUID claim is missing",
        ),
        ("sub", "system:serviceaccount:ns:other", "sub claim is invalid"),
        ("sub", "sa", "sub claim is invalid"),
    ] {
        let token = legacy(&room, claim, value);
        let refused = room
            .trial
            .ask_token(&room.legacy_tokens(false), &token)
            .await
            .unwrap_err();
        assert_eq!(refused.to_string(), told);
    }
}
