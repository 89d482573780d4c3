//! `etcd_server_apply_duration_seconds`: how long single commands take to be applied.
//!
//! The time is that of the command alone; writing the batch that it is in is
//! `etcd_disk_backend_commit_duration_seconds`.

use std::sync::OnceLock;
use std::time::Duration;

use prometheus::{Histogram, HistogramVec};
use proto::fault::Fault;
use proto::store::command::Action;
use proto::store::reply::Outcome;
use proto::store::{Command, Reply};

use super::{Make, twice};

pub(crate) struct Apply {
    family: HistogramVec,
    /// The two that every write meets, refused and done; a look-up by labels costs more than the observation.
    put: [OnceLock<Histogram>; 2],
    txn: [OnceLock<Histogram>; 2],
}

impl Apply {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        let family = make.histograms(
            "etcd_server_apply_duration_seconds",
            "Time that applying a command took.",
            &twice(0.0001, 20)?,
            &["version", "op", "success"],
        )?;
        Ok(Self {
            family,
            put: Default::default(),
            txn: Default::default(),
        })
    }

    pub(crate) fn observe(&self, command: &Command, reply: &Reply, took: Duration) {
        let Some((action, op)) = command
            .action
            .as_ref()
            .and_then(|action| Some((action, operation(action)?)))
        else {
            return;
        };
        let done = match &reply.outcome {
            // Upstream's rule: what was compacted already is no failure.
            Some(Outcome::Fault(fault)) => *fault == i32::from(Fault::Compacted),
            _ => true,
        };
        let made = || {
            let success = if done { "true" } else { "false" };
            self.family.with_label_values(&["v3", op, success])
        };
        let seconds = took.as_secs_f64();
        match action {
            Action::Put(_) => self.put[usize::from(done)].get_or_init(made).observe(seconds),
            Action::Txn(_) => self.txn[usize::from(done)].get_or_init(made).observe(seconds),
            _ => made().observe(seconds),
        }
    }
}

/// Upstream's name of a command; changes of membership have none, they are no commands there.
const fn operation(action: &Action) -> Option<&'static str> {
    Some(match action {
        Action::Put(_) => "Put",
        Action::DeleteRange(_) => "DeleteRange",
        Action::Txn(_) => "Txn",
        Action::Compact(_) => "Compaction",
        Action::LeaseGrant(_) => "LeaseGrant",
        Action::LeaseRevoke(_) | Action::LeaseExpire(_) => "LeaseRevoke",
        Action::LeaseCheckpoint(_) => "LeaseCheckpoint",
        Action::Alarm(_) => "Alarm",
        Action::ClusterVersion(_) => "ClusterVersionSet",
        Action::Downgrade(_) => "DowngradeInfoSet",
        Action::MemberPublish(_) => "ClusterMemberAttrSet",
        Action::MemberAdd(_) | Action::MemberRemove(_) | Action::MemberUpdate(_) | Action::MemberPromote(_) => {
            return None;
        }
        Action::AuthEnable(_) => "AuthEnable",
        Action::AuthDisable(_) => "AuthDisable",
        Action::AuthUserAdd(_) => "AuthUserAdd",
        Action::AuthUserDelete(_) => "AuthUserDelete",
        Action::AuthUserChangePassword(_) => "AuthUserChangePassword",
        Action::AuthUserGrantRole(_) => "AuthUserGrantRole",
        Action::AuthUserRevokeRole(_) => "AuthUserRevokeRole",
        Action::AuthRoleAdd(_) => "AuthRoleAdd",
        Action::AuthRoleDelete(_) => "AuthRoleDelete",
        Action::AuthRoleGrantPermission(_) => "AuthRoleGrantPermission",
        Action::AuthRoleRevokePermission(_) => "AuthRoleRevokePermission",
    })
}
