//! What the tests of the families share.

use std::sync::Arc;

use prometheus::Registry;

use super::{Feature, Metrics, text};

/// All families in a registry of their own.
pub(crate) struct Trial {
    registry: Registry,
    pub(crate) metrics: Arc<Metrics>,
}

impl Trial {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    pub(crate) fn with(features: &[Feature]) -> Self {
        let registry = Registry::new();
        let metrics = Arc::new(Metrics::new(&registry, features).unwrap());
        Self { registry, metrics }
    }

    pub(crate) fn text(&self) -> String {
        text::encode(&self.registry.gather())
    }

    /// That these lines are shown.
    #[track_caller]
    pub(crate) fn shows(&self, lines: &[&str]) {
        let text = self.text();
        for line in lines {
            assert!(text.lines().any(|one| one == *line), "{line}\nis not in\n{text}");
        }
    }

    /// That nothing of these is shown.
    #[track_caller]
    pub(crate) fn lacks(&self, words: &[&str]) {
        let text = self.text();
        for word in words {
            assert!(!text.contains(word), "{word}\nis in\n{text}");
        }
    }
}

#[test]
fn no_name_is_there_twice() {
    let trial = Trial::new();
    assert!(Metrics::new(&trial.registry, &[]).is_err());
}
