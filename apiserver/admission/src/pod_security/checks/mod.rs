//! The checks of the levels: one small file each, in the words of upstream's `policy/check_*.go`.

mod allow_privilege_escalation;
mod app_armor_profile;
mod capabilities_baseline;
mod capabilities_restricted;
mod host_namespaces;
mod host_path_volumes;
mod host_ports;
mod host_probes_and_host_lifecycle;
mod privileged;
mod proc_mount;
mod proc_mount_restricted;
mod restricted_volumes;
mod run_as_non_root;
mod run_as_user;
mod se_linux_options;
mod seccomp_profile_baseline;
mod seccomp_profile_restricted;
mod sysctls;
mod windows_host_process;

#[cfg(test)]
mod trial;

use std::collections::BTreeSet;

use super::pods::Pod;
use super::policy::Level;

/// All checks, those of a level in the order of their names, which is the order of messages.
pub(super) const ALL: &[Check] = &[
    app_armor_profile::CHECK,
    capabilities_baseline::CHECK,
    host_namespaces::CHECK,
    host_path_volumes::CHECK,
    host_ports::CHECK,
    host_probes_and_host_lifecycle::CHECK,
    privileged::CHECK,
    proc_mount::CHECK,
    se_linux_options::CHECK,
    seccomp_profile_baseline::CHECK,
    sysctls::CHECK,
    windows_host_process::CHECK,
    allow_privilege_escalation::CHECK,
    capabilities_restricted::CHECK,
    proc_mount_restricted::CHECK,
    restricted_volumes::CHECK,
    run_as_non_root::CHECK,
    run_as_user::CHECK,
    seccomp_profile_restricted::CHECK,
];

/// Says what is wrong with a pod, if anything is.
pub(super) type Judge = fn(&Pod<'_>) -> Option<Violation>;

/// One thing that a level asks for.
pub(super) struct Check {
    /// As upstream names it.
    pub(super) id: &'static str,
    /// The level that asks for it, and all stricter ones.
    pub(super) level: Level,
    /// What it asks for since which minor version, in their order.
    pub(super) revisions: &'static [(i64, Judge)],
    /// Checks of the baseline that it stands in for.
    pub(super) replaces: &'static [&'static str],
}

impl Check {
    const fn baseline(id: &'static str, revisions: &'static [(i64, Judge)]) -> Self {
        Self {
            id,
            level: Level::Baseline,
            revisions,
            replaces: &[],
        }
    }

    const fn restricted(
        id: &'static str,
        revisions: &'static [(i64, Judge)],
        replaces: &'static [&'static str],
    ) -> Self {
        Self {
            id,
            level: Level::Restricted,
            revisions,
            replaces,
        }
    }
}

/// What is wrong with a pod.
#[derive(Debug)]
pub(super) struct Violation {
    /// In short.
    pub(super) reason: &'static str,
    /// Where and how.
    pub(super) detail: String,
}

impl Violation {
    fn new(reason: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { reason, detail }
    }
}

/// `"a", "b"`; quotes in names are not escaped, as upstream's are not.
fn quoted<'a>(items: impl IntoIterator<Item = &'a str>) -> String {
    let items: Vec<&str> = items.into_iter().collect();
    format!("\"{}\"", items.join("\", \""))
}

const fn plural(count: usize, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

/// `container "a"`, `containers "a", "b"`
fn containers(names: &[&str]) -> String {
    let word = plural(names.len(), "container", "containers");
    format!("{word} {}", quoted(names.iter().copied()))
}

/// Who says a thing that may not be said: the pod itself, containers.
#[derive(Default)]
struct Setters<'p> {
    pod: bool,
    containers: Vec<&'p str>,
}

impl Setters<'_> {
    fn is_empty(&self) -> bool {
        !self.pod && self.containers.is_empty()
    }

    /// `pod and container "a"`
    fn words(&self) -> Vec<String> {
        let pod = self.pod.then(|| "pod".to_owned());
        let containers = (!self.containers.is_empty()).then(|| containers(&self.containers));
        pod.into_iter().chain(containers).collect()
    }

    fn text(&self) -> String {
        self.words().join(" and ")
    }
}

/// Who names a profile of another type than these, and the types; whether the pod itself names one of these.
struct Profiles<'p> {
    setters: Setters<'p>,
    types: BTreeSet<&'p str>,
    pod_is_right: bool,
}

impl<'p> Profiles<'p> {
    /// The profiles under a field of security contexts; those that protect are two.
    fn of(pod: &Pod<'p>, field: &str) -> Self {
        let right = |profile: &str| ["Localhost", "RuntimeDefault"].contains(&profile);
        let mut found = Self {
            setters: Setters::default(),
            types: BTreeSet::new(),
            pod_is_right: false,
        };
        let own = pod.security().at(field);
        if !own.is_null() {
            found.pod_is_right = right(own.text("type"));
            found.setters.pod = !found.pod_is_right;
            if found.setters.pod {
                found.types.insert(own.text("type"));
            }
        }
        for container in pod.containers() {
            let profile = container.below(&["securityContext", field]);
            if !profile.is_null() && !right(profile.text("type")) {
                found.setters.containers.push(container.text("name"));
                found.types.insert(profile.text("type"));
            }
        }
        found
    }
}
