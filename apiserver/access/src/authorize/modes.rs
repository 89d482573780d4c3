//! Which authorizers there are, by the flags of the apiserver (`--authorization-mode` and those beside it).

use std::path::PathBuf;
use std::sync::Arc;

use apiserver_api::go::quote;
use apiserver_storage::cluster::Cluster;
use thiserror::Error;

use super::abac::{self, Policies};
use super::fixed::{AlwaysAllow, AlwaysDeny, Privileged};
use super::{Authorizer, Chain, Metrics};
use crate::node::Nodes;
use crate::rbac::Rbac;

/// What the flags say of authorization.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// `--authorization-mode`, in order; `AlwaysAllow` where nothing is said.
    pub modes: Vec<String>,
    /// `--authorization-policy-file`, for ABAC.
    pub policy_file: Option<PathBuf>,
    /// `--authorization-webhook-config-file`, for Webhook.
    pub webhook_config_file: Option<PathBuf>,
    /// `--authorization-config`, which stands for all of the others.
    pub config_file: Option<PathBuf>,
}

/// One of the modes that are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Everything is allowed.
    AlwaysAllow,
    /// Nothing is allowed.
    AlwaysDeny,
    /// A file says what is.
    Abac,
    /// Roles and bindings say what is.
    Rbac,
    /// Kubelets are allowed what their node needs.
    Node,
}

impl Mode {
    /// As flags and metrics spell it.
    const fn as_str(self) -> &'static str {
        match self {
            Self::AlwaysAllow => "AlwaysAllow",
            Self::AlwaysDeny => "AlwaysDeny",
            Self::Abac => "ABAC",
            Self::Rbac => "RBAC",
            Self::Node => "Node",
        }
    }
}

/// Why flags make no authorizers, most in upstream's words.
#[derive(Debug, Error)]
pub enum Error {
    /// No such mode.
    #[error("authorization-mode {} is not a valid mode", quote(_0))]
    Unknown(String),
    /// Upstream has it.
    #[error("authorization-mode Webhook is not supported by this apiserver yet")]
    Webhook,
    /// Upstream has it.
    #[error("--authorization-config is not supported by this apiserver yet; use --authorization-mode")]
    Config,
    /// ABAC without a policy.
    #[error("authorization-mode ABAC's authorization policy file not passed")]
    NoPolicy,
    /// A policy without ABAC.
    #[error("cannot specify --authorization-policy-file without mode ABAC")]
    PolicyWithoutAbac,
    /// A webhook without its mode.
    #[error("cannot specify --authorization-webhook-config-file without mode Webhook")]
    ConfigWithoutWebhook,
    /// A mode that stands twice.
    #[error("authorization-mode [{_0}] has mode specified more than once")]
    Twice(String),
    /// A policy that cannot be read.
    #[error(transparent)]
    Policy(#[from] abac::Error),
}

impl Options {
    /// The modes in order.
    ///
    /// # Errors
    /// All that is wrong with the flags.
    pub fn modes(&self) -> Result<Vec<Mode>, Vec<Error>> {
        if self.config_file.is_some() {
            return Err(vec![Error::Config]);
        }
        if self.modes.is_empty() && self.policy_file.is_none() && self.webhook_config_file.is_none() {
            return Ok(vec![Mode::AlwaysAllow]);
        }
        let (mut modes, mut errors) = (Vec::new(), Vec::new());
        for name in &self.modes {
            match name.as_str() {
                "AlwaysAllow" => modes.push(Mode::AlwaysAllow),
                "AlwaysDeny" => modes.push(Mode::AlwaysDeny),
                "ABAC" if self.policy_file.is_none() => errors.push(Error::NoPolicy),
                "ABAC" => modes.push(Mode::Abac),
                "RBAC" => modes.push(Mode::Rbac),
                "Node" => modes.push(Mode::Node),
                "Webhook" => errors.push(Error::Webhook),
                _ => errors.push(Error::Unknown(name.clone())),
            }
        }
        let has = |mode: &str| self.modes.iter().any(|name| name == mode);
        if self.policy_file.is_some() && !has("ABAC") {
            errors.push(Error::PolicyWithoutAbac);
        }
        if self.webhook_config_file.is_some() && !has("Webhook") {
            errors.push(Error::ConfigWithoutWebhook);
        }
        let twice = |(at, name): (usize, &String)| self.modes[..at].contains(name);
        if self.modes.iter().enumerate().any(twice) {
            let names: Vec<String> = self.modes.iter().map(|name| quote(name)).collect();
            errors.push(Error::Twice(names.join(" ")));
        }
        if errors.is_empty() { Ok(modes) } else { Err(errors) }
    }

    /// The chain that the flags ask for; who is in `system:masters` may do everything in any. Reads the policy file.
    ///
    /// # Errors
    /// All that is wrong with the flags or with the policy file.
    pub fn chain(&self, cluster: &Arc<dyn Cluster>, rbac: &Arc<Rbac>, metrics: &Metrics) -> Result<Chain, Vec<Error>> {
        let mut links: Vec<Arc<dyn Authorizer>> = vec![Arc::new(Privileged::masters())];
        for mode in self.modes()? {
            let link: Arc<dyn Authorizer> = match mode {
                Mode::AlwaysAllow => Arc::new(AlwaysAllow),
                Mode::AlwaysDeny => Arc::new(AlwaysDeny),
                Mode::Rbac => Arc::clone(rbac) as Arc<dyn Authorizer>,
                Mode::Node => Arc::new(Nodes::new(Arc::clone(cluster))),
                Mode::Abac => {
                    let file = self.policy_file.as_deref().ok_or_else(|| vec![Error::NoPolicy])?;
                    Arc::new(Policies::read(file).map_err(|error| vec![error.into()])?)
                }
            };
            links.push(metrics.counted(mode.as_str(), link));
        }
        Ok(Chain::new(links))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use apiserver_api::user::User;
    use apiserver_storage::cluster::Cluster;
    use prometheus::Registry;

    use super::super::{Attributes, Authorizer, Metrics, On, Resource};
    use super::{Mode, Options};
    use crate::fake_cluster::FakeCluster;
    use crate::rbac::Rbac;

    fn options(modes: &[&str], policy: Option<&str>, webhook: Option<&str>) -> Options {
        Options {
            modes: modes.iter().map(|mode| (*mode).to_owned()).collect(),
            policy_file: policy.map(Into::into),
            webhook_config_file: webhook.map(Into::into),
            config_file: None,
        }
    }

    #[test]
    fn modes_are_read_in_order() {
        let modes = options(&["Node", "RBAC"], None, None).modes().unwrap();
        assert_eq!(modes, [Mode::Node, Mode::Rbac]);
        assert_eq!(Options::default().modes().unwrap(), [Mode::AlwaysAllow]);
        let all = options(&["AlwaysDeny", "ABAC", "AlwaysAllow"], Some("p"), None);
        assert_eq!(all.modes().unwrap(), [Mode::AlwaysDeny, Mode::Abac, Mode::AlwaysAllow]);
    }

    #[test]
    fn modes_that_cannot_be_are_told_all_at_once() {
        for (options, told) in [
            (
                options(&["Node", "rbac", "Node"], None, None),
                "authorization-mode \"rbac\" is not a valid mode; \
                 authorization-mode [\"Node\" \"rbac\" \"Node\"] has mode specified more than once",
            ),
            (
                options(&["ABAC"], None, Some("f")),
                "authorization-mode ABAC's authorization policy file not passed; \
                 cannot specify --authorization-webhook-config-file without mode Webhook",
            ),
            (
                options(&["RBAC"], Some("f"), None),
                "cannot specify --authorization-policy-file without mode ABAC",
            ),
            (
                options(&["Webhook"], None, Some("f")),
                "authorization-mode Webhook is not supported by this apiserver yet",
            ),
            (
                Options {
                    config_file: Some("c".into()),
                    ..Options::default()
                },
                "--authorization-config is not supported by this apiserver yet; use --authorization-mode",
            ),
        ] {
            let errors: Vec<String> = options.modes().unwrap_err().iter().map(ToString::to_string).collect();
            assert_eq!(errors.join("; "), told);
        }
    }

    #[tokio::test]
    async fn a_chain_asks_masters_first_and_then_each_mode() {
        let cluster: Arc<dyn Cluster> = Arc::new(FakeCluster::default());
        let rbac = Arc::new(Rbac::new(Arc::clone(&cluster)));
        let metrics = Metrics::new(&Registry::new()).unwrap();
        let both = options(&["Node", "RBAC"], None, None);
        let chain = both.chain(&cluster, &rbac, &metrics).unwrap();
        let node = User::new("system:node:n1", ["system:nodes"]);
        for (user, name, allowed) in [
            (&User::apiserver(), "n2", true),
            (&node, "n1", true),
            (&node, "n2", false),
            (&User::new("jane", []), "n1", false),
        ] {
            let on = On::Resource(Resource {
                resource: "nodes",
                name,
                ..Resource::default()
            });
            let verdict = chain.authorize(&Attributes { user, verb: "get", on }).await;
            assert_eq!(verdict.is_allowed(), allowed, "{} {name}", user.name);
        }
        let missing = options(&["ABAC"], Some("/nowhere/policy"), None);
        assert!(missing.chain(&cluster, &rbac, &metrics).is_err());
    }
}
