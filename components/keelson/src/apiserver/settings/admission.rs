//! What may change or refuse a write.

use std::path::PathBuf;

use base::flags::pflag::Parsed;

use super::{Findings, path, plugins};

/// What may change or refuse a write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Admission {
    /// The plugins that run, in their order.
    pub(crate) plugins: Vec<&'static str>,
    /// `--admission-control-config-file`
    pub(crate) config_file: Option<PathBuf>,
    /// `--default-not-ready-toleration-seconds`
    pub(crate) not_ready_seconds: i64,
    /// `--default-unreachable-toleration-seconds`
    pub(crate) unreachable_seconds: i64,
}

impl Admission {
    pub(super) fn read(parsed: &Parsed, found: &mut Findings) -> Self {
        let enabled = parsed.texts("enable-admission-plugins");
        let disabled = parsed.texts("disable-admission-plugins");
        let all = parsed.texts("admission-control");
        let old = parsed.is_given("admission-control");
        if old && (parsed.is_given("enable-admission-plugins") || parsed.is_given("disable-admission-plugins")) {
            found.error(
                "admission-control and enable-admission-plugins/disable-admission-plugins flags are mutually exclusive",
            );
        }
        for (flag, names) in [
            ("admission-control", all),
            ("enable-admission-plugins", enabled),
            ("disable-admission-plugins", disabled),
        ] {
            for name in names.iter().filter(|name| !plugins::is_known(name)) {
                found.error(format!("{flag} plugin {name:?} is unknown"));
            }
        }
        let mut both: Vec<&str> = enabled
            .iter()
            .filter(|name| disabled.contains(name))
            .map(String::as_str)
            .collect();
        both.sort_unstable();
        both.dedup();
        if !both.is_empty() {
            let both = both.join(" ");
            found.error(format!(
                "[{both}] in enable-admission-plugins and disable-admission-plugins overlapped"
            ));
        }
        Self {
            plugins: if old {
                plugins::only(all)
            } else {
                plugins::running(enabled, disabled)
            },
            config_file: path(parsed, "admission-control-config-file"),
            not_ready_seconds: parsed.int("default-not-ready-toleration-seconds"),
            unreachable_seconds: parsed.int("default-unreachable-toleration-seconds"),
        }
    }
}
