//! How groups and versions are ranked where aggregated servers stand among them (upstream's
//! `DefaultGenericAPIServicePriorities`).

use super::Served;

/// A group's rank, and the ranks of its versions that are not 15.
type Row = (&'static str, i64, &'static [(&'static str, i64)]);

/// Stable versions have this rank where nothing is said.
const STABLE: i64 = 15;
/// Beta versions.
const BETA: i64 = 9;
/// Alpha versions.
const ALPHA: i64 = 1;

const ROWS: &[Row] = &[
    ("", 18000, &[("v1", 1)]),
    ("apps", 17800, &[]),
    ("events.k8s.io", 17750, &[]),
    ("authentication.k8s.io", 17700, &[]),
    ("authorization.k8s.io", 17600, &[]),
    ("autoscaling", 17500, &[("v2", 30)]),
    ("batch", 17400, &[]),
    ("certificates.k8s.io", 17300, &[]),
    ("networking.k8s.io", 17200, &[]),
    ("policy", 17100, &[]),
    ("rbac.authorization.k8s.io", 17000, &[]),
    ("storage.k8s.io", 16800, &[]),
    ("apiextensions.k8s.io", 16700, &[]),
    ("admissionregistration.k8s.io", 16700, &[]),
    ("scheduling.k8s.io", 16600, &[]),
    ("coordination.k8s.io", 16500, &[]),
    ("node.k8s.io", 16300, &[]),
    ("discovery.k8s.io", 16200, &[]),
    ("flowcontrol.apiserver.k8s.io", 16100, &[("v1", 21)]),
    ("internal.apiserver.k8s.io", 16000, &[]),
    ("resource.k8s.io", 15900, &[("v1beta2", 10)]),
    ("storagemigration.k8s.io", 15800, &[]),
];

/// A version that is served, with its ranks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ranked {
    /// `apps`; empty for the core group.
    pub group: &'static str,
    /// `v1`.
    pub version: &'static str,
    /// Groups with more come first.
    pub group_rank: i64,
    /// Versions of a group with more come first.
    pub version_rank: i64,
}

/// All versions that are served from here, but for the group of aggregated servers, which serves itself.
pub fn ranked(served: &Served) -> Vec<Ranked> {
    let rank = |version: &'static str, own: &[(&str, i64)]| {
        let said = own.iter().find(|(name, _)| *name == version);
        said.map_or_else(
            || match version {
                _ if version.contains("alpha") => ALPHA,
                _ if version.contains("beta") => BETA,
                _ => STABLE,
            },
            |(_, rank)| *rank,
        )
    };
    let mut all = Vec::new();
    for (group, group_rank, own) in ROWS {
        let versions = super::GROUPS.iter().find(|known| known.name == *group);
        let versions = versions.map(|known| served.versions(known)).unwrap_or_default();
        all.extend(versions.into_iter().map(|version| Ranked {
            group,
            version,
            group_rank: *group_rank,
            version_rank: rank(version, own),
        }));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::{Served, ranked};

    #[test]
    fn the_core_group_comes_first_and_the_newer_autoscaling_before_the_older() {
        let all = ranked(&Served::default());
        let of = |group: &str| -> Vec<_> {
            let own = all.iter().filter(|one| one.group == group);
            own.map(|one| (one.version, one.group_rank, one.version_rank)).collect()
        };
        assert_eq!(of(""), [("v1", 18000, 1)]);
        assert_eq!(of("autoscaling"), [("v2", 17500, 30), ("v1", 17500, 15)]);
        assert!(of("apiregistration.k8s.io").is_empty());
    }
}
