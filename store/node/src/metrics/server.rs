//! `etcd_server_*`: leadership, proposals, reads, health.

use std::time::Duration;

use prometheus::{Gauge, GaugeVec, HistogramVec, IntCounter, IntCounterVec};
use proto::etcd::AlarmType;

use super::{Make, float, twice};
use crate::Member;

pub(crate) struct Server {
    has_leader: Gauge,
    is_leader: Gauge,
    is_learner: Gauge,
    pub(crate) leader_changes: IntCounter,
    pub(crate) promote_failed: IntCounterVec,
    pub(crate) promote_succeeded: IntCounter,
    heartbeat_failures: IntCounter,
    pub(crate) slow_apply: IntCounter,
    pub(crate) snapshot_apply: Gauge,
    committed: Gauge,
    applied: Gauge,
    pub(crate) pending: Gauge,
    pub(crate) failed: IntCounter,
    pub(crate) slow_reads: IntCounter,
    pub(crate) failed_reads: IntCounter,
    pub(crate) leases_expired: IntCounter,
    quota: Gauge,
    version: GaugeVec,
    id: GaugeVec,
    pub(crate) health_success: IntCounter,
    pub(crate) health_failures: IntCounter,
    pub(crate) checks: IntCounterVec,
    check: GaugeVec,
    requests: HistogramVec,
    ranges: HistogramVec,
    features: GaugeVec,
    auth_revision: Gauge,
    alarms: GaugeVec,
}

impl Server {
    #[expect(clippy::too_many_lines, reason = "one entry a metric")]
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            has_leader: make.float("etcd_server_has_leader", "1 if the member sees a leader, else 0.")?,
            is_leader: make.float("etcd_server_is_leader", "1 if the member leads, else 0.")?,
            is_learner: make.float("etcd_server_is_learner", "1 if the member is a learner, else 0.")?,
            leader_changes: make.counter("etcd_server_leader_changes_seen_total", "Changes of leader seen.")?,
            promote_failed: make.counters(
                "etcd_server_learner_promote_failures",
                "Promotions refused while this member led.",
                &["Reason"],
            )?,
            promote_succeeded: make.counter(
                "etcd_server_learner_promote_successes",
                "Promotions done while this member led.",
            )?,
            heartbeat_failures: make.counter(
                "etcd_server_heartbeat_send_failures_total",
                "Heartbeats that this member sent late while it led.",
            )?,
            slow_apply: make.counter(
                "etcd_server_slow_apply_total",
                "Requests whose apply or read took too long.",
            )?,
            snapshot_apply: make.float(
                "etcd_server_snapshot_apply_in_progress_total",
                "1 while a received snapshot is installed.",
            )?,
            committed: make.float(
                "etcd_server_proposals_committed_total",
                "Log index up to which entries are committed.",
            )?,
            applied: make.float(
                "etcd_server_proposals_applied_total",
                "Log index up to which entries are applied.",
            )?,
            pending: make.float("etcd_server_proposals_pending", "Proposals waiting for their outcome.")?,
            failed: make.counter(
                "etcd_server_proposals_failed_total",
                "Proposals whose outcome was an error or is unknown.",
            )?,
            slow_reads: make.counter(
                "etcd_server_slow_read_indexes_total",
                "Read index rounds that took too long.",
            )?,
            failed_reads: make.counter(
                "etcd_server_read_indexes_failed_total",
                "Read index rounds that failed.",
            )?,
            leases_expired: make.counter("etcd_debugging_server_lease_expired_total", "Leases that expired.")?,
            quota: make.float("etcd_server_quota_backend_bytes", "The quota for live data, in bytes.")?,
            version: make.floats(
                "etcd_server_version",
                "1 for the version that runs.",
                &["server_version"],
            )?,
            id: make.floats(
                "etcd_server_id",
                "1 for the member's id, in hexadecimal.",
                &["server_id"],
            )?,
            health_success: make.counter("etcd_server_health_success", "Health checks that passed.")?,
            health_failures: make.counter("etcd_server_health_failures", "Health checks that failed.")?,
            checks: make.counters(
                "etcd_server_healthchecks_total",
                "Single checks of livez and readyz.",
                &["type", "name", "status"],
            )?,
            check: make.floats(
                "etcd_server_healthcheck",
                "The last result of each check of livez and readyz.",
                &["type", "name"],
            )?,
            requests: make.histograms(
                "etcd_server_request_duration_seconds",
                "Time from a request's arrival at the member to its answer.",
                &twice(0.0001, 20)?,
                &["type", "success"],
            )?,
            ranges: make.histograms(
                "etcd_server_range_duration_seconds",
                "Time that ranges took.",
                &twice(0.0001, 20)?,
                &["success"],
            )?,
            auth_revision: make.float("etcd_debugging_auth_revision", "The revision of users and roles.")?,
            alarms: make.floats(
                "etcd_debugging_server_alarms",
                "1 for each alarm that stands: the member, in hexadecimal, and the kind.",
                &["server_id", "alarm_type"],
            )?,
            features: make.floats(
                "etcd_server_feature_enabled",
                "1 if the feature is on.",
                &["name", "stage"],
            )?,
        })
    }

    /// Once, when the member knows who it is.
    pub(crate) fn started(&self, member_id: u64, quota: Option<i64>, checkpoints: bool) {
        self.version.with_label_values(&[crate::VERSION]).set(1.0);
        self.id.with_label_values(&[&format!("{member_id:x}")]).set(1.0);
        self.quota.set(quota.map_or(0.0, |bytes| float(bytes as u64)));
        let on = |enabled: bool| f64::from(u8::from(enabled));
        self.features
            .with_label_values(&["LeaseCheckpoint", "ALPHA"])
            .set(on(checkpoints));
        self.features
            .with_label_values(&["FastLeaseKeepAlive", "BETA"])
            .set(1.0);
    }

    pub(crate) fn request(&self, kind: &str, ok: bool, took: Duration) {
        let success = if ok { "true" } else { "false" };
        self.requests
            .with_label_values(&[kind, success])
            .observe(took.as_secs_f64());
        if kind == "Range" {
            self.ranges.with_label_values(&[success]).observe(took.as_secs_f64());
        }
    }

    pub(crate) fn checked(&self, kind: &str, name: &str, ok: bool) {
        self.checks
            .with_label_values(&[kind, name, if ok { "success" } else { "error" }])
            .inc();
        self.check.with_label_values(&[kind, name]).set(f64::from(u8::from(ok)));
    }

    pub(super) fn refresh(&self, member: &Member) {
        let flag = |on: bool| f64::from(u8::from(on));
        self.has_leader.set(flag(member.has_leader()));
        self.is_leader.set(flag(member.is_leader()));
        self.is_learner.set(flag(member.is_learner()));
        let status = member.consensus.look();
        self.committed.set(float(status.committed));
        self.applied.set(float(status.applied));
        let late = member.consensus.late_heartbeats();
        self.heartbeat_failures
            .inc_by(late.saturating_sub(self.heartbeat_failures.get()));
        let state = member.reader.state();
        self.auth_revision.set(float(state.auth.revision()));
        self.alarms.reset();
        for alarm in state.alarms.list(AlarmType::None) {
            let id = format!("{:x}", alarm.member_id);
            self.alarms
                .with_label_values(&[&id, alarm.alarm().as_str_name()])
                .set(1.0);
        }
    }
}
