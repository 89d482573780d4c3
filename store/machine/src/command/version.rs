//! The cluster's version, and the way down to a lower one.

use proto::etcd::DowngradeInfo;
use proto::fault::Fault;
use proto::store::ClusterVersion;
use proto::store::reply::Outcome;

use crate::effect::Effect;
use crate::error::Stop;
use crate::run::Run;
use crate::{meta, versions};

/// Which version it is was decided by the leader, from what all members speak.
pub(super) fn set(run: &mut Run<'_>, version: &ClusterVersion) -> Result<Outcome, Stop> {
    if versions::parse(&version.version).is_none() {
        return Err(Fault::WrongDowngradeVersionFormat.into());
    }
    if run.core.cluster_version.as_ref() != Some(&version.version) {
        meta::set_version(&mut run.batch, &version.version);
        run.core.cluster_version = Some(version.version.clone());
        run.notify(Effect::ClusterVersion);
    }
    Ok(run.done())
}

/// Begins a downgrade or ends it. Checked here and not by the proposer alone: two may be on the way at once.
pub(super) fn downgrade(run: &mut Run<'_>, downgrade: &DowngradeInfo) -> Result<Outcome, Stop> {
    let next = if downgrade.enabled {
        let target_version = versions::check_downgrade(run.core.cluster_version.as_deref(), &downgrade.target_version)?;
        if run.core.downgrade.enabled {
            return Err(Fault::DowngradeInProgress.into());
        }
        DowngradeInfo {
            enabled: true,
            target_version,
        }
    } else {
        if !run.core.downgrade.enabled {
            return Err(Fault::NoInflightDowngrade.into());
        }
        DowngradeInfo::default()
    };
    meta::set_downgrade(&mut run.batch, &next);
    run.core.downgrade = next;
    run.notify(Effect::Downgrade);
    Ok(run.done())
}
