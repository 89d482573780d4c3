//! What `nft` is told: one table on the bridge, one set of directed pairs, one rule that drops what is in it.
//!
//! A file of `nft` is one transaction, so that all pairs of a cut are there at once. Only IPv4 is cut: nodes that
//! cannot talk still find each other's hardware address, as machines behind a broken route do.

use std::fmt::Write;
use std::net::Ipv4Addr;

const TABLE: &str = "bridge jepsen";

/// Shows the rule with its count.
pub(super) const LIST: &str = "list chain bridge jepsen faults\n";

/// The table, empty, whatever was there before.
pub(super) fn fresh() -> String {
    // A table cannot be deleted that is not there, so it is added first. Each brace ends its line: nft wants that.
    format!(
        "add table {TABLE}
delete table {TABLE}
table {TABLE} {{
  set cut {{
    type ipv4_addr . ipv4_addr;
  }}
  chain faults {{
    type filter hook forward priority 0; policy accept;
    ip saddr . ip daddr @cut counter drop
  }}
}}
"
    )
}

/// Drops what these pairs send, and nothing else.
pub(super) fn cut(pairs: &[(Ipv4Addr, Ipv4Addr)]) -> String {
    let mut text = format!("flush set {TABLE} cut\n");
    if !pairs.is_empty() {
        let elements: Vec<String> = pairs.iter().map(|(from, to)| format!("{from} . {to}")).collect();
        // Writing into a string does not fail.
        let _ = writeln!(text, "add element {TABLE} cut {{ {} }}", elements.join(", "));
    }
    text
}

/// The count of packets in what [`LIST`] prints.
pub(super) fn dropped(listed: &str) -> Option<u64> {
    let mut words = listed.split_whitespace().skip_while(|word| *word != "counter");
    words.next()?;
    (words.next()? == "packets").then(|| words.next()?.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
    const B: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 2);

    #[test]
    fn a_cut_replaces_the_one_before_it() {
        assert_eq!(
            cut(&[(A, B), (B, A)]),
            "flush set bridge jepsen cut\n\
             add element bridge jepsen cut { 10.99.0.1 . 10.99.0.2, 10.99.0.2 . 10.99.0.1 }\n"
        );
        assert_eq!(cut(&[]), "flush set bridge jepsen cut\n");
    }

    #[test]
    fn the_table_is_made_anew_and_every_brace_ends_its_line() {
        let text = fresh();
        assert!(
            text.starts_with("add table bridge jepsen\ndelete table bridge jepsen\n"),
            "{text}"
        );
        for line in text.lines().filter(|line| line.contains(['{', '}'])) {
            assert!(
                line.ends_with(['{', '}']) && line.matches(['{', '}']).count() == 1,
                "{line}"
            );
        }
    }

    #[test]
    fn the_count_is_read_from_the_rule() {
        let listed = "table bridge jepsen {\n\tchain faults {\n\t\ttype filter hook forward priority filter; policy \
                      accept;\n\t\tip saddr . ip daddr @cut counter packets 37 bytes 2220 drop\n\t}\n}\n";
        assert_eq!(dropped(listed), Some(37));
        assert_eq!(dropped("table bridge jepsen {\n}\n"), None);
    }
}
