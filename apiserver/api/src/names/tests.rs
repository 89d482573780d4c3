//! Names, keys and addresses: values that a real server was sent, and what it answered.

use proptest::prelude::*;

use super::*;
use crate::path::Path;
use crate::refusal::Refusals;

const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and \
    end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must \
    start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
    '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const KEY: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric \
    character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
    '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/// Values with all that is wrong with them.
fn check(rule: impl Fn(&str) -> Messages, cases: &[(&str, &[&str])]) {
    for (value, expected) in cases {
        assert_eq!(rule(value), *expected, "{value}");
    }
}

#[test]
fn dns_names() {
    let long = "a".repeat(64);
    let longer = "a".repeat(254);
    check(
        dns_label,
        &[
            ("a", &[]),
            ("1", &[]),
            ("my-name", &[]),
            ("", &[LABEL]),
            ("A", &[LABEL]),
            ("a_b", &[LABEL]),
            ("-a", &[LABEL]),
            ("a-", &[LABEL]),
            ("a:b", &[LABEL]),
            ("é", &[LABEL]),
            ("..", &[LABEL]),
            ("a.b", &["must not contain dots"]),
            (&long, &["must be no more than 63 characters"]),
        ],
    );
    check(
        dns_subdomain,
        &[
            ("a", &[]),
            ("a.b-c.1", &[]),
            (&long, &[]),
            ("", &[SUBDOMAIN]),
            ("a..b", &[SUBDOMAIN]),
            (".a", &[SUBDOMAIN]),
            ("a/b", &[SUBDOMAIN]),
            ("system:x", &[SUBDOMAIN]),
            (&longer, &["must be no more than 253 characters"]),
        ],
    );
    check(
        long_name,
        &[
            ("a.b", &[]),
            ("A", &[SUBDOMAIN]),
            (&longer, &["must be no more than 253 bytes"]),
        ],
    );
    check(
        short_name,
        &[
            ("a", &[]),
            ("a.b", &["must not contain dots"]),
            (&long, &["must be no more than 63 bytes"]),
        ],
    );
}

#[test]
fn other_dns_names() {
    let words = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, \
        and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is \
        '[a-z]([-a-z0-9]*[a-z0-9])?')";
    check(
        dns_1035_label,
        &[("a1", &[]), ("1a", &[words]), ("a.b", &[words]), ("", &[words])],
    );
    let words = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of \
        lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex \
        used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    check(
        wildcard_dns_subdomain,
        &[("*.a.b", &[]), ("*", &[words]), ("*a.b", &[words]), ("a.*.b", &[words])],
    );
    let words = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must \
        start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
        '_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*')";
    check(
        dns_subdomain_with_underscore,
        &[
            ("_a._tcp.b", &[]),
            ("a_b", &[]),
            ("", &[words]),
            ("_", &[words]),
            ("a_", &[words]),
            ("__a", &[words]),
        ],
    );
    let words = "an RFC 1123 subdomain must consist of alphanumeric characters, '-' or '.', and must start and end with an \
        alphanumeric character (e.g. 'Example.com', regex used for validation is \
        '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    check(dns_subdomain_caseless, &[("Foo.Bar", &[]), ("a_b", &[words])]);
}

#[test]
fn names_of_objects() {
    let rules: [(NameRule, &str, bool); 8] = [
        (name_is_dns_subdomain, "a-", true),
        (name_is_dns_subdomain, "a-", false),
        (name_is_dns_subdomain, "a.b-", true),
        (name_is_dns_label, "a-", true),
        (name_is_dns_label, "a.-", true),
        (name_is_dns_1035_label, "1-", true),
        (name_is_dns_label, "-", true),
        (name_is_dns_label, "é-", true),
    ];
    // The letter before the dash is not looked at, which is upstream's doing.
    let fine = [true, false, true, true, true, true, false, false];
    for ((rule, name, prefix), fine) in rules.into_iter().zip(fine) {
        assert_eq!(rule(name, prefix).is_empty(), fine, "{name} {prefix}");
    }
    check(
        path_segment,
        &[
            ("", &[]),
            ("system:x", &[]),
            (".", &["may not be '.'"]),
            ("..", &["may not be '..'"]),
            ("a/b", &["may not contain '/'"]),
            ("a%b", &["may not contain '%'"]),
            ("a/b%", &["may not contain '/'", "may not contain '%'"]),
        ],
    );
    assert!(name_is_path_segment("..", true).is_empty() && !name_is_path_segment("..", false).is_empty());
}

#[test]
fn label_keys_and_values() {
    let (long, longer) = ("a".repeat(64), "a".repeat(254));
    let name = format!("name part {KEY}");
    let prefix = format!("prefix part {SUBDOMAIN}");
    let slashes =
        format!("a valid label key {KEY} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')");
    check(
        qualified_name,
        &[
            ("a", &[]),
            ("A_b.c-1", &[]),
            ("example.com/a", &[]),
            ("", &["name part must be non-empty", &name]),
            ("a b", &[&name]),
            ("-a", &[&name]),
            ("a/", &["name part must be non-empty", &name]),
            ("/a", &["prefix part must be non-empty"]),
            ("Example.com/a", &[&prefix]),
            ("a/b/c", &[&slashes]),
            (&long, &["name part must be no more than 63 bytes"]),
            (&format!("{longer}/a"), &["prefix part must be no more than 253 bytes"]),
        ],
    );
    check(
        prefixed_qualified_name,
        &[
            ("a/b", &[]),
            ("a", &["must include a prefix (e.g. 'example.com/key')"]),
            ("a b", &[&name]),
        ],
    );
    let value = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start \
        and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
        '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";
    check(
        label_value,
        &[
            ("", &[]),
            ("a", &[]),
            ("c c", &[value]),
            ("a-", &[value]),
            (&long, &["must be no more than 63 bytes"]),
        ],
    );
}

#[test]
fn identifiers_and_keys() {
    let words = "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric \
        characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";
    check(
        c_identifier,
        &[
            ("a1_", &[]),
            ("_", &[]),
            ("1a", &[words]),
            ("", &[words]),
            ("a-b", &[words]),
        ],
    );
    let words = "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not \
        start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is \
        '[-._a-zA-Z][-._a-zA-Z0-9]*')";
    check(
        env_var_name,
        &[
            ("A.b-c_1", &[]),
            ("1a", &[words]),
            ("", &[words]),
            (".", &["must not be '.'"]),
            ("..", &["must not be '..'"]),
            ("..a", &["must not start with '..'"]),
        ],
    );
    let words = "a valid environment variable name must consist only of printable ASCII characters other than '='";
    check(
        env_var_name_relaxed,
        &[
            ("1 a!", &[]),
            ("a=b", &[words]),
            ("é", &[words]),
            ("a\t", &[words]),
            ("", &["environment variable name must be non-empty"]),
        ],
    );
    let words = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or \
        'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
    let longer = "a".repeat(254);
    check(
        config_map_key,
        &[
            ("a.b", &[]),
            ("a b", &[words]),
            ("", &[words]),
            ("..a/", &[words, "must not start with '..'"]),
            (&longer, &["must be no more than 253 characters"]),
        ],
    );
    let words = "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', regex used for \
        validation is '[-A-Za-z0-9]+')";
    check(http_header_name, &[("X-A", &[]), ("", &[words]), ("a b", &[words])]);
    let words = "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric \
        characters or '_,:', and must end with an alphanumeric character or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName',  \
        or 'ReasonA,ReasonB',  or 'ReasonA:ReasonB', regex used for validation is '[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?')";
    check(
        condition_reason,
        &[
            ("A", &[]),
            ("A,b:c_", &[]),
            ("", &[words]),
            ("_a", &[words]),
            ("a,", &[words]),
        ],
    );
}

#[test]
fn ports_and_numbers() {
    let characters = "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
    let letter = "must contain at least one letter (a-z)";
    check(
        port_name,
        &[
            ("http-1", &[]),
            ("", &[characters, letter]),
            ("80", &[letter]),
            ("50%", &[characters, letter]),
            ("A b_!", &[characters]),
            ("a--b", &["must not contain consecutive hyphens"]),
            ("-a", &["must not begin or end with a hyphen"]),
            ("aaaaaaaaaaaaaaaa", &["must be no more than 15 characters"]),
        ],
    );
    assert_eq!(port_number(0), ["must be between 1 and 65535, inclusive"]);
    assert_eq!(port_number(65535), [""; 0]);
    assert_eq!(user_id(-1), ["must be between 0 and 2147483647, inclusive"]);
    assert_eq!(group_id(1 << 31), ["must be between 0 and 2147483647, inclusive"]);
    assert_eq!(in_range(5, 1, 4), ["must be between 1 and 4, inclusive"]);
    let words = "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for \
        validation is '[0-9]+%')";
    check(
        percent,
        &[("5%", &[]), ("-1%", &[words]), ("%", &[words]), ("5", &[words])],
    );
}

fn refused(check: fn(&Path<'_>, &str, &mut Refusals), value: &str) -> String {
    let mut refusals = Refusals::new();
    check(&Path::of("f"), value, &mut refusals);
    refusals.to_string()
}

#[test]
fn domains() {
    let three = "should be a domain with at least three segments separated by dots";
    for (value, expected) in [
        ("a.b.c", "[]".to_owned()),
        ("", "f: Required value".to_owned()),
        ("a", format!("f: Invalid value: \"a\": {three}")),
        ("a.b.c.", format!("f: Invalid value: \"a.b.c.\": {SUBDOMAIN}")),
    ] {
        assert_eq!(refused(fully_qualified_name, value), expected);
    }
    let two = "should be a domain with at least two segments separated by dots";
    let long = format!("a.{}", "b".repeat(64));
    for (value, expected) in [
        ("a.b.", "[]".to_owned()),
        ("", "f: Required value".to_owned()),
        ("a", format!("f: Invalid value: \"a\": {two}")),
        ("A.b", format!("f: Invalid value: \"A.b\": {SUBDOMAIN}")),
        (
            &long,
            format!(
                "f: Invalid value: \"{}\": must be no more than 63 characters",
                &long[2..]
            ),
        ),
    ] {
        assert_eq!(refused(fully_qualified_domain_name, value), expected);
    }
    let path = "must be a domain-prefixed path (such as \"acme.io/foo\")";
    for (value, expected) in [
        ("acme.io/foo/bar", "[]".to_owned()),
        ("", "f: Required value".to_owned()),
        ("a", format!("f: Invalid value: \"a\": {path}")),
        ("a/", format!("f: Invalid value: \"a/\": {path}")),
        ("A/b", format!("f: Invalid value: \"A\": {SUBDOMAIN}")),
        (
            "a/b c",
            "f: Invalid value: \"b c\": Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')"
                .to_owned(),
        ),
    ] {
        assert_eq!(refused(domain_prefixed_path, value), expected);
    }
    let key = "must be a domain-prefixed key (such as \"acme.io/foo\")";
    for (value, expected) in [
        ("acme.io/foo", "[]".to_owned()),
        ("", "f: Required value".to_owned()),
        ("a", format!("f: Invalid value: \"a\": {key}")),
        (
            "/a",
            "f: Invalid value: \"/a\": prefix part must be non-empty".to_owned(),
        ),
    ] {
        assert_eq!(refused(domain_prefixed_key, value), expected);
    }
}

#[test]
fn addresses() {
    let no_ip = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
    check(
        |value| ip(value, true),
        &[
            ("10.0.0.1", &[]),
            ("::", &[]),
            ("2001:DB8::0001", &[]),
            ("1:2:3:4:5:6:7::", &[]),
            ("010.0.0.1", &["must not have leading 0s"]),
            ("::00001", &["must not have leading 0s"]),
            ("::ffff:1.2.3.4", &["must not be an IPv4-mapped IPv6 address"]),
            ("", &[no_ip]),
            ("a", &[no_ip]),
            ("1.2.3", &[no_ip]),
            ("1.2.3.4.5", &[no_ip]),
            ("1.2.3.256", &[no_ip]),
            ("1.2.3.4 ", &[no_ip]),
            (":::", &[no_ip]),
            ("1::2::3", &[no_ip]),
            ("1:2:3:4:5:6:7:8:9", &[no_ip]),
            ("1:2:3:4:5:6:7:8::", &[no_ip]),
            ("1:2:3:4:5:6:7:", &[no_ip]),
            ("10000::", &[no_ip]),
            ("::1.2.3.4:5", &[no_ip]),
            ("fe80::1%eth0", &[no_ip]),
        ],
    );
    check(
        |value| ip(value, false),
        &[("010.0.0.1", &[]), ("::ffff:1.2.3.4", &[]), ("x", &[no_ip])],
    );
    check(
        ip_canonical,
        &[
            ("2001:db8::1", &[]),
            ("2001:DB8::1", &["must be in canonical form (\"2001:db8::1\")"]),
            ("01.2.3.4", &["must not have leading 0s"]),
        ],
    );
}

#[test]
fn families_and_forms_of_addresses() {
    check(
        ip_v4,
        &[
            ("1.2.3.4", &[]),
            ("::ffff:1.2.3.4", &[]),
            ("::1", &["must be a valid IPv4 address"]),
        ],
    );
    check(
        ip_v6,
        &[
            ("::1", &[]),
            ("1.2.3.4", &["must be a valid IPv6 address"]),
            ("x", &["must be a valid IPv6 address"]),
        ],
    );
    let path = Path::of("spec");
    for (value, expected) in [
        ("1.2.3.4", None),
        ("x", None),
        ("::1", None),
        (
            "010.0.0.1",
            Some(r#"spec: non-standard IP address "010.0.0.1" is invalid: use "10.0.0.1""#),
        ),
        (
            "::ffff:1.2.3.4",
            Some(r#"spec: non-standard IP address "::ffff:1.2.3.4" is invalid: use "1.2.3.4""#),
        ),
        (
            "2001:DB8::1",
            Some(r#"spec: IPv6 address "2001:DB8::1" should be in RFC 5952 canonical format ("2001:db8::1")"#),
        ),
    ] {
        assert_eq!(ip_warning(&path, value).as_deref(), expected);
    }
}

#[test]
fn networks() {
    let no_cidr = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
    check(
        |value| cidr(value, true),
        &[
            ("10.0.0.0/8", &[]),
            ("0.0.0.0/0", &[]),
            ("::/0", &[]),
            ("2001:db8::/64", &[]),
            ("10.0.0.1/8", &["must not have bits set beyond the prefix length"]),
            ("10.0.0.0/08", &["must not have leading 0s in IP or prefix length"]),
            ("010.0.0.0/8", &["must not have leading 0s in IP or prefix length"]),
            ("::ffff:10.0.0.0/104", &["must not have an IPv4-mapped IPv6 address"]),
            ("10.0.0.0", &[no_cidr]),
            ("10.0.0.0/33", &[no_cidr]),
            ("10.0.0.0/-1", &[no_cidr]),
            ("10.0.0.0/", &[no_cidr]),
            ("::/129", &[no_cidr]),
            ("a", &[no_cidr]),
            ("", &[no_cidr]),
        ],
    );
    check(|value| cidr(value, false), &[("010.0.0.1/08", &[])]);
    check(
        cidr_canonical,
        &[
            ("2001:db8::/64", &[]),
            ("2001:DB8::/64", &["must be in canonical form (\"2001:db8::/64\")"]),
        ],
    );
    let interface = "must be a valid address in CIDR form, (e.g. 10.9.8.7/24 or 2001:db8::1/64)";
    check(
        interface_address,
        &[
            ("192.168.1.5/24", &[]),
            (
                "::ffff:192.168.0.1/120",
                &["must be in canonical form (\"192.168.0.1/24\")"],
            ),
            ("", &[interface]),
            ("a", &[interface]),
        ],
    );
    let path = Path::of("spec");
    for (value, expected) in [
        ("10.0.0.0/8", vec![]),
        (
            "010.0.0.1/8",
            vec![
                r#"spec: CIDR value "010.0.0.1/8" is ambiguous in this context (should be "10.0.0.0/8" or "10.0.0.1/32"?)"#,
                r#"spec: non-standard CIDR value "010.0.0.1/8" is invalid: use "10.0.0.0/8""#,
            ],
        ),
        (
            "2001:DB8::/64",
            vec![r#"spec: IPv6 CIDR value "2001:DB8::/64" should be in RFC 5952 canonical format ("2001:db8::/64")"#],
        ),
    ] {
        assert_eq!(cidr_warnings(&path, value), expected);
    }
    let network = parse_cidr_sloppy("10.1.0.0/16").unwrap();
    let holds = |text| network.contains(parse_ip_sloppy(text).unwrap());
    assert!(holds("10.1.2.3") && !holds("10.2.0.0") && !holds("::a01:203"));
    let all = parse_cidr_sloppy("::/0").unwrap();
    assert!(all.contains(parse_ip_sloppy("::1").unwrap()) && !all.contains(parse_ip_sloppy("1.2.3.4").unwrap()));
    assert_eq!(
        (network.network_text().as_str(), network.ip().to_string().as_str()),
        ("10.1.0.0/16", "10.1.0.0")
    );
}

proptest! {
    #[test]
    fn checks_are_the_regular_expressions(text in "[a-zA-Z0-9_.*%/:-]{0,8}") {
        for (rule, pattern) in [
            (dns_label as fn(&str) -> Messages, "[a-z0-9]([-a-z0-9]*[a-z0-9])?"),
            (dns_1035_label, "[a-z]([-a-z0-9]*[a-z0-9])?"),
            (dns_subdomain, r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"),
            (dns_subdomain_with_underscore, r"_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*"),
            (wildcard_dns_subdomain, r"\*\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"),
            (label_value, "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"),
            (c_identifier, "[A-Za-z_][A-Za-z0-9_]*"),
            (percent, "[0-9]+%"),
            (http_header_name, "[-A-Za-z0-9]+"),
            (condition_reason, "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?"),
        ] {
            let pattern = regex::Regex::new(&format!("^(?:{pattern})$")).unwrap();
            prop_assert_eq!(rule(&text).is_empty(), pattern.is_match(&text), "{} {}", pattern, text);
        }
    }

    #[test]
    fn strict_addresses_are_sloppy_ones_too(text in "[0-9a-f:.]{0,16}|([0-9]{1,3}\\.){3}[0-9]{1,3}|([0-9a-f]{0,2}:){2,7}[0-9a-f]?") {
        let sloppy = parse_ip_sloppy(&text);
        if let Ok(strict) = text.parse::<std::net::IpAddr>() {
            prop_assert_eq!(sloppy.map(Ip::addr), Some(strict.to_canonical()));
        }
        let _ = (cidr(&text, true), cidr_warnings(&Path::root(), &format!("{text}/7")));
    }
}
