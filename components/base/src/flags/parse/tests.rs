//! Command lines and environments, good and bad.

use super::*;

const TABLE: Table = Table {
    groups: &[Group {
        title: "Member",
        rows: ROWS,
    }],
};

const ROWS: &[Flag] = &[
    row("name", Kind::Text, "default"),
    row("pre-vote", Kind::Bool, "true"),
    row("max-txn-ops", Kind::Uint, "128"),
    Flag {
        aliases: &["experimental-wait"],
        ..row("wait", Kind::Duration, "5s")
    },
];

const fn row(name: &'static str, kind: Kind, default: &'static str) -> Flag {
    Flag {
        name,
        kind,
        default,
        aliases: &[],
        help: "Something.",
        fate: Fate::Used,
    }
}

fn parse(args: &[&str]) -> Result<Parsed, String> {
    let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
    match TABLE.parse(&args).map_err(|error| error.to_string())? {
        Outcome::Values(parsed) => Ok(parsed),
        Outcome::Help => Err("help".into()),
    }
}

fn text(parsed: &Parsed, name: &str) -> String {
    parsed.value(TABLE.find(name).unwrap()).text
}

#[test]
fn gos_spellings_are_read() {
    let parsed = parse(&[
        "-name",
        "a",
        "--pre-vote=false",
        "-max-txn-ops=7",
        "--name=b=c",
        "--",
        "-x",
    ])
    .unwrap();
    assert_eq!(
        (text(&parsed, "name"), text(&parsed, "pre-vote")),
        ("b=c".into(), "false".into())
    );
    assert_eq!(
        (text(&parsed, "max-txn-ops"), text(&parsed, "wait")),
        ("7".into(), "5s".into())
    );
    assert_eq!(parsed.rest, ["-x"]);
    let parsed = parse(&["--pre-vote", "false", "-name", "x"]).unwrap();
    assert_eq!((text(&parsed, "pre-vote"), parsed.rest.len()), ("true".into(), 3));
    let parsed = parse(&["--experimental-wait=1s"]).unwrap();
    let value = parsed.get("wait").unwrap();
    assert_eq!(
        (value.text.as_str(), value.spelled.as_str()),
        ("1s", "--experimental-wait")
    );
}

#[test]
fn mistakes_are_named() {
    for (args, expected) in [
        (
            &["--nmae", "a"][..],
            "flag provided but not defined: -nmae; did you mean --name?",
        ),
        (
            &["--unheard-of"],
            "flag provided but not defined: -unheard-of; --help lists the flags",
        ),
        (&["--name"], "flag needs an argument: -name; give --name=value"),
        (
            &["---name"],
            "bad flag syntax: ---name; expected --flag or --flag=value",
        ),
        (
            &["--max-txn-ops=-1"],
            "invalid value \"-1\" for --max-txn-ops: expected a whole number, zero or more",
        ),
        (
            &["--pre-vote=maybe"],
            "invalid value \"maybe\" for --pre-vote: expected true or false",
        ),
        (
            &["--experimental-wait=1s", "--wait=2s"],
            "both --experimental-wait and --wait flags are set. Use only --wait",
        ),
        (&["-h"], "help"),
    ] {
        assert_eq!(parse(args).unwrap_err(), expected);
    }
}

#[test]
fn the_line_wins_over_the_environment() {
    let mut parsed = parse(&["--name=line"]).unwrap();
    let own = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
            .collect()
    };
    let variables = own(&[
        ("ETCD_NAME", "env"),
        ("ETCD_PRE_VOTE", "false"),
        ("ETCD_MAX_TXN_OPS", ""),
        ("ETCD_EXPERIMENTAL_WAIT", "3s"),
        ("ETCD_UNHEARD", "1"),
        ("ETCDCTL_API", "3"),
        ("PATH", "/bin"),
    ]);
    let notes = TABLE.environment("ETCD", variables, &mut parsed).unwrap();
    assert_eq!(text(&parsed, "name"), "line");
    assert_eq!(
        (text(&parsed, "pre-vote"), text(&parsed, "wait")),
        ("false".into(), "3s".into())
    );
    assert_eq!(text(&parsed, "max-txn-ops"), "128");
    assert_eq!(notes.len(), 2, "{notes:?}");
    let error = TABLE
        .environment("ETCD", own(&[("ETCD_MAX_TXN_OPS", "x")]), &mut parsed)
        .unwrap_err();
    assert!(error.to_string().contains("ETCD_MAX_TXN_OPS"));
}

#[test]
fn the_help_lists_every_row_under_its_group() {
    let help = TABLE.help();
    assert!(help.starts_with("\nMember:\n  --name 'default'\n    Something.\n"));
    assert_eq!(env_name("ETCD", "pre-vote"), "ETCD_PRE_VOTE");
}
