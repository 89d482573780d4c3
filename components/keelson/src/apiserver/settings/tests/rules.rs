//! The rules of the flags of each part.

use super::*;

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
