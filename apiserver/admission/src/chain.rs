//! All plugins in upstream's order, which of them are on, and how a write passes through those.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use apiserver_api::go::quote;
use apiserver_api::status::Status;
use apiserver_api::tree::Tree;
use base::clock::Clock;
use base::random::Random;
use prometheus::Registry;
use thiserror::Error;

use crate::always_admit::AlwaysAdmit;
use crate::always_deny::AlwaysDeny;
use crate::always_pull_images::AlwaysPullImages;
use crate::certificate_approval::CertificateApproval;
use crate::certificate_signing::CertificateSigning;
use crate::certificate_subject_restriction::CertificateSubjectRestriction;
use crate::cluster_trust_bundle_attest::ClusterTrustBundleAttest;
use crate::configuration::Configurations;
use crate::default_ingress_class::DefaultIngressClass;
use crate::default_storage_class::DefaultStorageClass;
use crate::default_toleration_seconds::DefaultTolerationSeconds;
use crate::deny_service_external_ips::DenyServiceExternalIps;
use crate::event_rate_limit::EventRateLimit;
use crate::extended_resource_toleration::ExtendedResourceToleration;
use crate::job_validation::JobValidation;
use crate::limit_pod_hard_anti_affinity_topology::LimitPodHardAntiAffinityTopology;
use crate::limit_ranger::LimitRanger;
use crate::metrics::Metrics;
use crate::namespace_auto_provision::NamespaceAutoProvision;
use crate::namespace_exists::NamespaceExists;
use crate::namespace_lifecycle::NamespaceLifecycle;
use crate::node_declared_feature_validator::NodeDeclaredFeatureValidator;
use crate::node_restriction::NodeRestriction;
use crate::owner_references_permission_enforcement::OwnerReferencesPermissionEnforcement;
use crate::persistent_volume_claim_resize::PersistentVolumeClaimResize;
use crate::plugin::{Operation, Plugin, Request};
use crate::pod_group_protection::PodGroupProtection;
use crate::pod_group_workload_exists::PodGroupWorkloadExists;
use crate::pod_node_selector::PodNodeSelector;
use crate::pod_resize_validator::PodResizeValidator;
use crate::pod_security::PodSecurity;
use crate::pod_toleration_restriction::PodTolerationRestriction;
use crate::pod_topology_labels::PodTopologyLabels;
use crate::priority::Priority;
use crate::resource_quota::ResourceQuota;
use crate::runtime_class::RuntimeClass;
use crate::service_account::ServiceAccount;
use crate::step::Step;
use crate::storage_object_in_use_protection::StorageObjectInUseProtection;
use crate::taint_nodes_by_condition::TaintNodesByCondition;

/// What plugins are made of.
pub struct Parts {
    /// What plugins wait by.
    pub clock: Arc<dyn Clock>,
    /// What plugins draw names from.
    pub random: Arc<dyn Random>,
    /// `--default-not-ready-toleration-seconds`
    pub not_ready_toleration_seconds: i64,
    /// `--default-unreachable-toleration-seconds`
    pub unreachable_toleration_seconds: i64,
    /// `--admission-control-config-file`
    pub configurations: Configurations,
}

/// A plugin, or why there is none.
type Made = Result<Box<dyn Plugin>, String>;

/// A row of the table of plugins.
struct Entry {
    name: &'static str,
    /// Whether it is on where no flag says otherwise.
    on: bool,
    /// `None` for those that this server does not have: switched on they are refused, on by themselves they are left out.
    make: Option<fn(&Parts) -> Made>,
}

const fn on(name: &'static str, make: fn(&Parts) -> Made) -> Entry {
    let make = Some(make);
    Entry { name, on: true, make }
}

const fn off(name: &'static str, make: fn(&Parts) -> Made) -> Entry {
    let make = Some(make);
    Entry { name, on: false, make }
}

const fn absent(name: &'static str, on: bool) -> Entry {
    Entry { name, on, make: None }
}

/// All plugins, in the order in which they are asked.
const PLUGINS: [Entry; 41] = [
    off("AlwaysAdmit", |_| Ok(Box::new(AlwaysAdmit))),
    off("NamespaceAutoProvision", |_| Ok(Box::new(NamespaceAutoProvision))),
    on("NamespaceLifecycle", |_| Ok(Box::<NamespaceLifecycle>::default())),
    off("NamespaceExists", |_| Ok(Box::new(NamespaceExists))),
    off("LimitPodHardAntiAffinityTopology", |_| {
        Ok(Box::new(LimitPodHardAntiAffinityTopology))
    }),
    on("LimitRanger", |_| Ok(Box::new(LimitRanger))),
    on("ServiceAccount", |parts| {
        Ok(Box::new(ServiceAccount {
            clock: Arc::clone(&parts.clock),
            random: Arc::clone(&parts.random),
        }))
    }),
    off("NodeRestriction", |_| Ok(Box::new(NodeRestriction))),
    on("TaintNodesByCondition", |_| Ok(Box::new(TaintNodesByCondition))),
    off("AlwaysPullImages", |_| Ok(Box::new(AlwaysPullImages))),
    absent("ImagePolicyWebhook", false),
    on("PodSecurity", |parts| {
        Ok(Box::new(PodSecurity::new(parts.configurations.of("PodSecurity"))?))
    }),
    off("PodNodeSelector", |parts| {
        Ok(Box::new(PodNodeSelector::new(
            parts.configurations.of("PodNodeSelector"),
        )))
    }),
    on("Priority", |_| Ok(Box::new(Priority))),
    on("DefaultTolerationSeconds", |parts| {
        Ok(Box::new(DefaultTolerationSeconds {
            not_ready: parts.not_ready_toleration_seconds,
            unreachable: parts.unreachable_toleration_seconds,
        }))
    }),
    off("PodTolerationRestriction", |parts| {
        Ok(Box::new(PodTolerationRestriction::configured(
            parts.configurations.of("PodTolerationRestriction"),
        )))
    }),
    off("EventRateLimit", |parts| {
        Ok(Box::new(EventRateLimit::new(
            parts.configurations.of("EventRateLimit"),
        )?))
    }),
    off("ExtendedResourceToleration", |_| {
        Ok(Box::new(ExtendedResourceToleration))
    }),
    on("DefaultStorageClass", |_| Ok(Box::new(DefaultStorageClass::new()))),
    on("StorageObjectInUseProtection", |_| {
        Ok(Box::new(StorageObjectInUseProtection::new()))
    }),
    on("PodGroupProtection", |_| Ok(Box::new(PodGroupProtection::new()))),
    off("OwnerReferencesPermissionEnforcement", |_| {
        Ok(Box::new(OwnerReferencesPermissionEnforcement::new()))
    }),
    on("PersistentVolumeClaimResize", |_| {
        Ok(Box::new(PersistentVolumeClaimResize::new()))
    }),
    on("RuntimeClass", |_| Ok(Box::new(RuntimeClass::new()))),
    on("CertificateApproval", |_| Ok(Box::new(CertificateApproval::new()))),
    on("CertificateSigning", |_| Ok(Box::new(CertificateSigning::new()))),
    on("ClusterTrustBundleAttest", |_| {
        Ok(Box::new(ClusterTrustBundleAttest::new()))
    }),
    on("CertificateSubjectRestriction", |_| {
        Ok(Box::new(CertificateSubjectRestriction::new()))
    }),
    on("DefaultIngressClass", |_| Ok(Box::new(DefaultIngressClass::new()))),
    off("DenyServiceExternalIPs", |_| {
        Ok(Box::new(DenyServiceExternalIps::new()))
    }),
    on("PodTopologyLabels", |_| Ok(Box::new(PodTopologyLabels::new()))),
    on("PodGroupWorkloadExists", |_| {
        Ok(Box::new(PodGroupWorkloadExists::new()))
    }),
    on("NodeDeclaredFeatureValidator", |_| {
        Ok(Box::new(NodeDeclaredFeatureValidator::new()))
    }),
    on("JobValidation", |_| Ok(Box::new(JobValidation::new()))),
    on("PodResizeValidator", |_| Ok(Box::new(PodResizeValidator::new()))),
    // These come last, whatever is put above.
    absent("MutatingAdmissionPolicy", true),
    absent("MutatingAdmissionWebhook", true),
    absent("ValidatingAdmissionPolicy", true),
    absent("ValidatingAdmissionWebhook", true),
    on("ResourceQuota", |parts| {
        Ok(Box::new(ResourceQuota::configured(
            parts.configurations.of("ResourceQuota"),
        )))
    }),
    off("AlwaysDeny", |_| Ok(Box::new(AlwaysDeny))),
];

/// The names of all plugins, in the order of the alphabet, as help texts list them.
pub fn known() -> Vec<&'static str> {
    let names: BTreeSet<&str> = PLUGINS.iter().map(|entry| entry.name).collect();
    names.into_iter().collect()
}

/// The names of the plugins that are on where no flag says otherwise, in the order in which they are asked.
pub fn on_by_default() -> Vec<&'static str> {
    PLUGINS
        .iter()
        .filter(|entry| entry.on)
        .map(|entry| entry.name)
        .collect()
}

/// Why there is no chain.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// No such plugin is known, under `--enable-admission-plugins`.
    #[error("enable-admission-plugins plugin {} is unknown", quote(_0))]
    UnknownEnabled(String),
    /// No such plugin is known, under `--disable-admission-plugins`.
    #[error("disable-admission-plugins plugin {} is unknown", quote(_0))]
    UnknownDisabled(String),
    /// These are both on and off.
    #[error("[{}] in enable-admission-plugins and disable-admission-plugins overlapped", _0.join(" "))]
    Overlapped(Vec<String>),
    /// It is one of upstream's that this server does not have.
    #[error("enable-admission-plugins plugin {} is not part of this server", quote(_0))]
    Absent(String),
    /// It cannot be made.
    #[error("couldn't init admission plugin {}: {error}", quote(name))]
    Init {
        /// Which.
        name: String,
        /// Why.
        error: String,
    },
}

/// What the flags say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// `--enable-admission-plugins`
    pub enable: Vec<String>,
    /// `--disable-admission-plugins`
    pub disable: Vec<String>,
}

impl Choice {
    /// What is wrong with the flags.
    pub fn check(&self) -> Vec<Error> {
        let find = |name: &String| PLUGINS.iter().find(|entry| entry.name == name);
        let mut errors = Vec::new();
        for name in &self.enable {
            match find(name) {
                None => errors.push(Error::UnknownEnabled(name.clone())),
                Some(entry) if entry.make.is_none() => errors.push(Error::Absent(name.clone())),
                Some(_) => {}
            }
        }
        let unknown = self.disable.iter().filter(|name| find(name).is_none());
        errors.extend(unknown.cloned().map(Error::UnknownDisabled));
        let both: BTreeSet<&String> = self.enable.iter().filter(|name| self.disable.contains(name)).collect();
        if !both.is_empty() {
            errors.push(Error::Overlapped(both.into_iter().cloned().collect()));
        }
        errors
    }

    fn has(&self, entry: &Entry) -> bool {
        let named = |list: &[String]| list.iter().any(|name| name == entry.name);
        named(&self.enable) || entry.on && !named(&self.disable)
    }
}

/// The plugins that are on, in their order.
pub struct Chain {
    plugins: Vec<Seat>,
    metrics: Option<Metrics>,
}

/// A plugin, and what it is asked for.
struct Seat {
    plugin: Box<dyn Plugin>,
    /// By step.
    does: [bool; 2],
}

impl Seat {
    fn new(plugin: Box<dyn Plugin>) -> Self {
        let name = plugin.name();
        Self {
            plugin,
            does: Step::ALL.map(|step| step.is_of(name)),
        }
    }
}

/// When the chain began, and when the plugin that is asked now did: the end of one is the beginning of the next.
struct Watch {
    begun: Instant,
    asked: Instant,
}

impl Watch {
    fn start() -> Self {
        let now = Instant::now();
        Self { begun: now, asked: now }
    }

    /// How long the plugin took that was asked last.
    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now.duration_since(std::mem::replace(&mut self.asked, now))
    }

    /// How long all took up to the last.
    fn all(&self) -> Duration {
        self.asked.duration_since(self.begun)
    }
}

impl Chain {
    /// The chain that the flags ask for.
    ///
    /// # Errors
    /// All that is wrong with the flags, else the first plugin that cannot be made.
    pub fn new(choice: &Choice, parts: &Parts) -> Result<Self, Vec<Error>> {
        let errors = choice.check();
        if !errors.is_empty() {
            return Err(errors);
        }
        let mut plugins = Vec::new();
        for entry in PLUGINS.iter().filter(|entry| choice.has(entry)) {
            match entry.make.map(|make| make(parts)) {
                Some(Ok(plugin)) => plugins.push(Seat::new(plugin)),
                Some(Err(error)) => {
                    let name = entry.name.to_owned();
                    return Err(vec![Error::Init { name, error }]);
                }
                None => tracing::debug!(plugin = entry.name, "admission plugin is not part of this server"),
            }
        }
        let chain = Self { plugins, metrics: None };
        tracing::info!(plugins = chain.names().join(","), "loaded admission plugins");
        Ok(chain)
    }

    /// Counts from now on how long the plugins take, and what they find.
    ///
    /// # Errors
    /// The registry already holds one of the names.
    pub fn measure(&mut self, registry: &Registry) -> prometheus::Result<()> {
        self.metrics = Some(Metrics::new(registry, &self.names())?);
        for seat in &mut self.plugins {
            seat.plugin.measure(registry)?;
        }
        Ok(())
    }

    /// The names of the plugins, in the order in which they are asked.
    pub fn names(&self) -> Vec<&'static str> {
        self.plugins.iter().map(|seat| seat.plugin.name()).collect()
    }

    /// Whether anyone has anything to say of such an operation.
    pub fn handles(&self, operation: Operation) -> bool {
        self.plugins.iter().any(|seat| seat.plugin.handles(operation))
    }

    /// Lets each plugin change the object; the first that refuses ends it. Deletions have no object.
    ///
    /// # Errors
    /// What the client is answered.
    pub async fn admit(&self, request: &Request<'_>, mut object: Option<&mut Tree>) -> Result<(), Status> {
        let mut watch = Watch::start();
        let mut outcome = Ok(());
        for (at, plugin) in self.asked(request, Step::Admit) {
            outcome = plugin.admit(request, object.as_deref_mut()).await;
            self.note(Some(at), Step::Admit, request, watch.lap(), &outcome);
            if outcome.is_err() {
                break;
            }
        }
        self.note(None, Step::Admit, request, watch.all(), &outcome);
        outcome
    }

    /// Asks each plugin about the object as all have left it; the first that refuses ends it.
    ///
    /// # Errors
    /// What the client is answered.
    pub async fn validate(&self, request: &Request<'_>, object: Option<&Tree>) -> Result<(), Status> {
        let mut watch = Watch::start();
        let mut outcome = Ok(());
        for (at, plugin) in self.asked(request, Step::Validate) {
            outcome = plugin.validate(request, object).await;
            self.note(Some(at), Step::Validate, request, watch.lap(), &outcome);
            if outcome.is_err() {
                break;
            }
        }
        self.note(None, Step::Validate, request, watch.all(), &outcome);
        outcome
    }

    /// Who is asked, and at which place.
    fn asked(&self, request: &Request<'_>, step: Step) -> impl Iterator<Item = (usize, &dyn Plugin)> {
        let operation = request.operation;
        let does = self
            .plugins
            .iter()
            .enumerate()
            .filter(move |(_, seat)| seat.does[step as usize]);
        let asked = does.map(|(at, seat)| (at, &*seat.plugin));
        asked.filter(move |(_, plugin)| plugin.handles(operation))
    }

    /// Counts how long the plugin at a place took, or all together.
    fn note(&self, at: Option<usize>, step: Step, request: &Request<'_>, took: Duration, outcome: &Result<(), Status>) {
        match (&self.metrics, at) {
            (Some(metrics), Some(at)) => metrics.observe(at, step, request.operation, took, outcome),
            (Some(metrics), None) => metrics.observe_step(step, request.operation, took, outcome),
            (None, _) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use base::clock::ManualClock;
    use base::random::Seeded;
    use prometheus::{Registry, TextEncoder};

    use super::{Chain, Choice, PLUGINS, Parts, known, on_by_default};
    use crate::configuration::Configurations;
    use crate::plugin::Operation;
    use crate::step::Step;
    use crate::testing::{Ask, tree};

    fn parts() -> Parts {
        Parts {
            clock: Arc::new(ManualClock::new(0)),
            random: Arc::new(Seeded::new(1)),
            not_ready_toleration_seconds: 300,
            unreachable_toleration_seconds: 300,
            configurations: Configurations::default(),
        }
    }

    fn choice(enable: &[&str], disable: &[&str]) -> Choice {
        let owned = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        Choice {
            enable: owned(enable),
            disable: owned(disable),
        }
    }

    fn names(enable: &[&str], disable: &[&str]) -> Vec<&'static str> {
        Chain::new(&choice(enable, disable), &parts()).unwrap().names()
    }

    fn errors(enable: &[&str], disable: &[&str]) -> Vec<String> {
        let errors = Chain::new(&choice(enable, disable), &parts()).err().unwrap();
        errors.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_plugin_of_upstream_is_known_once() {
        assert_eq!(known().len(), PLUGINS.len());
        assert_eq!(on_by_default().len(), 27);
        for entry in &PLUGINS {
            if let Some(Ok(plugin)) = entry.make.map(|make| make(&parts())) {
                assert_eq!(plugin.name(), entry.name);
            }
        }
    }

    #[test]
    fn flags_switch_plugins_on_and_off() {
        let usual = names(&[], &[]);
        assert!(usual.contains(&"NamespaceLifecycle") && !usual.contains(&"NodeRestriction"));
        assert!(usual.contains(&"ResourceQuota") && !usual.contains(&"MutatingAdmissionWebhook"));
        let others = names(&["AlwaysDeny", "NodeRestriction"], &["Priority", "ResourceQuota"]);
        assert!(!others.contains(&"Priority") && !others.contains(&"ResourceQuota"));
        assert_eq!(others.last(), Some(&"AlwaysDeny"));
        let at = |name: &str| others.iter().position(|one| *one == name);
        assert!(at("ServiceAccount") < at("NodeRestriction") && at("NodeRestriction") < at("PodSecurity"));
    }

    #[test]
    fn wrong_flags_are_told_in_upstream_s_words() {
        assert_eq!(
            errors(&["A", "Priority", "LimitRanger"], &["B", "Priority", "LimitRanger"]),
            [
                r#"enable-admission-plugins plugin "A" is unknown"#,
                r#"disable-admission-plugins plugin "B" is unknown"#,
                "[LimitRanger Priority] in enable-admission-plugins and disable-admission-plugins overlapped",
            ]
        );
        assert_eq!(
            errors(&["ImagePolicyWebhook"], &[]),
            [r#"enable-admission-plugins plugin "ImagePolicyWebhook" is not part of this server"#]
        );
        assert_eq!(
            errors(&["EventRateLimit"], &[]),
            [r#"couldn't init admission plugin "EventRateLimit": limits: Invalid value: null: must not be empty"#]
        );
    }

    #[tokio::test]
    async fn a_write_passes_through_all_until_one_refuses() {
        let chain = Chain::new(&Choice::default(), &parts()).unwrap();
        let ask = Ask::create("", "v1", "Pod", "pods").within("t").named("a");
        let ask = ask
            .knowing(
                "",
                "namespaces",
                r#"{"metadata":{"name":"t"},"status":{"phase":"Active"}}"#,
            )
            .knowing(
                "",
                "serviceaccounts",
                r#"{"metadata":{"name":"default","namespace":"t"}}"#,
            );
        let mut pod = tree(r#"{"metadata":{"name":"a"},"spec":{"containers":[{"name":"c"}]}}"#);
        chain.admit(&ask.request(), Some(&mut pod)).await.unwrap();
        chain.validate(&ask.request(), Some(&pod)).await.unwrap();
        let spec = pod.at("spec");
        assert_eq!(spec.text("serviceAccountName"), "default");
        assert_eq!(
            (spec.at("priority").as_int(), spec.items("tolerations").len()),
            (Some(0), 2)
        );
        let nowhere = Ask::create("", "v1", "Pod", "pods").within("u").named("a");
        let refused = chain.admit(&nowhere.request(), Some(&mut pod)).await.unwrap_err();
        assert_eq!(refused.message, r#"namespaces "u" not found"#);
    }

    #[test]
    fn a_plugin_is_asked_only_for_what_it_does() {
        let choice = choice(&["NodeRestriction", "AlwaysPullImages"], &[]);
        let chain = Chain::new(&choice, &parts()).unwrap();
        let ask = Ask::create("", "v1", "Pod", "pods");
        let names = |step| -> Vec<&str> {
            chain
                .asked(&ask.request(), step)
                .map(|(_, plugin)| plugin.name())
                .collect()
        };
        let (admit, validate) = (names(Step::Admit), names(Step::Validate));
        assert!(admit.contains(&"NodeRestriction") && !validate.contains(&"NodeRestriction"));
        assert!(!admit.contains(&"PodSecurity") && validate.contains(&"PodSecurity"));
        assert!(admit.contains(&"AlwaysPullImages") && validate.contains(&"AlwaysPullImages"));
    }

    #[tokio::test]
    async fn what_a_plugin_does_not_do_is_not_counted() {
        let registry = Registry::new();
        let mut chain = Chain::new(&choice(&["NodeRestriction"], &[]), &parts()).unwrap();
        chain.measure(&registry).unwrap();
        let ask = Ask::create("", "v1", "ConfigMap", "configmaps").within("t").named("a");
        let ask = ask.knowing(
            "",
            "namespaces",
            r#"{"metadata":{"name":"t"},"status":{"phase":"Active"}}"#,
        );
        let mut map = tree(r#"{"metadata":{"name":"a"}}"#);
        chain.admit(&ask.request(), Some(&mut map)).await.unwrap();
        chain.validate(&ask.request(), Some(&map)).await.unwrap();
        let text = TextEncoder::new().encode_to_string(&registry.gather()).unwrap();
        for (plugin, step) in [("NodeRestriction", "admit"), ("PodSecurity", "validate")] {
            let of = |line: &&str| line.contains("_count{") && line.contains(&format!("name=\"{plugin}\""));
            let counts: Vec<&str> = text.lines().filter(of).collect();
            assert!(
                counts.len() == 1 && counts[0].contains(&format!("type=\"{step}\"")),
                "{counts:?}"
            );
        }
    }

    #[test]
    fn nobody_is_asked_about_operations_that_are_nobody_s() {
        let chain = Chain::new(&Choice::default(), &parts()).unwrap();
        assert!(chain.handles(Operation::Create) && !chain.handles(Operation::Connect));
    }
}
