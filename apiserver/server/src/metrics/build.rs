//! `kubernetes_build_info`, `kubernetes_feature_enabled` and `version_info`: what this server is.

use super::Make;
use crate::version;

/// A feature that can be switched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feature {
    /// `WatchList`.
    pub name: String,
    /// `ALPHA`, `BETA`, `DEPRECATED`; empty for what is there for good.
    pub stage: &'static str,
    /// Whether it is on.
    pub enabled: bool,
}

/// The labels of the build, in upstream's words and in the order of the fields of `/version` that they come from.
const BUILD: [(&str, &str); 9] = [
    ("major", "major"),
    ("minor", "minor"),
    ("git_version", "gitVersion"),
    ("git_commit", "gitCommit"),
    ("git_tree_state", "gitTreeState"),
    ("build_date", "buildDate"),
    ("go_version", "goVersion"),
    ("compiler", "compiler"),
    ("platform", "platform"),
];

/// Registers what never changes.
pub(super) fn register(make: &Make<'_>, features: &[Feature]) -> prometheus::Result<()> {
    let build = make.gauges(
        "kubernetes_build_info",
        "[BETA] Always 1; the labels say from what this server was built and for what.",
        &BUILD.map(|(label, _)| label),
    )?;
    build
        .with_label_values(&BUILD.map(|(_, field)| version::field(field)))
        .set(1);
    let enabled = make.gauges(
        "kubernetes_feature_enabled",
        "[BETA] 1 for features that are on and 0 for those that are off, with how far they are.",
        &["name", "stage"],
    )?;
    for feature in features {
        let labels = [feature.name.as_str(), feature.stage];
        enabled.with_label_values(&labels).set(feature.enabled.into());
    }
    let versions = make.gauges(
        "version_info",
        "[ALPHA] Always 1; the labels say which version this server is, which it plays, and the oldest it goes with.",
        &["component", "binary", "emulation", "min_compat"],
    )?;
    let least = format!(
        "{}.{}",
        version::field("minCompatibilityMajor"),
        version::field("minCompatibilityMinor")
    );
    versions
        .with_label_values(&["kube", version::API, version::API, &least])
        .set(1);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Feature;
    use crate::metrics::tests::Trial;

    #[test]
    fn the_server_says_what_it_is_and_what_is_switched_on() {
        let feature = |name: &str, stage, enabled| Feature {
            name: name.to_owned(),
            stage,
            enabled,
        };
        let trial = Trial::with(&[feature("A", "ALPHA", false), feature("B", "", true)]);
        trial.shows(&[
            r#"kubernetes_feature_enabled{name="A",stage="ALPHA"} 0"#,
            r#"kubernetes_feature_enabled{name="B",stage=""} 1"#,
            r#"version_info{binary="1.36",component="kube",emulation="1.36",min_compat="1.35"} 1"#,
        ]);
        assert!(trial.text().contains(r#"git_version="v1.36"#));
        assert!(trial.text().contains(r#"major="1",minor="36",platform="linux/"#));
    }
}
