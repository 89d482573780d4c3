//! The command line as a whole: what is answered before anything is understood, and in which order.

use super::*;

fn wish(line: &str) -> Result<Wish> {
    let args: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    super::wish(&args)
}

fn error(line: &str) -> String {
    let error = wish(line).unwrap_err();
    assert_eq!(error.code, 1, "{line}");
    error.text
}

fn printed(line: &str) -> String {
    match wish(line).unwrap() {
        Wish::Print(text) => text,
        Wish::Run(_) => panic!("{line}"),
    }
}

#[test]
fn the_help_has_upstreams_sections_in_its_order() {
    for line in [
        "--help",
        "-h",
        "--help some words --feature-gates=Foo=true",
        "--audit-log-path=/x -h",
    ] {
        let help = printed(line);
        let sections: Vec<&str> = help.lines().filter_map(|line| line.strip_suffix(" flags:")).collect();
        assert_eq!(
            sections,
            [
                "Generic",
                "Etcd",
                "Secure serving",
                "Auditing",
                "Features",
                "Authentication",
                "Authorization",
                "API enablement",
                "Egress selector",
                "Admission",
                "Metrics",
                "Logs",
                "Traces",
                "Misc",
                "Global",
            ]
        );
    }
    assert!(printed("-h").contains("\n  keelson apiserver [flags]\n"));
}

#[test]
fn a_line_that_cannot_be_read_wins_over_the_help() {
    assert_eq!(error("--help --foo"), "unknown flag: --foo");
    assert_eq!(error("-h --secure-port"), "flag needs an argument: --secure-port");
    assert_eq!(
        error("--help --version=v1.35.0"),
        "invalid argument \"v1.35.0\" for \"--version\" flag: version \"v1.35.0\" must match major/minor/patch of default \
         version \"v1.36.2\""
    );
}

#[test]
fn words_that_are_no_flags_are_refused_as_upstream_does() {
    assert_eq!(
        error("start --version now"),
        "\"kube-apiserver\" does not take any arguments, got [\"start\" \"now\"]"
    );
    // A boolean takes no next word.
    assert_eq!(
        error("--profiling false"),
        "\"kube-apiserver\" does not take any arguments, got [\"false\"]"
    );
}

#[test]
fn gates_are_read_before_the_version_is_printed_and_the_version_before_logs() {
    assert_eq!(
        error("--version --feature-gates=Foo=true"),
        "unrecognized feature gate: Foo"
    );
    assert_eq!(printed("--version --logging-format=xml"), "Kubernetes v1.36.2\n");
    assert!(printed("--version=raw").starts_with("version.Info{"));
    assert!(matches!(wish("--version=false"), Ok(Wish::Run(_))));
}

#[test]
fn only_this_version_can_be_played() {
    for good in [
        "--emulated-version=1.36",
        "--emulated-version=kube=v1.36 --min-compatibility-version=1.35",
        "--emulated-version=1.36.0",
    ] {
        assert!(wish(good).is_ok(), "{good}");
    }
    for (line, expected) in [
        (
            "--emulated-version=1.35",
            "--emulated-version=1.35 cannot be used: only 1.36 is offered; leave the flag out",
        ),
        (
            "--emulated-version=1.31",
            "emulation version 1.31 is not between [1.33, 1.36.0]",
        ),
        (
            "--emulated-version=1.37",
            "emulation version 1.37 is not between [1.33, 1.36.0]",
        ),
        (
            "--min-compatibility-version=1.36",
            "--min-compatibility-version=1.36 cannot be used: only 1.35 is offered; leave the flag out",
        ),
        (
            "--min-compatibility-version=1.2",
            "minCompatibilityVersion version 1.2 is not between [1.33, 1.36]",
        ),
        ("--emulated-version=wardle=1.2", "component not registered: wardle"),
        (
            "--emulated-version=1.36.2",
            "patch version not allowed, got: kube=1.36.2",
        ),
        ("--emulated-version=x", "could not parse \"x\" as version"),
        ("--emulated-version=1", "illegal version string \"1\""),
        (
            "--emulated-version=1.36,kube=1.35",
            "duplicate version flag, kube=1.36 and kube=1.35",
        ),
    ] {
        assert_eq!(error(line), expected);
    }
}

#[test]
fn logs_are_checked_before_all_else_and_by_themselves() {
    for (line, expected) in [
        (
            "--logging-format=xml",
            "format: Invalid value: \"xml\": Unsupported log format",
        ),
        (
            "--log-flush-frequency=0",
            "flushFrequency: Invalid value: \"0s\": Must be greater than zero",
        ),
        (
            "--log-text-split-stream --log-json-info-buffer-size=1Mi",
            "[options.text.splitStream: Forbidden: Feature LoggingAlphaOptions is disabled, options.json.infoBufferSize: \
             Forbidden: Feature LoggingAlphaOptions is disabled]",
        ),
    ] {
        assert_eq!(error(line), expected);
    }
    let Ok(Wish::Run(order)) = wish("--logging-format=json -v4") else {
        panic!()
    };
    let options = order.logging.options();
    assert_eq!(
        (options.level, options.format),
        (base::telemetry::Level::Debug, base::telemetry::Format::Json)
    );
}

#[test]
fn deprecated_flags_are_told_and_underscores_are_dashes() {
    let Ok(Wish::Run(order)) = wish("--admission_control=LimitRanger --default-watch-cache-size=5") else {
        panic!()
    };
    assert_eq!(
        order.parsed.notes,
        [
            "Flag --admission-control has been deprecated, Use --enable-admission-plugins or --disable-admission-plugins \
             instead. Will be removed in a future version.",
            "Flag --default-watch-cache-size has been deprecated, watch caches are sized automatically and this flag will \
             be removed in a future version",
        ]
    );
}

#[test]
fn what_gates_and_flags_ask_the_operator_to_know_comes_together() {
    let line = "--feature-gates=NodeSwap=true --etcd-servers=http://e:2379 --service-account-issuer=i \
                --service-account-key-file=k --service-account-signing-key-file=k --authorization-mode=RBAC";
    let Ok(Wish::Run(order)) = wish(line) else { panic!() };
    let (settings, notes) = understand(*order, &|_| "10.0.0.9".parse().ok()).unwrap();
    assert_eq!(settings.generic.external_hostname, "10.0.0.9");
    assert!(
        notes[0].contains("NodeSwap") && notes[1].starts_with("No CIDR for service cluster IPs"),
        "{notes:?}"
    );
    assert_eq!(notes.len(), 2);
}
