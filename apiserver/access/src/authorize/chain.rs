//! Authorizers one after the other: the first that allows or denies decides (upstream's `union`).

use std::collections::HashSet;
use std::sync::Arc;

use apiserver_api::user::User;
use async_trait::async_trait;

use super::{Attributes, Authorizer, Decision, Rules, Verdict};

/// Authorizers in the order in which they are asked.
#[derive(Clone, Default)]
pub struct Chain {
    links: Vec<Arc<dyn Authorizer>>,
}

impl Chain {
    /// Of these.
    pub fn new(links: Vec<Arc<dyn Authorizer>>) -> Self {
        Self { links }
    }
}

#[async_trait]
impl Authorizer for Chain {
    async fn authorize(&self, asked: &Attributes<'_>) -> Verdict {
        let (mut reasons, mut errors) = (Vec::new(), Vec::new());
        for link in &self.links {
            let verdict = link.authorize(asked).await;
            if verdict.decision != Decision::NoOpinion {
                return verdict;
            }
            if !verdict.reason.is_empty() {
                reasons.push(verdict.reason);
            }
            if !verdict.error.is_empty() {
                errors.push(verdict.error);
            }
        }
        Verdict {
            decision: Decision::NoOpinion,
            reason: reasons.join("\n"),
            error: aggregate(errors),
        }
    }

    async fn rules(&self, user: &User, namespace: &str) -> Rules {
        let (mut all, mut errors) = (Rules::default(), Vec::new());
        for link in &self.links {
            let rules = link.rules(user, namespace).await;
            all.resources.extend(rules.resources);
            all.paths.extend(rules.paths);
            all.incomplete |= rules.incomplete;
            if !rules.error.is_empty() {
                errors.push(rules.error);
            }
        }
        all.error = aggregate(errors);
        all
    }
}

/// Several errors as one, each told once (`utilerrors.Aggregate`). Those that are several already are taken apart, as no
/// error of one authorizer begins with a bracket.
pub(crate) fn aggregate(mut errors: Vec<String>) -> String {
    if errors.len() < 2 {
        return errors.pop().unwrap_or_default();
    }
    let (mut told, mut known, mut several) = (Vec::new(), HashSet::new(), false);
    for error in &errors {
        let inner = error.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        several |= inner.is_some();
        let error = inner.unwrap_or(error);
        if known.insert(error) {
            told.push(error);
        }
    }
    match told.as_slice() {
        [one] if !several => (*one).to_owned(),
        _ => format!("[{}]", told.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use apiserver_api::user::User;
    use async_trait::async_trait;

    use super::super::fixed::{AlwaysAllow, AlwaysDeny};
    use super::super::{Attributes, Authorizer, Decision, On, PathRule, Rules, Verdict};
    use super::{Chain, aggregate};

    /// Says always the same.
    struct Says(Decision, &'static str, &'static str);

    #[async_trait]
    impl Authorizer for Says {
        async fn authorize(&self, _asked: &Attributes<'_>) -> Verdict {
            Verdict {
                decision: self.0,
                reason: self.1.to_owned(),
                error: self.2.to_owned(),
            }
        }

        async fn rules(&self, _user: &User, _namespace: &str) -> Rules {
            Rules {
                paths: vec![PathRule::default()],
                incomplete: true,
                error: self.2.to_owned(),
                ..Rules::default()
            }
        }
    }

    async fn ask(links: Vec<Arc<dyn Authorizer>>) -> Verdict {
        let (user, verb, on) = (&User::default(), "get", On::Path("/"));
        Chain::new(links).authorize(&Attributes { user, verb, on }).await
    }

    #[tokio::test]
    async fn the_first_that_decides_decides() {
        let unsure = |reason, error| Arc::new(Says(Decision::NoOpinion, reason, error));
        let deny = Arc::new(Says(Decision::Deny, "no", ""));
        let verdict = ask(vec![unsure("a", "e"), deny, Arc::new(AlwaysAllow)]).await;
        assert_eq!(
            (verdict.decision, verdict.reason.as_str(), verdict.error.as_str()),
            (Decision::Deny, "no", "")
        );
        let verdict = ask(vec![unsure("a", ""), Arc::new(AlwaysAllow), unsure("b", "")]).await;
        assert_eq!(verdict, Verdict::allow(""));
    }

    #[tokio::test]
    async fn what_nobody_decides_has_the_reasons_of_all() {
        let unsure = |reason, error| Arc::new(Says(Decision::NoOpinion, reason, error));
        let verdict = ask(vec![unsure("a", "e"), unsure("", "f"), Arc::new(AlwaysDeny)]).await;
        assert_eq!(verdict.decision, Decision::NoOpinion);
        assert_eq!(
            (verdict.reason.as_str(), verdict.error.as_str()),
            ("a\nEverything is forbidden.", "[e, f]")
        );
        assert_eq!(ask(vec![]).await, Verdict::no_opinion());
    }

    #[tokio::test]
    async fn rules_are_those_of_all() {
        let unsure = |error| Arc::new(Says(Decision::NoOpinion, "", error));
        let chain = Chain::new(vec![unsure("e"), Arc::new(AlwaysAllow), unsure("[e, f]")]);
        let rules = chain.rules(&User::default(), "n").await;
        assert_eq!(
            (rules.resources.len(), rules.paths.len(), rules.incomplete),
            (1, 3, true)
        );
    }

    #[test]
    fn errors_are_told_once_each() {
        for (errors, told) in [
            (&[][..], ""),
            (&["a"], "a"),
            (&["a", "a"], "a"),
            (&["a", "b", "a"], "[a, b]"),
            (&["a", "[b, c]"], "[a, b, c]"),
            (&["[b, c]", "[b, c]"], "[b, c]"),
            (&["a, b"], "a, b"),
        ] {
            assert_eq!(
                aggregate(errors.iter().map(|error| (*error).to_owned()).collect()),
                told
            );
        }
    }

    #[test]
    fn many_errors_are_told_once_each_too() {
        let one = |at: usize| format!("clusterrole.rbac.authorization.k8s.io \"missing-{at:06}\" not found");
        let errors: Vec<String> = (0..200_000).map(|at| one(at % 100_000)).collect();
        let told = aggregate(errors);
        assert_eq!(told.matches(", ").count(), 99_999);
        assert!(told.ends_with(&format!("{}]", one(99_999))));
    }
}
