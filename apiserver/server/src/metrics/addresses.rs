//! `kube_apiserver_clusterip_allocator_*` and `kube_apiserver_nodeport_allocator_*`: what services were given.

use std::time::Duration;

use prometheus::{DEFAULT_BUCKETS, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec};

use super::Make;

/// The addresses and the ports of services. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Addresses {
    ips: IntCounterVec,
    ip_errors: IntCounterVec,
    ip_seconds: HistogramVec,
    ips_taken: IntGaugeVec,
    ips_left: IntGaugeVec,
    ports: IntCounterVec,
    port_errors: IntCounterVec,
    ports_taken: IntGauge,
    ports_left: IntGauge,
}

/// How something was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// A certain one.
    This,
    /// Any.
    Any,
}

impl Wanted {
    const fn as_str(self) -> &'static str {
        match self {
            Self::This => "static",
            Self::Any => "dynamic",
        }
    }
}

impl Addresses {
    pub(super) fn new(make: &Make<'_>) -> prometheus::Result<Self> {
        let ip = |name: &str| format!("kube_apiserver_clusterip_allocator_{name}");
        let port = |name: &str| format!("kube_apiserver_nodeport_allocator_{name}");
        let both = ["cidr", "scope"];
        Ok(Self {
            ips: make.counters(
                &ip("allocation_total"),
                "[ALPHA] Addresses that were given to services, by network and whether certain ones were asked for.",
                &both,
            )?,
            ip_errors: make.counters(
                &ip("allocation_errors_total"),
                "[ALPHA] Addresses that could not be given to services.",
                &both,
            )?,
            ip_seconds: make.histograms(
                &ip("allocation_duration_seconds"),
                "[ALPHA] How long it took to give an address to a service.",
                DEFAULT_BUCKETS,
                &["cidr"],
            )?,
            ips_taken: make.gauges(
                &ip("allocated_ips"),
                "[ALPHA] Addresses of a network that services have.",
                &["cidr"],
            )?,
            ips_left: make.gauges(
                &ip("available_ips"),
                "[ALPHA] Addresses of a network that services may still get.",
                &["cidr"],
            )?,
            ports: make.counters(
                &port("allocation_total"),
                "[ALPHA] Ports of nodes that were given to services, by whether certain ones were asked for.",
                &["scope"],
            )?,
            port_errors: make.counters(
                &port("allocation_errors_total"),
                "[ALPHA] Ports of nodes that could not be given to services.",
                &["scope"],
            )?,
            ports_taken: make.gauge(&port("allocated_ports"), "[ALPHA] Ports of nodes that services have.")?,
            ports_left: make.gauge(
                &port("available_ports"),
                "[ALPHA] Ports of nodes that services may still get.",
            )?,
        })
    }

    /// An address of a network was given, in this time.
    pub(crate) fn gave_ip(&self, network: &str, wanted: Wanted, took: Duration) {
        self.ips.with_label_values(&[network, wanted.as_str()]).inc();
        self.ip_seconds
            .with_label_values(&[network])
            .observe(took.as_secs_f64());
    }

    /// An address of a network was asked for and not given.
    pub(crate) fn refused_ip(&self, network: &str, wanted: Wanted) {
        self.ip_errors.with_label_values(&[network, wanted.as_str()]).inc();
    }

    /// A port was asked for.
    pub(crate) fn port(&self, wanted: Wanted, given: bool) {
        let counter = if given { &self.ports } else { &self.port_errors };
        counter.with_label_values(&[wanted.as_str()]).inc();
    }

    /// So many addresses of a network are taken, of so many in all.
    pub(crate) fn set_ips(&self, network: &str, taken: usize, all: u64) {
        let taken = taken as u64;
        let shown = |count: u64| i64::try_from(count).unwrap_or(i64::MAX);
        self.ips_taken.with_label_values(&[network]).set(shown(taken));
        self.ips_left
            .with_label_values(&[network])
            .set(shown(all.saturating_sub(taken)));
    }

    /// So many ports are taken, of so many in all.
    pub(crate) fn set_ports(&self, taken: usize, all: usize) {
        self.ports_taken.set(taken as i64);
        self.ports_left.set(all.saturating_sub(taken) as i64);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Wanted;
    use crate::metrics::tests::Trial;

    #[test]
    fn what_services_get_is_told_by_network_and_how_it_was_asked_for() {
        let trial = Trial::new();
        let addresses = &trial.metrics.addresses;
        addresses.gave_ip("10.0.0.0/24", Wanted::Any, Duration::from_millis(30));
        addresses.refused_ip("10.0.0.0/24", Wanted::This);
        addresses.set_ips("10.0.0.0/24", 3, 254);
        addresses.port(Wanted::This, true);
        addresses.port(Wanted::Any, false);
        addresses.set_ports(1, 2768);
        trial.shows(&[
            r#"kube_apiserver_clusterip_allocator_allocation_total{cidr="10.0.0.0/24",scope="dynamic"} 1"#,
            r#"kube_apiserver_clusterip_allocator_allocation_errors_total{cidr="10.0.0.0/24",scope="static"} 1"#,
            r#"kube_apiserver_clusterip_allocator_allocation_duration_seconds_bucket{cidr="10.0.0.0/24",le="0.025"} 0"#,
            r#"kube_apiserver_clusterip_allocator_allocation_duration_seconds_bucket{cidr="10.0.0.0/24",le="0.05"} 1"#,
            r#"kube_apiserver_clusterip_allocator_allocated_ips{cidr="10.0.0.0/24"} 3"#,
            r#"kube_apiserver_clusterip_allocator_available_ips{cidr="10.0.0.0/24"} 251"#,
            r#"kube_apiserver_nodeport_allocator_allocation_total{scope="static"} 1"#,
            r#"kube_apiserver_nodeport_allocator_allocation_errors_total{scope="dynamic"} 1"#,
            "kube_apiserver_nodeport_allocator_allocated_ports 1",
            "kube_apiserver_nodeport_allocator_available_ports 2767",
        ]);
    }
}
