//! Flags understood: each has an effect, and each mistake its text.

use std::collections::BTreeMap;

use base::flags::pflag::{Flag, Kind};

use super::services::Reconciler;
use super::*;

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

#[test]
fn the_store_has_its_rules() {
    const OVERRIDES: &str = "--etcd-servers-overrides invalid, must be of format: group/resource#servers, where servers are \
                             URLs, semicolon separated";
    for (arg, expected) in [
        (
            "--storage-backend=etcd2",
            "--storage-backend invalid, allowed values: etcd3. If not specified, it will default to 'etcd3'",
        ),
        (
            "--storage-media-type=text/plain",
            "--storage-media-type \"text/plain\" invalid, allowed values: application/json, \
             application/vnd.kubernetes.protobuf, application/yaml",
        ),
        (
            "--storage-media-type=application/yaml",
            "--storage-media-type=application/yaml cannot be used: objects are stored as JSON; leave the flag out",
        ),
        ("--etcd-servers-overrides=pods#http://e", OVERRIDES),
        ("--etcd-servers-overrides=/pods", OVERRIDES),
        ("--etcd-servers-overrides=/pods#http://e;", OVERRIDES),
        ("--etcd-servers=", "--etcd-servers must be specified"),
    ] {
        assert_eq!(error(&[arg]), expected);
    }
    let said = settings(&["--storage-backend=etcd3", "--storage-media-type=application/json"]);
    assert_eq!(said.etcd, settings(&[]).etcd);
    let sizes = |args: &[&str]| settings(args).flags["watch-cache-sizes"].clone();
    assert_eq!(sizes(&["--watch-cache=false", "--watch-cache-sizes=x"]), "[x]");
    let given = sizes(&[
        "--watch-cache-sizes=pods#0,deployments.apps#5",
        "--watch-cache-sizes=events#7",
    ]);
    assert_eq!(given, "[deployments.apps#5,events#7,events.events.k8s.io#0,pods#0]");
    let overrides = settings(&["--etcd-servers-overrides=apps/deployments#http://a;http://b"])
        .etcd
        .overrides;
    assert_eq!(
        (overrides[0].group.as_str(), overrides[0].resource.as_str()),
        ("apps", "deployments")
    );
    assert_eq!(overrides[0].servers, ["http://a", "http://b"]);
}

#[test]
fn the_port_and_its_tls_have_their_rules() {
    for (arg, expected) in [
        (
            "--secure-port=70000",
            "--secure-port 70000 must be between 1 and 65535, inclusive. It cannot be turned off with 0",
        ),
        ("--tls-min-version=TLS1.2", "unknown tls version \"TLS1.2\""),
        (
            "--tls-cipher-suites=TLS_RSA_WITH_RC4_128_SHA",
            "Cipher suite TLS_RSA_WITH_RC4_128_SHA not supported or doesn't exist",
        ),
        (
            "--tls-curve-preferences=0",
            "curve preference 0 is out of range (must be 1-65535)",
        ),
        ("--tls-curve-preferences=23,23", "duplicate curve preference 23"),
        (
            "--tls-curve-preferences=25",
            "curve preference 25 is not supported; use 23 (P-256), 24 (P-384) or 29 (X25519)",
        ),
    ] {
        assert_eq!(error(&[arg]), expected);
    }
    let (_, notes) = with(&["--tls-min-version=VersionTLS10"]).unwrap();
    assert_eq!(
        notes,
        ["--tls-min-version=VersionTLS10: TLS 1.2 is the oldest version that is spoken here"]
    );
    let suite = "--tls-cipher-suites=TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    let (settings, notes) = with(&["--tls-min-version=VersionTLS13", suite]).unwrap();
    assert!(settings.serving.cipher_suites.is_empty() && notes.len() == 1);
}

#[test]
fn issuers_and_keys_of_tokens_have_their_rules() {
    for (args, expected) in [
        (
            &["--service-account-issuer=http://a:b"][..],
            "service-account-issuer \"http://a:b\" contained a ':' but was not a valid URL: parse \"http://a:b\": invalid \
             port \":b\" after host",
        ),
        (
            &["--service-account-issuer=a", "--service-account-issuer=a"],
            "service-account-issuer \"a\" is already specified",
        ),
        (
            &["--service-account-issuer=a", "--service-account-issuer="],
            "service-account-issuer should not be an empty string",
        ),
        (
            &["--service-account-jwks-uri=http://keys"],
            "service-account-jwks-uri requires https scheme, parsed as: http://keys",
        ),
        (
            &["--service-account-jwks-uri=:"],
            "service-account-jwks-uri must be a valid URL: parse \":\": missing protocol scheme",
        ),
        (
            &["--service-account-signing-key-file="],
            "--service-account-signing-key-file, --service-account-issuer, and --api-audiences should be specified together",
        ),
    ] {
        assert_eq!(error(args), expected);
    }
    let (_, notes) = with(&["--service-account-max-token-expiration=1h"]).unwrap();
    assert!(
        notes[0].ends_with("must be set longer than 3607 seconds (currently 1h0m0s)"),
        "{notes:?}"
    );
    assert!(
        notes[1].ends_with("is longer than service-account-max-token-expiration set to 1h0m0s"),
        "{notes:?}"
    );
}

#[test]
fn proxies_have_their_rules() {
    for (arg, expected) in [
        (
            "--requestheader-username-headers=X-Remote-User, ",
            "empty value in \"requestheader-username-headers\"",
        ),
        (
            "--requestheader-uid-headers=X-Uid",
            "--requestheader-uid-headers is set without specifying the standard X-Remote-Uid header - API aggregation will \
             not work",
        ),
    ] {
        assert_eq!(error(&[arg]), expected);
    }
    let (_, notes) = with(&["--requestheader-group-headers=X-Group"]).unwrap();
    let expected = "--requestheader-group-headers is set without specifying the standard X-Remote-Group header - API \
                    aggregation will not work";
    assert_eq!(notes, [expected]);
    let mut off = Gates::default();
    off.on.insert("RemoteRequestHeaderUID", false);
    let args: Vec<String> = LEAST
        .iter()
        .chain(&["--requestheader-uid-headers=X-Remote-Uid"])
        .map(|a| (*a).to_owned())
        .collect();
    let parsed = TABLE.parse(&args).unwrap();
    let errors = Settings::new(&parsed, off, String::new(), &|_| None).unwrap_err();
    let expected = "--requestheader-uid-headers requires the \"RemoteRequestHeaderUID\" feature to be enabled";
    assert_eq!(errors, [expected]);
}

#[test]
fn an_authority_of_clients_must_not_be_one_of_all_proxies_too() {
    let dir = tempfile::tempdir().unwrap();
    let block = |body: &str| format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n");
    let (clients, proxies) = (dir.path().join("clients"), dir.path().join("proxies"));
    std::fs::write(&clients, block("AAAA\nBBBB") + &block("CCCC")).unwrap();
    std::fs::write(&proxies, block("DDDD") + &block("AAAABBBB")).unwrap();
    let args = [
        format!("--client-ca-file={}", clients.display()),
        format!("--requestheader-client-ca-file={}", proxies.display()),
    ];
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    assert!(
        error(&args)
            .starts_with("--requestheader-client-ca-file and --client-ca-file contain overlapping certificates;")
    );
    assert!(with(&[&args[..], &["--requestheader-allowed-names=front"]].concat()).is_ok());
    std::fs::write(&proxies, block("DDDD")).unwrap();
    assert!(with(&args).is_ok());
}

#[test]
fn authorizers_have_their_rules() {
    for (args, expected) in [
        (
            &["--authorization-mode=RBAC,Magic"][..],
            "authorization-mode \"Magic\" is not a valid mode",
        ),
        (
            &["--authorization-mode=RBAC,Node,RBAC"],
            "authorization-mode [\"RBAC\" \"Node\" \"RBAC\"] has mode specified more than once",
        ),
        (
            &["--authorization-mode=ABAC"],
            "authorization-mode ABAC's authorization policy file not passed",
        ),
        (
            &["--authorization-mode=Webhook"],
            "authorization-mode Webhook's authorization config file not passed",
        ),
        (
            &["--authorization-policy-file=/p"],
            "cannot specify --authorization-policy-file without mode ABAC",
        ),
        (
            &["--authorization-webhook-config-file=/w"],
            "[--authorization-webhook-config-file=/w cannot be used: nobody else is asked for authorization yet; use \
             --authorization-mode with Node, RBAC or ABAC, cannot specify --authorization-webhook-config-file without mode \
             Webhook]",
        ),
    ] {
        assert_eq!(error(args), expected);
    }
    let abac = settings(&["--authorization-mode=ABAC", "--authorization-policy-file=/p"]);
    assert_eq!(
        (abac.authorization, abac.policy_file),
        (vec![Mode::Abac], Some("/p".into()))
    );
    let (open, notes) = with(&["--authorization-mode="]).unwrap();
    assert_eq!(
        (open.authorization, open.authentication.anonymous),
        (vec![Mode::AlwaysAllow], false)
    );
    assert!(
        notes[0].starts_with("AnonymousAuth is not allowed with the AlwaysAllow authorizer."),
        "{notes:?}"
    );
}

#[test]
fn admission_plugins_have_their_rules() {
    for (args, expected) in [
        (
            &["--enable-admission-plugins=Foo"][..],
            "enable-admission-plugins plugin \"Foo\" is unknown",
        ),
        (
            &["--disable-admission-plugins=Foo"],
            "disable-admission-plugins plugin \"Foo\" is unknown",
        ),
        (
            &["--admission-control=Foo"],
            "admission-control plugin \"Foo\" is unknown",
        ),
        (
            &[
                "--enable-admission-plugins=Priority,LimitRanger",
                "--disable-admission-plugins=LimitRanger,Priority",
            ],
            "[LimitRanger Priority] in enable-admission-plugins and disable-admission-plugins overlapped",
        ),
        (
            &["--admission-control=Priority", "--enable-admission-plugins=Priority"],
            "admission-control and enable-admission-plugins/disable-admission-plugins flags are mutually exclusive",
        ),
    ] {
        assert_eq!(error(args), expected);
    }
    assert_eq!(
        settings(&["--admission-control=Priority"]).admission.plugins,
        ["Priority"]
    );
}

#[test]
fn apis_are_switched_by_keys_that_upstream_knows() {
    for (args, expected) in [
        (
            &["--runtime-config=api/all=false", "--enable-priority-and-fairness=false"][..],
            "invalid runtime-config with only api/all=false",
        ),
        (
            &["--runtime-config=api/ga=false,apps/v1=true"],
            "--runtime-config=api/ga=false conflicts with --enable-priority-and-fairness=true",
        ),
        (&["--runtime-config=apps=true"], "runtime-config invalid key apps"),
        (
            &["--runtime-config=b.example/v1=true,a.example/v2=true"],
            "unknown api groups a.example/v2,b.example/v1",
        ),
        (
            &["--runtime-config=apps/v1=yes"],
            "invalid value of apps/v1: yes, err: strconv.ParseBool: parsing \"yes\": invalid syntax",
        ),
        (&["--runtime-config=api/beta=1"], "invalid value api/beta=1"),
    ] {
        assert_eq!(error(args), expected);
    }
    let config =
        settings(&["--runtime-config=v1=true,api/legacy=false,api/all=true,batch/v1=0,apps/v1"]).runtime_config;
    let expected = [("/v1", true), ("api/all", true), ("apps/v1", true), ("batch/v1", false)];
    assert_eq!(
        config,
        BTreeMap::from(expected.map(|(key, value)| (key.to_owned(), value)))
    );
    // Where its own API is served, what others switch off does not matter.
    assert!(with(&["--runtime-config=flowcontrol.apiserver.k8s.io/v1=true,api/ga=false"]).is_ok());
}

#[test]
fn services_have_their_rules() {
    for (args, expected) in [
        (
            &["--service-cluster-ip-range=10.0.0.0/16,fd00::/108,10.1.0.0/16"][..],
            "--service-cluster-ip-range must not contain more than two entries",
        ),
        (
            &["--service-cluster-ip-range=10.0.0.0/16,10.1.0.0/16"],
            "--service-cluster-ip-range[0] and --service-cluster-ip-range[1] must be of different IP family",
        ),
        (
            &["--kubernetes-service-node-port=70000"],
            "[--kubernetes-service-node-port 70000 must be between 0 and 65535, inclusive. If 0, the Kubernetes master service \
             will be of type ClusterIP, kubernetes service node port range 30000-32767 doesn't contain 70000]",
        ),
        (
            &["--kubernetes-service-node-port=80"],
            "kubernetes service node port range 30000-32767 doesn't contain 80",
        ),
        (
            &["--service-cluster-ip-range=fd00::/108"],
            "service IP family \"fd00::/108\" must match public address family \"10.0.0.5\"",
        ),
        (
            &["--endpoint-reconciler-type=magic"],
            "endpoint reconciler not implemented: magic",
        ),
        (
            &["--apiserver-count=0"],
            "--apiserver-count should be a positive number, but value '0' provided",
        ),
    ] {
        assert_eq!(error(args), expected);
    }
    assert!(
        with(&[
            "--service-cluster-ip-range=fd00::/108",
            "--endpoint-reconciler-type=none"
        ])
        .is_ok()
    );
    let (settings, notes) = with(&["--service-cluster-ip-range="]).unwrap();
    assert_eq!(settings.services.ranges[0].to_string(), "10.0.0.0/24");
    assert!(
        notes[0].starts_with("No CIDR for service cluster IPs specified."),
        "{notes:?}"
    );
}

#[test]
fn metrics_have_their_rules() {
    for (args, expected) in [
        (
            &["--show-hidden-metrics-for-version=1.34"][..],
            "metrics.showHiddenMetricsForVersion: Invalid value: \"1.34\": must be omitted or have the value '1.35'; only the \
             previous minor version is allowed",
        ),
        (
            &["--disabled-metrics=a,b-c"],
            "metrics.disabledMetrics: Invalid value: [\"a\",\"b-c\"]: must be fully qualified metric names matching \
             \"^[a-zA-Z_:][a-zA-Z0-9_:]*$\", got \"b-c\"",
        ),
        (
            &["--allow-metric-labels=m=v"],
            "metrics.allowListMapping: Invalid value: {\"m\":\"v\"}: must have keys with format `metricName,labelName` where \
             metricName matches \"[a-zA-Z_:][a-zA-Z0-9_:]*\" and labelName matches \"[a-zA-Z_][a-zA-Z0-9_]*\"",
        ),
        (
            &["--allow-metric-labels-manifest=/no/such/file"],
            "metrics.allowListMappingManifest: Invalid value: \"/no/such/file\": failed to read allow list manifest: open \
             /no/such/file: no such file or directory",
        ),
    ] {
        assert_eq!(error(args), expected);
    }
}

#[test]
fn labels_of_metrics_may_come_from_a_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("labels.yaml");
    let arg = format!("--allow-metric-labels-manifest={}", file.display());
    std::fs::write(&file, "\"m,l\": \"a,b\"\n").unwrap();
    let allowed = settings(&[&arg]).metrics.allowed;
    let key = ("m".to_owned(), "l".to_owned());
    assert_eq!(allowed[&key], ["a", "b"]);
    assert_eq!(settings(&["--allow-metric-labels=m,l=a,b"]).metrics.allowed, allowed);
    let both = error(&[&arg, "--allow-metric-labels=m,l=a"]);
    let expected = format!(
        "metrics: Invalid value: {{\"allowListMapping\":{{\"m,l\":\"a\"}},\"allowListMappingManifest\":{:?}}}: cannot specify \
         both allowListMapping and allowListMappingManifest",
        file.display().to_string()
    );
    assert_eq!(both, expected);
    std::fs::write(&file, "m: a\n").unwrap();
    assert!(error(&[&arg]).contains("invalid allow list mapping in manifest: metrics.allowListMappingManifest:"));
    std::fs::write(&file, "- a\n").unwrap();
    assert!(error(&[&arg]).contains("failed to parse allow list manifest:"));
}

#[test]
fn the_address_to_advertise_is_the_first_that_others_can_reach() {
    let ip = |text: &str| text.parse::<IpAddr>().unwrap();
    let route = |v6: bool| Some(if v6 { ip("fd00::9") } else { ip("10.0.0.9") });
    let none = |_| None;
    for (given, bind, expected) in [
        (Some("10.0.0.1"), "10.0.0.2", "10.0.0.1"),
        (Some("0.0.0.0"), "10.0.0.2", "10.0.0.2"),
        (None, "0.0.0.0", "10.0.0.9"),
        (None, "127.0.0.1", "10.0.0.9"),
        (None, "::", "fd00::9"),
    ] {
        let advertised = host::advertised(given.map(ip), Some(ip(bind)), &route).unwrap();
        assert_eq!(advertised, ip(expected));
    }
    assert!(host::advertised(None, None, &none).is_err());
    let only_v6 = |v6: bool| v6.then(|| ip("fd00::9"));
    assert_eq!(host::advertised(None, None, &only_v6).unwrap(), ip("fd00::9"));
}
