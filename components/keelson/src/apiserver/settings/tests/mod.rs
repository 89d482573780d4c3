//! Flags understood: each has an effect, and each mistake its text.

use std::collections::BTreeMap;

use base::flags::pflag::{Flag, Kind};

use super::services::Reconciler;
use super::*;

mod rules;

/// What upstream cannot do without, and a service range so that nothing is noted.
const LEAST: &[&str] = &[
    "--etcd-servers=http://e1:2379,http://e2:2379",
    "--service-account-issuer=https://issuer.example",
    "--service-account-key-file=/sa.pub",
    "--service-account-signing-key-file=/sa.key",
    "--service-cluster-ip-range=10.96.0.0/16",
    "--authorization-mode=Node,RBAC",
    "--advertise-address=10.0.0.5",
];

fn understand(args: &[String]) -> Result<(Settings, Vec<String>), String> {
    let parsed = TABLE.parse(args).unwrap();
    let gates = Gates::default();
    Settings::new(&parsed, gates, "v1.36.2".to_owned(), &|_| None).map_err(|errors| aggregate(&errors))
}

/// [`LEAST`] and more, which wins where it says the same.
fn with(more: &[&str]) -> Result<(Settings, Vec<String>), String> {
    let name = |arg: &str| arg.split('=').next().unwrap().to_owned();
    let least = LEAST
        .iter()
        .filter(|arg| !more.iter().any(|other| name(other) == name(arg)));
    let args: Vec<String> = least.chain(more).map(|arg| (*arg).to_owned()).collect();
    understand(&args)
}

fn settings(more: &[&str]) -> Settings {
    with(more).unwrap().0
}

fn error(more: &[&str]) -> String {
    with(more).unwrap_err()
}

#[test]
fn upstreams_defaults_hold() {
    let (settings, notes) = with(&[]).unwrap();
    assert!(notes.is_empty(), "{notes:?}");
    let Settings {
        generic, etcd, serving, ..
    } = &settings;
    assert_eq!(etcd.servers, ["http://e1:2379", "http://e2:2379"]);
    assert_eq!(
        (etcd.prefix.as_str(), etcd.compaction_interval),
        ("/registry", Duration::from_secs(300))
    );
    assert_eq!(
        (serving.bind_address.to_string(), serving.port),
        ("0.0.0.0".to_owned(), 6443)
    );
    assert_eq!(generic.external_hostname, "10.0.0.5");
    assert_eq!(
        (generic.max_requests_in_flight, generic.max_mutating_requests_in_flight),
        (400, 200)
    );
    assert_eq!(generic.min_request_timeout, Duration::from_secs(1800));
    assert_eq!(settings.authorization, [Mode::Node, Mode::Rbac]);
    assert!(settings.authentication.anonymous);
    assert_eq!(settings.authentication.audiences, ["https://issuer.example"]);
    assert_eq!(settings.admission.plugins.len(), 27);
    assert_eq!(settings.services.kubernetes_ip.to_string(), "10.96.0.1");
    assert_eq!(settings.services.reconciler, Reconciler::Lease);
    assert_eq!(settings.kubelets.address_types[..2], ["Hostname", "InternalDNS"]);
    assert_eq!(
        (settings.kubelets.port, settings.event_ttl),
        (10_250, Duration::from_secs(3600))
    );
}

/// A value of `row` that is right and not the default.
fn other(row: &Flag) -> String {
    let own = match row.name {
        "cors-allowed-origins" => "//a.example$",
        "goaway-chance" => "0.01",
        "strict-transport-security-directives" => "max-age=1,preload",
        "watch-cache-sizes" => "deployments.apps#0",
        "etcd-servers-overrides" => "/events#http://e3:2379;http://e4:2379",
        "show-hidden-metrics-for-version" => "1.35",
        "tls-cipher-suites" => "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
        "tls-curve-preferences" => "29,23",
        "tls-min-version" => "VersionTLS13",
        "tls-sni-cert-key" => "a.crt,a.key:a.example",
        "authorization-mode" => "RBAC",
        "service-cluster-ip-range" => "10.96.0.0/16,fd00::/108",
        "kubernetes-service-node-port" => "30001",
        "endpoint-reconciler-type" => "none",
        "runtime-config" => "apps/v1/deployments=false",
        "enable-admission-plugins" => "AlwaysDeny",
        "disable-admission-plugins" => "ServiceAccount",
        "admission-control" => "LimitRanger",
        "logging-format" => "json",
        "service-account-jwks-uri" => "https://keys.example",
        "service-account-max-token-expiration" => "2h",
        "requestheader-uid-headers" => "X-Remote-Uid",
        "allow-metric-labels" => "m,l='a,b'",
        _ => "",
    };
    if !own.is_empty() {
        return own.to_owned();
    }
    match row.kind {
        Kind::Bool => (row.default != "true").to_string(),
        Kind::Duration => "7s".to_owned(),
        Kind::Ip => "10.1.2.3".to_owned(),
        Kind::Ports => "30000-31000".to_owned(),
        Kind::Claims | Kind::Patterns => "a=1".to_owned(),
        Kind::Text | Kind::Texts | Kind::Array => "other".to_owned(),
        _ => "7".to_owned(),
    }
}

#[test]
fn every_flag_has_an_effect() {
    let unchanged = settings(&[]);
    // These are read before, say what is so anyway, or need others; each has a test of its own.
    let elsewhere = [
        "help",
        "version",
        "feature-gates",
        "emulated-version",
        "min-compatibility-version",
        "emulation-forward-compatible",
        "runtime-config-emulation-forward-compatible",
        "log-json-info-buffer-size",
        "log-json-split-stream",
        "log-text-info-buffer-size",
        "log-text-split-stream",
        "storage-backend",
        "storage-media-type",
        "authorization-policy-file",
        "allow-metric-labels-manifest",
        "kubelet-read-only-port",
        // Upstream does not look at it any more either.
        "default-watch-cache-size",
    ];
    for row in TABLE.rows().filter(|row| !elsewhere.contains(&row.name)) {
        let arg = format!("--{}={}", row.name, other(row));
        let changed = with(&[arg.as_str()]);
        match changed {
            Ok((mut changed, _)) => {
                // What is shown of flags is no effect.
                changed.flags.clone_from(&unchanged.flags);
                assert!(row.later.is_empty() && changed != unchanged, "{arg}");
            }
            Err(error) => assert!(
                !row.later.is_empty() && error.contains("cannot be used: "),
                "{arg}: {error}"
            ),
        }
    }
}

#[test]
fn flags_of_later_are_refused_with_what_to_do_instead() {
    for (arg, expected) in [
        (
            "--audit-log-path=-",
            "--audit-log-path=- cannot be used: requests are not audited yet; leave the flag out",
        ),
        (
            "--oidc-issuer-url=https://i",
            "--oidc-issuer-url=https://i cannot be used: OpenID Connect is not offered yet; leave the flag out",
        ),
        (
            "--encryption-provider-config=/e",
            "--encryption-provider-config=/e cannot be used: objects are not encrypted at rest yet; leave the flag out",
        ),
        (
            "--vmodule=a=1",
            "--vmodule=a=1 cannot be used: there are no Go source files here; use --v",
        ),
    ] {
        assert_eq!(error(&[arg]), expected);
    }
    assert!(
        with(&[
            "--audit-log-maxage=366",
            "--oidc-username-claim=sub",
            "--oidc-signing-algs=RS256"
        ])
        .is_ok()
    );
}

#[test]
fn all_that_is_wrong_is_told_together_in_upstreams_order() {
    let args = [
        "--secure-port=0",
        "--audit-policy-file=/p",
        "--goaway-chance=1",
        "--advertise-address=10.0.0.5",
    ];
    let args: Vec<String> = args.map(str::to_owned).to_vec();
    assert_eq!(
        understand(&args).unwrap_err(),
        "[--audit-policy-file=/p cannot be used: requests are not audited yet; leave the flag out, --goaway-chance can not \
         be less than 0 or greater than 0.02, --etcd-servers must be specified, --secure-port 0 must be between 1 and 65535, \
         inclusive. It cannot be turned off with 0, service-account-issuer is a required flag, either \
         `--service-account-key-file` or `--service-account-signing-endpoint` must be set, \
         --service-account-signing-key-file and --service-account-issuer are required flags]"
    );
    let twice = ["a".to_owned(), "b".to_owned(), "a".to_owned()];
    assert_eq!(
        (aggregate(&twice), aggregate(&twice[..1])),
        ("[a, b]".to_owned(), "a".to_owned())
    );
}

#[test]
fn what_must_be_completed_comes_first_and_alone() {
    for (args, expected) in [
        (
            &["--service-cluster-ip-range=x", "--secure-port=0"][..],
            "service-cluster-ip-range[0] is not a valid cidr",
        ),
        (
            &["--service-cluster-ip-range=10.0.0.0/16,x"],
            "service-cluster-ip-range[1] is not an ip net",
        ),
        (
            &["--service-cluster-ip-range=10.0.0.0/30"],
            "error determining service IP ranges for primary service cidr: the service cluster IP range must be at least 8 \
             IP addresses",
        ),
        (
            &["--advertise-address=0.0.0.0"],
            "Unable to find suitable network address.error='no default routes found in \"/proc/net/route\" or \
             \"/proc/net/ipv6_route\"'. Try to set the AdvertiseAddress directly or provide a valid BindAddress to fix \
             this.",
        ),
        (
            &["--service-account-max-token-expiration=30m"],
            "the service-account-max-token-expiration must be between 1 hour and 2^32 seconds",
        ),
        (
            &["--service-account-max-token-expiration=-2h"],
            "the service-account-max-token-expiration must be between 1 hour and 2^32 seconds",
        ),
        (&["--watch-cache-sizes=pods"], "invalid value of watch cache size: pods"),
        (
            &["--watch-cache-sizes=pods#many"],
            "invalid size of watch cache size: pods#many",
        ),
        (
            &["--watch-cache-sizes=pods#-1"],
            "watch cache size cannot be negative: pods#-1",
        ),
    ] {
        assert_eq!(error(args), expected);
    }
    assert!(with(&["--watch-cache=false", "--watch-cache-sizes=pods"]).is_ok());
}

#[test]
fn requests_and_the_end_have_their_limits() {
    for (args, expected) in [
        (
            &["--livez-grace-period=-1s"][..],
            "--livez-grace-period can not be a negative value",
        ),
        (
            &["--max-requests-inflight=-1"],
            "--max-requests-inflight can not be negative value",
        ),
        (
            &["--max-mutating-requests-inflight=-1"],
            "--max-mutating-requests-inflight can not be negative value",
        ),
        (
            &["--request-timeout=-1s"],
            "--request-timeout can not be negative value",
        ),
        (
            &["--goaway-chance=0.021"],
            "--goaway-chance can not be less than 0 or greater than 0.02",
        ),
        (
            &["--min-request-timeout=-1"],
            "--min-request-timeout can not be negative value",
        ),
        (
            &["--storage-initialization-timeout=-1s"],
            "--storage-initialization-timeout can not be negative value",
        ),
        (
            &["--shutdown-delay-duration=-1s"],
            "--shutdown-delay-duration can not be negative value",
        ),
        (
            &["--shutdown-watch-termination-grace-period=-1s"],
            "shutdown-watch-termination-grace-period, if provided, can not be a negative value",
        ),
        (
            &["--strict-transport-security-directives=preload, "],
            "empty value in strict-transport-security-directives",
        ),
        (
            &["--strict-transport-security-directives=max-age"],
            "--strict-transport-security-directives invalid, allowed values: max-age=expireTime, includeSubDomains, preload. \
             see https://tools.ietf.org/html/rfc6797#section-6.1 for more information",
        ),
        (
            &[
                "--emulation-forward-compatible",
                "--runtime-config-emulation-forward-compatible",
            ],
            "[ServerRunOptions.EmulationForwardCompatible cannot be set to true if the emulation version is the same as the \
             binary version, ServerRunOptions.RuntimeConfigEmulationForwardCompatible cannot be set to true if the emulation \
             version is the same as the binary version]",
        ),
        (
            &["--max-requests-inflight=0", "--max-mutating-requests-inflight=0"],
            "invalid configuration: MaxRequestsInFlight=0 and MaxMutatingRequestsInFlight=0; they must add up to something \
             positive",
        ),
    ] {
        assert_eq!(error(args), expected);
    }
    let unlimited = ["--max-requests-inflight=0", "--max-mutating-requests-inflight=0"];
    assert!(with(&[&unlimited[..], &["--enable-priority-and-fairness=false"]].concat()).is_ok());
}

#[test]
fn origins_are_expressions_that_are_tied_to_both_ends_of_the_host() {
    assert!(with(&["--cors-allowed-origins=//a\\.example(:|$),^https://b\\.example$"]).is_ok());
    let untied = error(&["--cors-allowed-origins=a.example"]);
    let expected = "--cors-allowed-origins has an invalid regular expression: regular expression does not pin to start/end of \
                    host in the origin header, help: ";
    assert!(untied.starts_with(expected), "{untied}");
    let broken = error(&["--cors-allowed-origins=//a($"]);
    let expected =
        "--cors-allowed-origins has an invalid regular expression: error parsing regexp: unclosed group, help: ";
    assert!(broken.starts_with(expected), "{broken}");
    let empty = error(&["--cors-allowed-origins=//a$,"]);
    assert!(
        empty.starts_with("empty value in --cors-allowed-origins, help: "),
        "{empty}"
    );
}
