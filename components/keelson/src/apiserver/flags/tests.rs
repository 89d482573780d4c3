//! What holds of every flag. That they are upstream's is held against the program's own help (`tests/e2e/lists`).

use std::collections::BTreeSet;

use super::*;

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
