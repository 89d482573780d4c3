//! All ways together, and reviews.

use std::sync::Arc;
use std::time::Duration;

use apiserver_api::meta;
use apiserver_api::time::Time;
use apiserver_api::tree::Tree;
use apiserver_api::user::User;
use base::random::Seeded;

use super::super::trial::{NOW, Objects, Trial, metrics, tree};
use super::super::{Notes, review};
use super::{Anonymous, Chain, Options, Parts, ServiceAccounts, TokenFile};
use crate::tokens::trial::RSA;
use crate::tokens::{Claims, Issuer, Keys, PrivateKey, PublicKey, Reference};

const US: &str = "https://us";

fn options() -> Options {
    let keys = Keys::new(PublicKey::all_of_pem(RSA.as_bytes()).unwrap());
    Options {
        token_file: Some(TokenFile::one("usertoken".to_owned(), User::new("jane", ["dev"]))),
        service_accounts: Some(ServiceAccounts {
            keys: Arc::new(keys),
            issuers: vec![US.into()],
            lookup: true,
        }),
        bootstrap_tokens: true,
        audiences: vec![US.into()],
        ..Options::default()
    }
}

fn chain(trial: &Trial, options: Options) -> (Arc<Objects>, Chain) {
    let mut account = Tree::map();
    meta::set_namespace(&mut account, "ns");
    meta::set_name(&mut account, "sa");
    meta::set_uid(&mut account, "sa-uid");
    let objects = Arc::new(Objects::of([("serviceaccounts", account)]));
    let parts = Parts {
        cluster: Arc::clone(&objects) as _,
        clock: Arc::new(trial.clock.clone()),
        random: Arc::new(Seeded::new(1)),
        metrics: metrics(),
    };
    (objects, Chain::new(options, &parts))
}

fn token(audience: &'static str) -> String {
    let claims = Claims {
        namespace: "ns",
        account: Reference {
            name: "sa".into(),
            uid: "sa-uid".into(),
        },
        bound: None,
        audiences: &[audience.into()],
        now: Time::from_unix(NOW),
        seconds: 600,
        warn_after: None,
        id: "id".into(),
    };
    let issuer = Issuer::new(US, PrivateKey::from_pem(RSA.as_bytes()).unwrap());
    issuer.sign(claims.to_tree()).unwrap()
}

/// Who it is, with the groups; or the code.
async fn admit(trial: &Trial, chain: &Chain) -> Result<String, u16> {
    let admitted = trial.with(async |credentials| chain.admit(credentials).await).await;
    let user = admitted.map_err(|status| status.code)?.user;
    Ok(format!("{}: {}", user.name, user.groups.join(" ")))
}

#[tokio::test]
async fn everyone_is_found_in_one_way_or_another() {
    let trial = Trial::new();
    let (_, chain) = chain(&trial, options());
    for (bearer, who) in [
        ("usertoken", "jane: dev system:authenticated"),
        (
            &token(US),
            "system:serviceaccount:ns:sa: system:serviceaccounts system:serviceaccounts:ns system:authenticated",
        ),
    ] {
        assert_eq!(admit(&Trial::new().bearer(bearer), &chain).await.unwrap(), who);
    }
    assert_eq!(
        admit(&Trial::new(), &chain).await.unwrap(),
        "system:anonymous: system:unauthenticated"
    );
}

#[tokio::test]
async fn a_bad_token_makes_nobody_anonymous() {
    let trial = Trial::new();
    let (_, chain) = chain(&trial, options());
    for bearer in ["nope", "abcdef.0123456789abcdef", &token("elsewhere"), &token(US)[1..]] {
        assert_eq!(admit(&Trial::new().bearer(bearer), &chain).await, Err(401), "{bearer}");
    }
    let bad = Trial::new().bearer("nope").ask(&chain).await.unwrap_err();
    assert_eq!(bad.to_string(), "invalid bearer token");
    let mut changed = token(US).into_bytes();
    let last = changed.len() - 5;
    changed[last] = if changed[last] == b'A' { b'B' } else { b'A' };
    let bad = Trial::new()
        .bearer(std::str::from_utf8(&changed).unwrap())
        .ask(&chain)
        .await
        .unwrap_err();
    assert_eq!(bad.to_string(), "go-jose/go-jose: error in cryptographic primitive");
}

#[tokio::test]
async fn nobody_is_let_in_where_nobody_may_be_anonymous() {
    let trial = Trial::new();
    let none = Options {
        anonymous: None,
        ..Options::default()
    };
    assert_eq!(admit(&Trial::new(), &chain(&trial, none).1).await, Err(401));
    let healthy = Options {
        anonymous: Some(Anonymous::at(["/livez".to_owned()])),
        ..options()
    };
    let (_, chain) = chain(&trial, healthy);
    assert_eq!(admit(&Trial::new().at("/api"), &chain).await, Err(401));
    assert!(admit(&Trial::new().at("/livez"), &chain).await.is_ok());
    assert!(
        admit(&Trial::new().at("/api").bearer("usertoken"), &chain)
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn whose_a_token_is_is_known_for_ten_seconds() {
    let trial = Trial::new();
    let (objects, chain) = chain(&trial, options());
    let request = Trial::new().bearer(&token(US));
    assert!(admit(&request, &chain).await.is_ok());
    objects.take("serviceaccounts", "ns", "sa");
    trial.clock.advance(Duration::from_secs(9));
    assert!(admit(&request, &chain).await.is_ok());
    trial.clock.advance(Duration::from_secs(1));
    assert_eq!(admit(&request, &chain).await, Err(401));
}

#[test]
fn nobody_behind_sees_what_told_who_it_is() {
    let (_, chain) = chain(&Trial::new(), Options::default());
    for header in [
        "authorization",
        "x-remote-user",
        "X-Remote-Group",
        "x-remote-uid",
        "x-remote-extra-scopes",
    ] {
        assert!(chain.hides(header), "{header}");
    }
    for header in ["accept", "x-remote", "x-user"] {
        assert!(!chain.hides(header), "{header}");
    }
}

async fn answer(spec: &str) -> Result<Tree, String> {
    let (_, chain) = chain(&Trial::new(), options());
    let mut asked = tree(&format!(r#"{{"spec":{spec}}}"#));
    review::check(&asked).map_err(|status| status.message)?;
    review::answer(&chain, &Notes::new(), &mut asked)
        .await
        .map_err(|status| status.message)?;
    Ok(asked.remove("status").unwrap())
}

#[tokio::test]
async fn a_review_tells_whose_a_token_is() {
    assert_eq!(
        answer(r#"{"token":"usertoken"}"#).await.unwrap(),
        tree(
            r#"{"audiences":["https://us"],"authenticated":true,
                "user":{"groups":["dev","system:authenticated"],"username":"jane"}}"#
        )
    );
    assert_eq!(
        answer(r#"{"token":"nope"}"#).await.unwrap(),
        tree(r#"{"error":"invalid bearer token","user":{}}"#)
    );
    let vault = format!(r#"{{"token":"{}","audiences":["x","vault"]}}"#, token("vault"));
    let answered = answer(&vault).await.unwrap();
    assert_eq!(
        (answered.flag("authenticated"), answered.at("audiences")),
        (true, &tree(r#"["vault"]"#))
    );
    let ours = format!(r#"{{"token":"{}"}}"#, token("vault"));
    assert_eq!(
        answer(&ours).await.unwrap().text("error"),
        "[invalid bearer token, token audiences [\"vault\"] is invalid for the target audiences [\"https://us\"]]"
    );
    // Written down for this server alone.
    assert!(
        answer(r#"{"token":"usertoken","audiences":["vault"]}"#)
            .await
            .unwrap()
            .has("error")
    );
    assert_eq!(
        answer(r#"{"token":""}"#).await.unwrap_err(),
        "token is required for TokenReview in authentication"
    );
}
