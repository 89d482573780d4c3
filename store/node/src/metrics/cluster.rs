//! `etcd_cluster_version`: the version that every member speaks.

use parking_lot::Mutex;
use prometheus::GaugeVec;

use super::Make;
use crate::Member;

pub(crate) struct Cluster {
    version: GaugeVec,
    shown: Mutex<Option<String>>,
}

impl Cluster {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            version: make.floats(
                "etcd_cluster_version",
                "1 for the version that the cluster runs.",
                &["cluster_version"],
            )?,
            shown: Mutex::new(None),
        })
    }

    pub(super) fn refresh(&self, member: &Member) {
        let now = member.reader.state().cluster_version.as_deref().map(minor);
        let mut shown = self.shown.lock();
        if *shown == now {
            return;
        }
        if let Some(old) = shown.as_deref() {
            self.version.with_label_values(&[old]).set(0.0);
        }
        if let Some(new) = now.as_deref() {
            self.version.with_label_values(&[new]).set(1.0);
        }
        *shown = now;
    }
}

/// Upstream shows major and minor only.
fn minor(version: &str) -> String {
    version.splitn(3, '.').take(2).collect::<Vec<_>>().join(".")
}
