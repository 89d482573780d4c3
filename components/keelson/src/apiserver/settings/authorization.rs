//! Whom to ask whether a user may do something.

use base::flags::pflag::Parsed;

use super::Findings;

/// Whom to ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Everyone may do everything.
    AlwaysAllow,
    /// Nobody may do anything.
    AlwaysDeny,
    /// The rules of a file.
    Abac,
    /// Roles and their bindings.
    Rbac,
    /// What a node's kubelet may do.
    Node,
}

/// The modes as given, or the default.
pub(super) fn modes(parsed: &Parsed) -> Vec<String> {
    match parsed.texts("authorization-mode") {
        [] => vec!["AlwaysAllow".to_owned()],
        modes => modes.to_vec(),
    }
}

/// The modes, checked.
pub(super) fn check(parsed: &Parsed, modes: &[String], found: &mut Findings) -> Vec<Mode> {
    let (policy, webhook) = (
        parsed.text("authorization-policy-file"),
        parsed.text("authorization-webhook-config-file"),
    );
    let mut checked = Vec::new();
    for mode in modes {
        checked.extend(match mode.as_str() {
            "AlwaysAllow" => Some(Mode::AlwaysAllow),
            "AlwaysDeny" => Some(Mode::AlwaysDeny),
            "RBAC" => Some(Mode::Rbac),
            "Node" => Some(Mode::Node),
            "ABAC" => {
                if policy.is_empty() {
                    found.error("authorization-mode ABAC's authorization policy file not passed");
                }
                Some(Mode::Abac)
            }
            "Webhook" => {
                // Where the file is passed it is refused by its own row.
                if webhook.is_empty() {
                    found.error("authorization-mode Webhook's authorization config file not passed");
                }
                None
            }
            _ => {
                found.error(format!("authorization-mode {mode:?} is not a valid mode"));
                None
            }
        });
    }
    let has = |name: &str| modes.iter().any(|mode| mode == name);
    if !policy.is_empty() && !has("ABAC") {
        found.error("cannot specify --authorization-policy-file without mode ABAC");
    }
    if !webhook.is_empty() && !has("Webhook") {
        found.error("cannot specify --authorization-webhook-config-file without mode Webhook");
    }
    let repeated = modes
        .iter()
        .enumerate()
        .any(|(place, mode)| modes[..place].contains(mode));
    if repeated {
        let quoted: Vec<String> = modes.iter().map(|mode| format!("{mode:?}")).collect();
        let quoted = quoted.join(" ");
        found.error(format!(
            "authorization-mode [{quoted}] has mode specified more than once"
        ));
    }
    checked
}
