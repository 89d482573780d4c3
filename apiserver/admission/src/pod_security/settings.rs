//! What the operator says (`PodSecurityConfiguration`): the policy of namespaces that say none, and who is exempt.

use std::collections::BTreeSet;

use apiserver_api::names::{Messages, name_is_dns_label, name_is_dns_subdomain};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::{Text, Tree};

use super::policy::{Level, Policy, Standard, Version};
use crate::configuration;
use crate::plugin::Request;

const GROUP: &str = "pod-security.admission.config.k8s.io";
const VERSIONS: [&str; 3] = ["v1", "v1alpha1", "v1beta1"];

/// What the operator says.
#[derive(Debug)]
pub(super) struct Settings {
    /// What holds where a namespace says nothing.
    pub(super) defaults: Policy,
    users: Vec<Text>,
    namespaces: Vec<Text>,
    runtime_classes: Vec<Text>,
}

impl Settings {
    /// Reads a configuration; `null` restricts nothing and exempts nobody.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(super) fn read(tree: &Tree) -> Result<Self, String> {
        if !tree.is_null() {
            configuration::check_kind(tree, GROUP, &VERSIONS, "PodSecurityConfiguration")?;
        }
        let mut refusals = Refusals::new();
        let defaults = tree.at("defaults");
        let mut policy = Policy::PRIVILEGED;
        for (mode, standard) in [
            ("enforce", &mut policy.enforce),
            ("warn", &mut policy.warn),
            ("audit", &mut policy.audit),
        ] {
            *standard = read_standard(defaults, mode, &mut refusals);
        }
        let exemptions = tree.at("exemptions");
        let namespaces = read_names(
            exemptions,
            "namespaces",
            |name| name_is_dns_label(name, false),
            &mut refusals,
        );
        let runtime_classes = read_names(
            exemptions,
            "runtimeClasses",
            |name| name_is_dns_subdomain(name, false),
            &mut refusals,
        );
        let users = read_names(exemptions, "usernames", |_| Vec::new(), &mut refusals);
        if !refusals.is_empty() {
            return Err(format!("PodSecurity invalid: {refusals}"));
        }
        Ok(Self {
            defaults: policy,
            users,
            namespaces,
            runtime_classes,
        })
    }

    /// Whether a write's namespace is exempt.
    pub(super) fn exempts_namespace(&self, name: &str) -> bool {
        self.namespaces.iter().any(|one| one == name)
    }

    /// Whether a write's namespace or user is exempt.
    pub(super) fn exempts(&self, request: &Request<'_>) -> bool {
        self.exempts_namespace(request.namespace) || self.users.contains(&request.user.name)
    }

    /// Whether the way in which a pod is run is exempt.
    pub(super) fn exempts_runtime(&self, spec: &Tree) -> bool {
        let name = spec.text("runtimeClassName");
        self.runtime_classes.iter().any(|one| one == name)
    }
}

fn read_standard(defaults: &Tree, mode: &str, refusals: &mut Refusals) -> Standard {
    let mut standard = Standard::PRIVILEGED;
    let root = Path::of("defaults");
    let level = defaults.text(mode);
    if !level.is_empty() {
        match Level::parse(level) {
            Ok(level) => standard.level = level,
            Err(detail) => refusals.invalid(&root.field(mode), level, &detail),
        }
    }
    let field = format!("{mode}-version");
    let version = defaults.text(&field);
    if !version.is_empty() {
        match Version::parse(version) {
            Ok(version) => standard.version = version,
            Err(detail) => refusals.invalid(&root.field(&field), version, &detail),
        }
    }
    standard
}

fn read_names(exemptions: &Tree, list: &str, check: fn(&str) -> Messages, refusals: &mut Refusals) -> Vec<Text> {
    let root = Path::of("exemptions");
    let path = root.field(list);
    let mut known = BTreeSet::new();
    for (at, name) in exemptions.items(list).iter().enumerate() {
        let (path, name) = (path.index(at), name.as_str().unwrap_or_default());
        let messages = check(name);
        if list == "usernames" && name.is_empty() {
            refusals.required(&path, "");
        } else if !messages.is_empty() {
            refusals.invalid(&path, name, &messages.join(", "));
        } else if !known.insert(Text::from(name)) {
            refusals.duplicate(&path, name);
        }
    }
    known.into_iter().collect()
}
