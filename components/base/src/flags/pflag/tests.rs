//! Command lines, good and bad, and the help.

use super::*;
use crate::flags::go::span;

const TABLE: Table = Table {
    groups: &[
        Group {
            title: "Generic",
            rows: ROWS,
        },
        Group {
            title: "Switches",
            rows: &[row("gates", Kind::Lists, "", "Switches.")],
        },
        Group {
            title: "Logs",
            rows: &[Flag {
                short: Some('v'),
                ..row("v", Kind::Level, "0", "How much is logged.")
            }],
        },
        Group {
            title: "Global",
            rows: &[
                row("version", Kind::Version, "false", "Print the version."),
                Flag {
                    short: Some('h'),
                    ..row("help", Kind::Bool, "false", "Print this help.")
                },
            ],
        },
        Group {
            title: "Secret",
            rows: &[Flag {
                hidden: true,
                deprecated: "use --sizes",
                ..row("old-size", Kind::Int, "3", "Not told.")
            }],
        },
    ],
};

const ROWS: &[Flag] = &[
    row("etcd-prefix", Kind::Text, "/registry", "Where objects are kept."),
    row("profiling", Kind::Bool, "true", "Serve profiles."),
    row("address-types", Kind::Texts, "Hostname,InternalIP", "Where to call."),
    row("key-file", Kind::Array, "", "A file with keys."),
    row("timeout", Kind::Duration, "1m0s", "How long to wait."),
    row("sizes", Kind::Ints, "", "Numbers."),
    row("options", Kind::Options, "", "Pairs."),
    row("labels", Kind::Pairs, "", "Pairs with commas in them."),
    row("claim", Kind::Claims, "", "A pair."),
    row("sni", Kind::CertKeys, "", "Files."),
    row("ports", Kind::Ports, "30000-32767", "Ports."),
    row("address", Kind::Ip, "0.0.0.0", "Where to listen."),
    row("chance", Kind::Float, "0", "A share."),
    Flag {
        later: "nobody reads it",
        ..row("policy", Kind::Text, "", "A file.")
    },
];

const fn row(name: &'static str, kind: Kind, default: &'static str, help: &'static str) -> Flag {
    Flag {
        name,
        short: None,
        kind,
        default,
        help,
        more: None,
        later: "",
        deprecated: "",
        hidden: false,
    }
}

fn parse(line: &[&str]) -> Result<Parsed, String> {
    let args: Vec<String> = line.iter().map(|arg| (*arg).to_owned()).collect();
    TABLE.parse(&args).map_err(|error| error.to_string())
}

#[test]
fn values_stand_behind_an_equals_sign_or_as_the_next_word() {
    let parsed = parse(&[
        "--etcd-prefix=/a=b",
        "--timeout",
        "-5s",
        "--address",
        "::1",
        "--chance=.5",
    ])
    .unwrap();
    assert_eq!(parsed.text("etcd-prefix"), "/a=b");
    assert_eq!(parsed.span("timeout"), span("-5s").unwrap());
    assert_eq!(parsed.ip("address"), Some("::1".parse().unwrap()));
    assert!((parsed.float("chance") - 0.5).abs() < f64::EPSILON);
    let unset = parse(&[]).unwrap();
    assert_eq!(unset.text("etcd-prefix"), "/registry");
    assert_eq!(unset.ports("ports").to_string(), "30000-32767");
    assert!(!unset.is_given("timeout") && parsed.is_given("timeout"));
}

#[test]
fn booleans_take_no_next_word_and_words_may_stand_anywhere() {
    let parsed = parse(&["--profiling", "false", "-", "--profiling=F", "--", "--profiling"]).unwrap();
    assert!(!parsed.bool("profiling"));
    assert_eq!(parsed.rest, ["false", "-", "--profiling"]);
    assert!(parse(&["--help"]).unwrap().bool("help"));
}

#[test]
fn letters_stand_together_and_have_their_value_behind_them() {
    for line in [&["-hv4"][..], &["-h", "-v", "4"], &["-hv=4"], &["-h", "--v=4"]] {
        let parsed = parse(line).unwrap();
        assert!(parsed.bool("help") && parsed.int("v") == 4, "{line:?}");
    }
}

#[test]
fn underscores_are_dashes() {
    assert_eq!(parse(&["--etcd_prefix=/x"]).unwrap().text("etcd-prefix"), "/x");
    assert_eq!(parse(&["--no_such"]).unwrap_err(), "unknown flag: --no_such");
}

#[test]
fn the_first_value_of_a_list_takes_the_defaults_place_and_further_ones_are_added() {
    let parsed = parse(&[
        "--address-types=a,\"b,c\"",
        "--address-types",
        "d",
        "--key-file=x,y",
        "--key-file=z",
    ])
    .unwrap();
    assert_eq!(parsed.texts("address-types"), ["a", "b,c", "d"]);
    assert_eq!(parsed.texts("key-file"), ["x,y", "z"]);
    assert_eq!(parsed.given("key-file"), ["x,y", "z"]);
    assert_eq!(
        parse(&["--sizes=1,-2", "--sizes=0x3"]).unwrap().ints("sizes"),
        [1, -2, 3]
    );
    assert!(parse(&["--address-types="]).unwrap().texts("address-types").is_empty());
    assert_eq!(parse(&[]).unwrap().texts("address-types"), ["Hostname", "InternalIP"]);
}

#[test]
fn pairs_are_read_by_four_rules() {
    let pairs = |line: &[&str], name: &str| -> Vec<String> {
        let pairs = parse(line).unwrap().pairs(name);
        pairs.iter().map(|(key, value)| format!("{key}>{value}")).collect()
    };
    assert_eq!(
        pairs(&["--options=apps/v1= true ,api/all", "--options=a=b=c"], "options"),
        ["a>b=c", "api/all>", "apps/v1>true"]
    );
    assert_eq!(pairs(&["--claim=a=b,c=d", "--claim=e="], "claim"), ["a>b,c=d", "e>"]);
    assert_eq!(pairs(&["--labels=m,l=x,y"], "labels"), ["m,l>x,y"]);
    assert_eq!(pairs(&["--labels", "\"m,l=x,y\",n=z"], "labels"), ["m,l>x,y", "n>z"]);
    let lists = parse(&["--gates=a=true,kube:b=false", "--gates=c=true"])
        .unwrap()
        .lists("gates");
    assert_eq!(lists[""], ["a=true", "c=true"]);
    assert_eq!(lists["kube"], ["b=false"]);
}

#[test]
fn mistakes_are_told_in_pflags_words() {
    for (line, expected) in [
        (&["--foo"][..], "unknown flag: --foo"),
        (&["--foo=bar"], "unknown flag: --foo"),
        (&["-x4"], "unknown shorthand flag: 'x' in -x4"),
        (&["-hx"], "unknown shorthand flag: 'x' in -x"),
        (&["--etcd-prefix"], "flag needs an argument: --etcd-prefix"),
        (&["-v"], "flag needs an argument: 'v' in -v"),
        (&["---v"], "bad flag syntax: ---v"),
        (&["--=v"], "bad flag syntax: --=v"),
        (
            &["--timeout=5"],
            "invalid argument \"5\" for \"--timeout\" flag: time: missing unit in duration \"5\"",
        ),
        (
            &["-v", "much"],
            "invalid argument \"much\" for \"-v, --v\" flag: strconv.ParseUint: parsing \"much\": invalid syntax",
        ),
        (
            &["--profiling=maybe"],
            "invalid argument \"maybe\" for \"--profiling\" flag: strconv.ParseBool: parsing \"maybe\": invalid syntax",
        ),
        (
            &["--address=host"],
            "invalid argument \"host\" for \"--address\" flag: failed to parse IP: \"host\"",
        ),
        (
            &["--labels=a"],
            "invalid argument \"a\" for \"--labels\" flag: a must be formatted as key=value",
        ),
        (
            &["--claim=a"],
            "invalid argument \"a\" for \"--claim\" flag: malformed pair, expect string=string",
        ),
    ] {
        assert_eq!(parse(line).unwrap_err(), expected);
    }
}

#[test]
fn the_version_has_three_forms() {
    let version = |line: &[&str]| parse(line).unwrap().text("version").to_owned();
    assert_eq!(version(&["--version"]), "true");
    assert_eq!(version(&["--version=0"]), "false");
    assert_eq!(version(&["--version=raw"]), "raw");
    assert_eq!(version(&["--version=v1.2.3"]), "v1.2.3");
    assert!(parse(&["--version=x"]).unwrap_err().contains("strconv.ParseBool"));
}

#[test]
fn flags_on_their_way_out_are_told_at_each_use() {
    let parsed = parse(&["--old-size=4", "--old-size=5"]).unwrap();
    assert_eq!(parsed.int("old-size"), 5);
    assert_eq!(parsed.notes, ["Flag --old-size has been deprecated, use --sizes"; 2]);
}

#[test]
fn a_flag_of_later_takes_its_default_only() {
    let refused = |line: &[&str]| TABLE.refused(&parse(line).unwrap());
    assert!(refused(&[]).is_empty() && refused(&["--policy="]).is_empty());
    assert_eq!(
        refused(&["--policy=/p"]),
        ["--policy=/p cannot be used: nobody reads it"]
    );
}

#[test]
fn the_help_has_a_section_a_group_and_a_line_a_flag() {
    let help = TABLE.help(0);
    assert!(help.starts_with("\nGeneric flags:\n\n      --address ip "), "{help}");
    for (head, usage) in [
        ("address ip", "Where to listen. (default 0.0.0.0)"),
        (
            "address-types strings",
            "Where to call. (default [Hostname,InternalIP])",
        ),
        ("etcd-prefix string", "Where objects are kept. (default \"/registry\")"),
        ("options mapStringString", "Pairs."),
        ("policy string", "A file. (not here yet)"),
        ("profiling", "Serve profiles. (default true)"),
        ("sizes int32Slice", "Numbers. (default [])"),
    ] {
        let line = format!("\n      --{head:<23}   {usage}\n");
        assert!(help.contains(&line), "{line}{help}");
    }
    for section in [
        "\nLogs flags:\n\n  -v, --v Level   How much is logged.\n",
        "\nGlobal flags:\n\n  -h, --help                     Print this help.\n      --version version[=true]   Print the version.\n",
    ] {
        assert!(help.contains(section), "{section}{help}");
    }
    assert!(!help.contains("old-size") && !help.contains("Secret"));
}

#[test]
fn on_a_terminal_sentences_stand_under_their_flag_and_are_wrapped() {
    const LONG: Table = Table {
        groups: &[Group {
            title: "Long",
            rows: &[Flag {
                more: Some(|| "\nA second line of ten words that is cut in two too".to_owned()),
                ..row(
                    "x",
                    Kind::Bool,
                    "",
                    "A sentence that is longer than a narrow terminal is wide.",
                )
            }],
        }],
    };
    let expected = "\nLong flags:\n\n      --x\n                A sentence that is longer\n                than a narrow terminal is wide.\n                \
                    A second line of ten words\n                that is cut in two too\n";
    assert_eq!(LONG.help(48), expected);
    assert!(LONG.help(48).lines().all(|line| line.len() <= 48));
    assert!(LONG.help(0).contains("wide.\n            A second"));
}
