//! Values with a syntax of their own: ranges of ports, pairs of files, patterns with a level, amounts.

use std::fmt;

use crate::flags::go;

/// Ports from one to another, both included; empty by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortRange {
    /// The first.
    pub first: i64,
    /// How many.
    pub count: i64,
}

impl PortRange {
    /// Whether a port is one of them.
    pub const fn contains(self, port: i64) -> bool {
        port >= self.first && port - self.first < self.count
    }

    /// Reads `port`, `first-last` or `first+more`.
    ///
    /// # Errors
    /// Anything else, a port above 65535, or a last one before the first; upstream's text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        let (first, last) = match (text.split_once('-'), text.split_once('+')) {
            (None, None) => {
                let port = number(text)?;
                (port, port)
            }
            (Some((first, last)), None) => (number(first)?, number(last)?),
            (None, Some((first, more))) => {
                let first = number(first)?;
                (first, first.saturating_add(number(more)?))
            }
            (Some(_), Some(_)) => return Err(format!("unable to parse port range: {text}")),
        };
        if first > 65_535 || last > 65_535 {
            return Err(format!("the port range cannot be greater than 65535: {text}"));
        }
        if last < first {
            return Err(format!("end port cannot be less than start port: {text}"));
        }
        Ok(Self {
            first,
            count: last - first + 1,
        })
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.count {
            0 => Ok(()),
            count => write!(out, "{}-{}", self.first, self.first + count - 1),
        }
    }
}

/// A decimal number as `strconv.Atoi` reads it.
fn number(text: &str) -> Result<i64, String> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let wrong = |what: &str| format!("strconv.Atoi: parsing {text:?}: {what}");
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong("invalid syntax"));
    }
    text.parse().map_err(|_| wrong("value out of range"))
}

/// The files of a certificate and its key, and the names they are for; none means the certificate's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertKey {
    /// The certificate.
    pub cert: String,
    /// Its private key.
    pub key: String,
    /// Domains, perhaps with `*.` in front, and addresses.
    pub names: Vec<String>,
}

impl CertKey {
    /// Reads `cert,key` or `cert,key:name,name`.
    ///
    /// # Errors
    /// Not two files, or no name after the colon; upstream's text.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (files, names) = match text.split_once(':') {
            Some((files, names)) if !names.trim().is_empty() => {
                let names = names.trim().split(',').map(|name| name.trim().to_owned());
                (files, names.collect())
            }
            Some(_) => return Err("empty names list is not allowed".to_owned()),
            None => (text, Vec::new()),
        };
        let mut parts = files.trim().split(',').map(str::trim);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(cert), Some(key), None) => Ok(Self {
                cert: cert.to_owned(),
                key: key.to_owned(),
                names,
            }),
            _ => Err("expected comma separated certificate and key file paths".to_owned()),
        }
    }
}

/// Reads `pattern=level,pattern=level`.
///
/// # Errors
/// A pair that is not of this form; upstream's text.
pub(super) fn patterns(text: &str) -> Result<Vec<(String, i64)>, String> {
    let mut found = Vec::new();
    for pair in text.split(',').filter(|pair| !pair.is_empty()) {
        let parts = pair
            .split_once('=')
            .filter(|(pattern, level)| !pattern.is_empty() && !level.is_empty() && !level.contains('='));
        let (pattern, level) = parts.ok_or_else(|| format!("{pair:?} does not have the pattern=N format"))?;
        let level = go::decimal(level, 31).map_err(|why| format!("parsing verbosity in {pair:?}: {why}"))?;
        found.push((pattern.to_owned(), level as i64));
    }
    Ok(found)
}

/// Holds an amount such as `512`, `1K` or `2Mi` against the form of Kubernetes' quantities.
///
/// # Errors
/// Anything else; upstream's text.
pub(super) fn amount(text: &str) -> Result<(), String> {
    const FORM: &str = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    const UNITS: &[&str] = &[
        "", "n", "u", "m", "k", "K", "M", "G", "T", "P", "E", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei",
    ];
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = unsigned.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = unsigned.split_at(end.unwrap_or(unsigned.len()));
    let digits = number.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 || number.len() > digits + 1 {
        return Err(FORM.to_owned());
    }
    let exponent = unit
        .strip_prefix(['e', 'E'])
        .filter(|rest| !rest.is_empty() && go::int(rest, 32).is_ok());
    if UNITS.contains(&unit) || exponent.is_some() {
        Ok(())
    } else if unit.chars().all(|c| "eEinumkKMGTP+-0123456789".contains(c)) {
        Err("unable to parse quantity's suffix".to_owned())
    } else {
        Err(FORM.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_ports_have_three_spellings() {
        for (text, written) in [
            ("30000-32767", "30000-32767"),
            ("80", "80-80"),
            (" 100+9 ", "100-109"),
            ("", ""),
        ] {
            assert_eq!(PortRange::parse(text).unwrap().to_string(), written);
        }
        let range = PortRange::parse("5-7").unwrap();
        assert_eq!(
            [4, 5, 7, 8].map(|port| range.contains(port)),
            [false, true, true, false]
        );
    }

    #[test]
    fn mistaken_ranges_are_told_as_upstream_does() {
        for (text, expected) in [
            ("1-2+3", "unable to parse port range: 1-2+3"),
            ("7-5", "end port cannot be less than start port: 7-5"),
            ("1-70000", "the port range cannot be greater than 65535: 1-70000"),
            ("a-b", "strconv.Atoi: parsing \"a\": invalid syntax"),
            (
                "99999999999999999999",
                "strconv.Atoi: parsing \"99999999999999999999\": value out of range",
            ),
        ] {
            assert_eq!(PortRange::parse(text).unwrap_err(), expected);
        }
    }

    #[test]
    fn pairs_of_files_may_name_what_they_are_for() {
        let pair = CertKey::parse("a.crt, a.key: *.a.com ,a.com").unwrap();
        assert_eq!((pair.cert.as_str(), pair.key.as_str()), ("a.crt", "a.key"));
        assert_eq!(pair.names, ["*.a.com", "a.com"]);
        assert_eq!(CertKey::parse("a,b:").unwrap_err(), "empty names list is not allowed");
        let files = "expected comma separated certificate and key file paths";
        assert_eq!(CertKey::parse("a").unwrap_err(), files);
        assert_eq!(CertKey::parse("a,b,c").unwrap_err(), files);
    }

    #[test]
    fn patterns_have_a_level() {
        assert_eq!(
            patterns("a*=2,,b=0").unwrap(),
            [("a*".to_owned(), 2), ("b".to_owned(), 0)]
        );
        let form = "\"a\" does not have the pattern=N format";
        assert_eq!(patterns("a").unwrap_err(), form);
        let level = "parsing verbosity in \"a=x\": strconv.ParseUint: parsing \"x\": invalid syntax";
        assert_eq!(patterns("a=x").unwrap_err(), level);
    }

    #[test]
    fn amounts_have_units() {
        for text in ["0", "512", "1K", "1.5Gi", "-3M", "1e3", "2E"] {
            assert_eq!(amount(text), Ok(()), "{text}");
        }
        assert!(amount("1q").unwrap_err().starts_with("quantities must match"));
        assert!(amount("").unwrap_err().starts_with("quantities must match"));
        assert!(amount("1.2.3").unwrap_err().starts_with("quantities must match"));
        assert_eq!(amount("1Kk").unwrap_err(), "unable to parse quantity's suffix");
    }
}
