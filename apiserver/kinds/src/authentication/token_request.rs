//! `TokenRequest`: a token for a service account, which is asked for below the account.

use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::GROUP;
use crate::kind::{Asked, Kind, Rules, Verb, Version};

/// For how many seconds a token is if nothing is said.
const SECONDS: i64 = 60 * 60;
/// The least and the most.
const LEAST: i64 = 10 * 60;
const MOST: i64 = 1 << 32;

/// What `serviceaccounts/token` speaks. It is no resource of its own, so that it does not stand among the kinds.
pub const TOKEN_REQUEST: Kind = Kind {
    group: GROUP,
    kind: "TokenRequest",
    plural: "tokenrequests",
    singular: "tokenrequest",
    versions: &[Version::stored("v1", "io.k8s.api.authentication.v1.TokenRequest")],
    verbs: &[Verb::Create],
    rules: &TokenRequest,
    ..Kind::PLAIN
};

struct TokenRequest;

impl Rules for TokenRequest {
    fn default(&self, object: &mut Tree) {
        object.child("spec").set_default("expirationSeconds", SECONDS);
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        let spec = Path::of("spec");
        let path = spec.field("expirationSeconds");
        let seconds = object.at("spec").int("expirationSeconds");
        if seconds < LEAST {
            refusals.invalid(&path, seconds, "may not specify a duration less than 10 minutes");
        }
        if seconds > MOST {
            refusals.invalid(&path, seconds, "may not specify a duration larger than 2^32 seconds");
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::refusal::Refusals;

    use super::TOKEN_REQUEST;
    use crate::trial::{asked, tree};

    #[test]
    fn a_token_is_for_an_hour_or_a_sane_time() {
        for (spec, wrong) in [
            ("{}", 0),
            (r#"{"expirationSeconds":600}"#, 0),
            (r#"{"expirationSeconds":599}"#, 1),
            (r#"{"expirationSeconds":4294967297}"#, 1),
        ] {
            let mut object = tree(&format!(r#"{{"spec":{spec}}}"#));
            TOKEN_REQUEST.rules.default(&mut object);
            let mut refusals = Refusals::new();
            asked(|asked| TOKEN_REQUEST.rules.validate(asked, &object, &mut refusals));
            assert_eq!(refusals.len(), wrong, "{spec}");
        }
    }
}
