//! How the holder of a lease is chosen among its candidates.

use apiserver_api::names::qualified_name;
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;

/// The candidate with the oldest emulation version.
pub(crate) const OLDEST_EMULATION_VERSION: &str = "OldestEmulationVersion";

/// A strategy is known or has a domain. Upstream tells of it below the field itself.
pub(crate) fn validate(path: &Path<'_>, strategy: &str, refusals: &mut Refusals) {
    let path = path.field("strategy");
    if strategy.contains('/') {
        for message in qualified_name(strategy) {
            refusals.invalid(&path, strategy, &message);
        }
    } else if strategy != OLDEST_EMULATION_VERSION {
        refusals.not_supported(&path, strategy, &[OLDEST_EMULATION_VERSION]);
    }
}

#[cfg(test)]
mod tests {
    use super::{Path, Refusals, validate};

    #[test]
    fn a_strategy_is_known_or_has_a_domain() {
        for (strategy, fine) in [
            ("OldestEmulationVersion", true),
            ("example.com/mine", true),
            ("Newest", false),
            ("a/b/c", false),
        ] {
            let mut refusals = Refusals::new();
            validate(&Path::of("strategy"), strategy, &mut refusals);
            assert_eq!(refusals.is_empty(), fine, "{strategy}");
        }
    }
}
