//! The table against upstream's: all flags, with their types, defaults and sections.

use std::collections::BTreeSet;

use super::*;

/// FNV-1a, which every tool has.
fn digest(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The rows of the help as `section|name|type|default`.
fn shown() -> BTreeSet<String> {
    let help = TABLE.help(0);
    let mut section = "";
    let mut rows = BTreeSet::new();
    for line in help.lines() {
        section = line.strip_suffix(" flags:").unwrap_or(section);
        let Some((_, flag)) = line.split_once("--").filter(|(before, _)| {
            let letter = before.trim();
            line.starts_with("  ") && (letter.is_empty() && before.len() == 6 || letter.len() == 3)
        }) else {
            continue;
        };
        let (head, usage) = flag.split_once("   ").unwrap();
        let (name, word) = head.trim_end().split_once(' ').unwrap_or((head.trim_end(), ""));
        let usage = usage.split(" (DEPRECATED").next().unwrap();
        let default = usage.rsplit_once("(default ").map_or("", |(_, rest)| rest);
        let default = default.trim_end_matches(')').trim_matches('"');
        rows.insert(format!("{section}|{name}|{word}|{default}\n"));
    }
    rows
}

#[test]
fn the_flags_are_those_of_kube_apiserver_1_36() {
    let mut rows = shown();
    // Older ones had it.
    assert!(rows.remove("Features|enable-swagger-ui||false\n") || rows.remove("Features|enable-swagger-ui||\n"));
    // Both numbers come from the help of upstream's program, less a flag that its vendor had put in.
    assert_eq!(rows.len(), 172);
    let text: String = rows.into_iter().collect();
    assert_eq!(digest(&text), 0xc21a_c4ed_ac91_0362, "{text}");
}

#[test]
fn every_name_and_letter_is_there_once() {
    let mut seen = BTreeSet::new();
    for row in TABLE.rows() {
        assert!(seen.insert(row.name.to_owned()), "{}", row.name);
        let letter = row.short.map(String::from);
        assert!(
            letter.is_none_or(|letter| seen.insert(format!("-{letter}"))),
            "{}",
            row.name
        );
    }
}

#[test]
fn every_default_can_be_given_and_changes_nothing() {
    let unset = TABLE.parse(&[]).unwrap();
    for row in TABLE.rows().filter(|row| !row.default.is_empty()) {
        let given = TABLE.parse(&[format!("--{}={}", row.name, row.default)]).unwrap();
        assert_eq!(given.value(row.name), unset.value(row.name), "{}", row.name);
    }
}

#[test]
fn every_help_is_one_sentence_and_flags_of_later_say_what_to_do() {
    for row in TABLE.rows() {
        assert!(
            row.help.starts_with(|c: char| c.is_uppercase() || c == '[' || c == 'h'),
            "{}",
            row.name
        );
        assert!(
            row.help.len() <= 130 || row.help.contains('\n'),
            "{}: {}",
            row.name,
            row.help.len()
        );
        let advice = ["leave the flag out", "use "];
        assert!(
            row.later.is_empty() || advice.iter().any(|one| row.later.contains(one)),
            "{}",
            row.name
        );
    }
}

#[test]
fn the_features_of_later_are_these() {
    let late: BTreeSet<&str> = TABLE
        .rows()
        .filter(|row| !row.later.is_empty())
        .map(|row| row.name)
        .collect();
    let of = |prefix: &str| late.iter().filter(|name| name.starts_with(prefix)).count();
    assert_eq!(
        [
            of("audit-"),
            of("oidc-"),
            of("authorization-"),
            of("authentication-"),
            of("encryption-"),
            of("peer-")
        ],
        [32, 9, 5, 4, 2, 3]
    );
    let rest = late.iter().filter(|name| {
        let shared = [
            "audit-",
            "oidc-",
            "authorization-",
            "authentication-",
            "encryption-",
            "peer-",
        ];
        !shared.iter().any(|prefix| name.starts_with(prefix))
    });
    let rest: Vec<&str> = rest.copied().collect();
    assert_eq!(
        rest,
        [
            "coordinated-leadership-lease-duration",
            "coordinated-leadership-renew-deadline",
            "coordinated-leadership-retry-period",
            "debug-socket-path",
            "egress-selector-config-file",
            "enable-logs-handler",
            "service-account-signing-endpoint",
            "tracing-config-file",
            "vmodule",
        ]
    );
}
