//! Quantities as upstream reads, prints and reckons them.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::{Error, Format, Quantity};
use crate::tree::{Number, Tree};

fn quantity(text: &str) -> Quantity {
    Quantity::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn quantities_print_in_normal_form() {
    for (sent, printed) in [
        ("0", "0"),
        ("00", "0"),
        ("-0", "0"),
        ("0Ki", "0"),
        ("0.0", "0"),
        ("+", "0"),
        (".", "0"),
        ("E", "0"),
        ("1", "1"),
        ("1000m", "1"),
        ("100m", "100m"),
        ("1500m", "1500m"),
        ("0.5", "500m"),
        (".5", "500m"),
        ("0.500", "500m"),
        ("1.5", "1500m"),
        ("0.1", "100m"),
        ("1.", "1."),
        ("1000", "1k"),
        ("1024", "1024"),
        ("12000000", "12M"),
        ("1000k", "1M"),
        ("1e3", "1e3"),
        ("1E3", "1E3"),
        ("1e4", "10e3"),
        ("1e-3", "1e-3"),
        ("100e-3", "100e-3"),
        ("1000e-3", "1"),
        ("1.5e3", "1500"),
        ("12E", "12E"),
        ("1E", "1E"),
        ("1Ki", "1Ki"),
        ("1024Ki", "1Mi"),
        ("8Ki", "8Ki"),
        ("1.5Gi", "1536Mi"),
        ("0.5Gi", "512Mi"),
        ("0.5Ki", "512"),
        ("1.1Mi", "1153433600m"),
        ("1000Ki", "1000Ki"),
        ("1Ei", "1Ei"),
        ("100Ei", "9223372036854775807"),
        ("-100Ei", "-9223372036854775807"),
        ("0.0000001Ki", "102400n"),
        ("-1", "-1"),
        ("-1.5Gi", "-1536Mi"),
        ("1n", "1n"),
        ("0.1n", "1n"),
        ("-0.1n", "-1n"),
        ("1.0000000001", "1000000001n"),
        ("1e-999999999", "1e-9"),
        ("1e999999999", "1e999999999"),
        ("10e999999999", "10e999999999"),
        // No exponent has more than 31 bits: what is greater is as great as can be.
        ("9e2147483647", "90e2147483646"),
        ("10e2147483647", "10e2147483646"),
        ("-123456789012345678901234567890e2147483647", "-10e2147483646"),
        (
            "1000000000000000000000000000000000000000000",
            "1000000000000000000000000E",
        ),
        (
            "99999999999999999999999999999999999999999999",
            "99999999999999999999999999999999999999999999",
        ),
        // Kept as upstream keeps them, though they are not in normal form.
        ("1.500", "1.500"),
        ("+5", "+5"),
        ("05", "05"),
    ] {
        assert_eq!(quantity(sent).to_string(), printed, "{sent}");
    }
}

#[test]
fn nothing_is_lost_of_what_is_beyond_all_suffixes() {
    for (sent, printed) in [
        // Upstream prints these as `1`, `10`, `100` and `1`: it has no suffix for them.
        ("1000E", "1000E"),
        ("10000E", "10000E"),
        ("100000E", "100000E"),
        ("1000000E", "1000000E"),
        ("1000000000000000000000", "1000E"),
        ("1000000000000000000000000", "1000000E"),
        ("-1000000000000000000001", "-1000000000000000000001"),
        ("1e21", "1e21"),
        ("1e24", "1e24"),
    ] {
        assert_eq!(quantity(sent).to_string(), printed, "{sent}");
        assert_eq!(quantity(printed), quantity(sent));
    }
}

#[test]
fn what_is_no_quantity_is_refused_in_upstream_s_words() {
    for (sent, error) in [
        ("", Error::Format),
        ("a", Error::Format),
        ("1 ", Error::Format),
        ("..", Error::Format),
        ("1.1.1", Error::Format),
        ("1Mi1x", Error::Format),
        ("--1", Error::Suffix),
        ("é", Error::Format),
        ("1x", Error::Format),
        ("1mm", Error::Suffix),
        ("1ki", Error::Suffix),
        ("1K", Error::Suffix),
        ("1e", Error::Suffix),
        ("1ee3", Error::Suffix),
        ("1e3000000000", Error::Suffix),
        ("1m3", Error::Suffix),
        (".Ei", Error::Number),
    ] {
        assert_eq!(Quantity::parse(sent).unwrap_err(), error, "{sent}");
    }
    assert_eq!(
        Error::Format.to_string(),
        "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
    );
    assert_eq!(Error::Suffix.to_string(), "unable to parse quantity's suffix");
}

#[test]
fn objects_hold_strings_and_numbers() {
    for (tree, printed) in [
        (Tree::from(" 1Gi "), "1Gi"),
        (Tree::from(5_i64), "5"),
        (Tree::Number(Number::from(0.5)), "500m"),
        (Tree::Null, "0"),
    ] {
        assert_eq!(Quantity::read(&tree).unwrap().to_string(), printed);
    }
    assert_eq!(Quantity::read(&Tree::map()), Err(Error::Format));
    assert_eq!(Tree::from(&quantity("1000m")), Tree::from("1"));
}

#[test]
fn values_are_rounded_away_from_zero() {
    for (text, value, milli) in [
        ("1", 1, 1000),
        ("1m", 1, 1),
        ("-1m", -1, -1),
        ("1001m", 2, 1001),
        ("1n", 1, 1),
        ("1.5Gi", 1_610_612_736, 1_610_612_736_000),
        ("0", 0, 0),
        ("1Ei", 1 << 60, i64::MAX),
        ("1e30", i64::MAX, i64::MAX),
        ("-1e30", i64::MIN, i64::MIN),
        ("1e999999999", i64::MAX, i64::MAX),
    ] {
        let quantity = quantity(text);
        assert_eq!((quantity.value(), quantity.milli_value()), (value, milli), "{text}");
    }
    assert_eq!(quantity("1500").scaled_value(3), 2);
    assert!((quantity("1.5Gi").as_f64() - 1_610_612_736.0).abs() < f64::EPSILON);
    assert!((quantity("-250m").as_f64() + 0.25).abs() < f64::EPSILON);
}

#[test]
fn objects_hold_thousandths() {
    for (text, rounded, exact) in [
        ("0.0001", "1m", false),
        ("-0.0001", "-1m", false),
        ("1.0005", "1001m", false),
        ("1.50000", "1500m", true),
        ("0.5", "500m", true),
        ("1.500", "1.500", true),
        ("1e3", "1e3", true),
        ("0", "0", true),
    ] {
        let mut quantity = quantity(text);
        assert_eq!(
            (quantity.round_up(-3), quantity.to_string().as_str()),
            (exact, rounded),
            "{text}"
        );
    }
}

#[test]
fn quantities_compare_by_what_they_mean() {
    let ascending = [
        "-1e999999999",
        "-1Gi",
        "-1",
        "-1n",
        "0",
        "1n",
        "1m",
        "0.5",
        "1",
        "1023",
        "1Ki",
        "1e3000",
        "1e999999999",
    ];
    for (at, small) in ascending.iter().enumerate() {
        for (other, large) in ascending.iter().enumerate() {
            assert_eq!(quantity(small).cmp(&quantity(large)), at.cmp(&other), "{small} {large}");
        }
    }
    for (a, b) in [
        ("1", "1000m"),
        ("1Ki", "1024"),
        ("1e3", "1k"),
        ("-0", "0"),
        ("1000000000000000000000E", "1e39"),
    ] {
        assert_eq!(quantity(a).cmp(&quantity(b)), Ordering::Equal, "{a} {b}");
    }
}

#[test]
fn sums_keep_the_suffix_s_kind() {
    for (a, b, sum, rest) in [
        ("1", "500m", "1500m", "500m"),
        ("1Gi", "512Mi", "1536Mi", "512Mi"),
        ("0", "1Gi", "1Gi", "-1Gi"),
        ("1Gi", "1G", "2073741824", "73741824"),
        ("1e3", "1", "1001", "999"),
        ("100m", "100m", "200m", "0"),
        ("100m", "1", "1100m", "-900m"),
        ("9223372036854775807", "1", "9223372036854775808", "9223372036854775806"),
        ("1e999999999", "1", "1e999999999", "1e999999999"),
        ("1", "1e999999999", "1e999999999", "-1e999999999"),
        (
            "99999999999999999999999999999999999999999",
            "1",
            "100e39",
            "99999999999999999999999999999999999999998",
        ),
    ] {
        let (mut plus, mut minus) = (quantity(a), quantity(b));
        plus.add(&minus);
        minus.neg();
        minus.add(&quantity(a));
        let mut difference = quantity(a);
        difference.sub(&quantity(b));
        assert_eq!(difference, minus, "{a} - {b}");
        assert_eq!(difference, quantity(rest), "{a} - {b}");
        assert_eq!(plus, quantity(sum), "{a} + {b}");
    }
    let mut total = Quantity::new(0, Format::DecimalSi);
    total.add(&quantity("1536Mi"));
    assert_eq!(
        (total.to_string().as_str(), total.format()),
        ("1536Mi", Format::BinarySi)
    );
    total.mul(-2);
    assert_eq!(total.to_string(), "-3Gi");
}

#[test]
fn a_sum_has_a_thousand_digits() {
    let zeros = |count: usize| "0".repeat(count);
    for (a, b, sum) in [
        (
            format!("1{}", zeros(1023)),
            "1".to_owned(),
            format!("1{}1", zeros(1022)),
        ),
        (format!("1{}", zeros(1024)), "1".to_owned(), format!("1{}", zeros(1024))),
        (
            format!("1{}", zeros(1024)),
            "19".to_owned(),
            format!("1{}10", zeros(1022)),
        ),
        (format!("1{}1", zeros(9998)), "9e9999".to_owned(), "1e10000".to_owned()),
        (format!("1{}1", zeros(9998)), "0".to_owned(), "1e9999".to_owned()),
        ("0e999999999".to_owned(), "1".to_owned(), "1".to_owned()),
        ("0e999999999".to_owned(), "0".to_owned(), "0".to_owned()),
    ] {
        let (a, b, sum) = (quantity(&a), quantity(&b), quantity(&sum));
        for (one, other) in [(&a, &b), (&b, &a)] {
            let mut added = one.clone();
            added.add(other);
            assert_eq!(added, sum, "{one} + {other}");
        }
    }
    let mut most = quantity("9e2147483647");
    most.add(&most.clone());
    assert!(Quantity::parse(&most.to_string()).is_ok());
}

#[test]
fn many_small_amounts_beside_one_of_a_million_digits_cost_little() {
    let long = quantity(&format!("8{}8", "0".repeat(1_000_000)));
    let (one, near) = (quantity("1"), quantity("8e1000001"));
    let mut sum = long.clone();
    for _ in 0..4000 {
        sum.add(&one);
        for small in [&one, &near, &quantity("0")] {
            let mut both = small.clone();
            both.add(&long);
            assert!(both > *small && both >= near);
        }
        assert!(near < long && near == sum);
    }
}

/// What is beyond the lower half of a number of 60 digits.
const HALF: u128 = 10_u128.pow(30);

/// Both halves of such a number; the lower one is sometimes short, or ends with zeros, or both begin alike.
fn halves() -> impl Strategy<Value = (u128, u128)> {
    let upper = prop_oneof![1..3_u128, HALF / 10..HALF];
    let lower = prop_oneof![0..2_u128, 0..HALF, (0..1000_u128).prop_map(|few| few * (HALF / 1000))];
    (upper, lower)
}

proptest! {
    #[test]
    fn no_text_panics(text in "[-+0-9.eEinumkKMGTPx ]{0,12}") {
        if let Ok(quantity) = Quantity::parse(&text) {
            // What is printed means the same and is printed again.
            let printed = quantity.to_string();
            let again = Quantity::parse(&printed).unwrap();
            prop_assert_eq!(&again, &quantity, "{} {}", text, printed);
            prop_assert_eq!(again.to_string(), printed);
            quantity.value();
        }
    }

    #[test]
    fn long_numbers_compare_and_add_up_digit_by_digit(
        a in halves(), b in halves(), zeros in 0_usize..40,
    ) {
        let written = |(upper, lower): (u128, u128)| quantity(&format!("{upper}{lower:030}{}", "0".repeat(zeros)));
        prop_assert_eq!(written(a).cmp(&written(b)), a.cmp(&b));
        let lower = a.1 + b.1;
        let expected = (a.0 + b.0 + lower / HALF, lower % HALF);
        let mut sum = written(a);
        sum.add(&written(b));
        prop_assert_eq!(&sum, &written(expected));
        sum.sub(&written(a));
        prop_assert_eq!(&sum, &written(b));
        sum.mul(3);
        sum.sub(&written(b));
        sum.sub(&written(b));
        prop_assert_eq!(sum.to_string(), written(b).to_string());
    }

    #[test]
    fn sums_are_exact(a in -1_000_000_000_i64..1_000_000_000, b in -1_000_000_000_i64..1_000_000_000, shift in 0_u32..60) {
        // The same sum with and without digits that do not fit 128 bits.
        let zeros = "0".repeat(shift as usize);
        let mut sum = quantity(&format!("{a}{zeros}"));
        sum.add(&quantity(&format!("{b}{zeros}")));
        prop_assert_eq!(&sum, &quantity(&format!("{}{zeros}", a + b)));
        sum.sub(&quantity(&format!("{b}{zeros}")));
        prop_assert_eq!(sum, quantity(&format!("{a}{zeros}")));
    }
}
