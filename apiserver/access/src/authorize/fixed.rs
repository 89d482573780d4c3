//! Authorizers that know nothing but the user: everyone, no one, and who is in a privileged group.

use apiserver_api::tree::Text;
use apiserver_api::user::{MASTERS, User};
use async_trait::async_trait;

use super::{Attributes, Authorizer, PathRule, ResourceRule, Rules, Verdict};

/// Allows everything (`--authorization-mode=AlwaysAllow`).
#[derive(Clone, Copy, Debug)]
pub struct AlwaysAllow;

/// Allows nothing (`--authorization-mode=AlwaysDeny`). It denies nothing either: another one may allow it.
#[derive(Clone, Copy, Debug)]
pub struct AlwaysDeny;

/// Allows everything to the members of a group.
#[derive(Clone, Debug)]
pub struct Privileged {
    group: Text,
}

impl Privileged {
    /// The group that stands first in every chain: the apiserver itself and who set the cluster up.
    pub const fn masters() -> Self {
        Self {
            group: Text::const_new(MASTERS),
        }
    }
}

#[async_trait]
impl Authorizer for AlwaysAllow {
    async fn authorize(&self, _asked: &Attributes<'_>) -> Verdict {
        Verdict::allow("")
    }

    async fn rules(&self, _user: &User, _namespace: &str) -> Rules {
        let all = || vec![Text::const_new("*")];
        Rules {
            resources: vec![ResourceRule {
                verbs: all(),
                groups: all(),
                resources: all(),
                names: Vec::new(),
            }],
            paths: vec![PathRule {
                verbs: all(),
                paths: all(),
            }],
            ..Rules::default()
        }
    }
}

#[async_trait]
impl Authorizer for AlwaysDeny {
    async fn authorize(&self, _asked: &Attributes<'_>) -> Verdict {
        Verdict::undecided("Everything is forbidden.")
    }

    async fn rules(&self, _user: &User, _namespace: &str) -> Rules {
        Rules::default()
    }
}

#[async_trait]
impl Authorizer for Privileged {
    async fn authorize(&self, asked: &Attributes<'_>) -> Verdict {
        if asked.user.is_in(&self.group) {
            Verdict::allow("")
        } else {
            Verdict::no_opinion()
        }
    }

    /// Upstream does not tell them either: the group is no rule.
    async fn rules(&self, _user: &User, _namespace: &str) -> Rules {
        Rules::default()
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::user::User;

    use super::super::{Attributes, Authorizer, Decision, On};
    use super::{AlwaysAllow, AlwaysDeny, Privileged};

    #[tokio::test]
    async fn each_says_what_its_name_says() {
        let masters = Privileged::masters();
        let links: [(&dyn Authorizer, Decision, Decision); 3] = [
            (&AlwaysAllow, Decision::Allow, Decision::Allow),
            (&AlwaysDeny, Decision::NoOpinion, Decision::NoOpinion),
            (&masters, Decision::NoOpinion, Decision::Allow),
        ];
        for (link, of_jane, of_root) in links {
            for (user, decision) in [
                (User::new("jane", ["dev"]), of_jane),
                (User::new("root", ["dev", "system:masters"]), of_root),
            ] {
                let (user, verb, on) = (&user, "get", On::Path("/"));
                assert_eq!(link.authorize(&Attributes { user, verb, on }).await.decision, decision);
            }
        }
        assert_eq!(AlwaysAllow.rules(&User::default(), "").await.paths[0].paths, ["*"]);
        assert!(masters.rules(&User::apiserver(), "").await.resources.is_empty());
    }
}
