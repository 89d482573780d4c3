//! Flags about services, nodes, and what is called in clients' names.

use base::flags::pflag::{Flag, Kind};

use super::{later, retired, row};

const COORDINATED: &str = "leaders are not chosen by the apiserver yet; leave the flag out";
const PEERS: &str = "requests are not passed on to other apiservers yet; leave the flag out";

pub(super) const ROWS: &[Flag] = &[
    row(
        "aggregator-reject-forwarding-redirect",
        Kind::Bool,
        "true",
        "Do not pass redirections of aggregated apiservers on to clients.",
    ),
    row(
        "allow-privileged",
        Kind::Bool,
        "false",
        "Let pods have privileged containers.",
    ),
    retired(
        row(
            "apiserver-count",
            Kind::Int,
            "1",
            "How many apiservers the endpoint reconciler master-count expects.",
        ),
        "apiserver-count is deprecated and will be removed in a future version.",
    ),
    later(
        row(
            "coordinated-leadership-lease-duration",
            Kind::Duration,
            "15s",
            "For how long a leader chosen by the apiserver leads.",
        ),
        COORDINATED,
    ),
    later(
        row(
            "coordinated-leadership-renew-deadline",
            Kind::Duration,
            "10s",
            "Within which time such a leader must renew its lease.",
        ),
        COORDINATED,
    ),
    later(
        row(
            "coordinated-leadership-retry-period",
            Kind::Duration,
            "2s",
            "How often such a leader tries to renew its lease.",
        ),
        COORDINATED,
    ),
    row(
        "enable-aggregator-routing",
        Kind::Bool,
        "false",
        "Call aggregated apiservers and webhooks at the addresses of their endpoints, not at their service's.",
    ),
    Flag {
        deprecated: "Log handler functionality is deprecated",
        ..later(
            row(
                "enable-logs-handler",
                Kind::Bool,
                "false",
                "Serve the folder of logs at /logs.",
            ),
            "there is no folder of logs to serve; leave the flag out",
        )
    },
    row(
        "endpoint-reconciler-type",
        Kind::Text,
        "lease",
        "How the service kubernetes learns its endpoints: lease, none or, on its way out, master-count.",
    ),
    row("event-ttl", Kind::Duration, "1h0m0s", "For how long events are kept."),
    row(
        "kubelet-certificate-authority",
        Kind::Text,
        "",
        "File with the authorities that kubelets' certificates may come from; without it they are not checked.",
    ),
    row(
        "kubelet-client-certificate",
        Kind::Text,
        "",
        "File with the certificate shown to kubelets.",
    ),
    row(
        "kubelet-client-key",
        Kind::Text,
        "",
        "File with the private key of --kubelet-client-certificate.",
    ),
    retired(
        row(
            "kubelet-port",
            Kind::Uint,
            "10250",
            "Port of kubelets whose node does not say one.",
        ),
        "kubelet-port is deprecated and will be removed.",
    ),
    row(
        "kubelet-preferred-address-types",
        Kind::Texts,
        "Hostname,InternalDNS,InternalIP,ExternalDNS,ExternalIP",
        "At which of a node's addresses its kubelet is called, the best first.",
    ),
    retired(
        row("kubelet-read-only-port", Kind::Uint, "10255", "Without effect."),
        "kubelet-read-only-port is deprecated and will be removed.",
    ),
    row(
        "kubelet-timeout",
        Kind::Duration,
        "5s",
        "How long a kubelet may take to answer.",
    ),
    row(
        "kubernetes-service-node-port",
        Kind::Int,
        "0",
        "Node port of the service kubernetes; 0 gives it a cluster IP only.",
    ),
    row(
        "max-connection-bytes-per-sec",
        Kind::Int,
        "0",
        "Most bytes a second of each request that lasts; 0 means no limit.",
    ),
    later(
        row(
            "peer-advertise-ip",
            Kind::Text,
            "",
            "Address at which other apiservers pass requests on to this one.",
        ),
        PEERS,
    ),
    later(
        row(
            "peer-advertise-port",
            Kind::Text,
            "",
            "Port at which other apiservers pass requests on to this one.",
        ),
        PEERS,
    ),
    later(
        row(
            "peer-ca-file",
            Kind::Text,
            "",
            "File with the authorities that other apiservers' certificates may come from.",
        ),
        PEERS,
    ),
    row(
        "proxy-client-cert-file",
        Kind::Text,
        "",
        "File with the certificate shown to aggregated apiservers and webhooks.",
    ),
    row(
        "proxy-client-key-file",
        Kind::Text,
        "",
        "File with the private key of --proxy-client-cert-file.",
    ),
    later(
        row(
            "service-account-signing-endpoint",
            Kind::Text,
            "",
            "Unix socket of a program that signs service accounts' tokens.",
        ),
        "tokens are signed by the apiserver itself; use --service-account-signing-key-file",
    ),
    row(
        "service-account-signing-key-file",
        Kind::Text,
        "",
        "File with the private key that signs service accounts' tokens.",
    ),
    row(
        "service-cluster-ip-range",
        Kind::Text,
        "",
        "Range of the services' cluster IPs as a CIDR, or two of both families; without it 10.0.0.0/24.",
    ),
    row(
        "service-node-port-range",
        Kind::Ports,
        "30000-32767",
        "Range of the services' node ports, both ends included.",
    ),
];
