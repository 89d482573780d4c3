//! Hosts in names and in limits, compared label by label from the right.

use super::steps::{Steps, Uncompared};

/// A host. Whether its labels are good is found out once, since it may be compared with many others.
#[derive(Debug)]
pub(super) struct Host {
    text: String,
    /// Whether all its labels are good; a dot in front, which limits may have, is not looked at.
    good: bool,
}

impl Host {
    pub(super) fn read(text: &str) -> Self {
        let good = |label: &str| !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_graphic());
        Self {
            text: text.to_owned(),
            good: text.strip_prefix('.').unwrap_or(text).split('.').all(good),
        }
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Whether it is another or one below it; with a dot in front only what is below counts. For what is excluded a
    /// wildcard stands for every label.
    pub(super) fn is_below(&self, limit: &Self, excluded: bool, steps: &mut Steps) -> Result<bool, Uncompared> {
        if limit.text.is_empty() {
            return Ok(true);
        }
        if !self.good || self.text.starts_with('.') || !limit.good {
            return Err(Uncompared::Malformed);
        }
        let (only_below, limit) = match limit.text.strip_prefix('.') {
            Some(limit) => (true, limit),
            None => (false, limit.text.as_str()),
        };
        let (mut labels, mut compared) = (self.text.rsplit('.'), 0);
        for limit in limit.rsplit('.') {
            let Some(own) = labels.next() else {
                return Ok(false);
            };
            // With their dots.
            steps.compare(&mut compared, own.len() + limit.len() + 2)?;
            let same = own.eq_ignore_ascii_case(limit) || excluded && own == "*";
            if !same {
                return Ok(false);
            }
        }
        Ok(!only_below || labels.next().is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::{Host, Steps, Uncompared};

    fn below(host: &str, limit: &str, excluded: bool) -> Result<bool, Uncompared> {
        Host::read(host).is_below(&Host::read(limit), excluded, &mut Steps(9))
    }

    #[test]
    fn a_host_is_below_those_whose_labels_it_ends_with() {
        for (host, limit, is_below) in [
            ("example.com", "example.com", true),
            ("a.b.Example.COM", "eXample.com", true),
            ("example.com", ".example.com", false),
            ("a.example.com", ".example.com", true),
            ("badexample.com", "example.com", false),
            ("com", "example.com", false),
            ("*.com", "example.com", false),
            ("anything", "", true),
            ("..", "", true),
        ] {
            assert_eq!(below(host, limit, false), Ok(is_below), "{host} {limit}");
        }
        assert_eq!(below("*.com", "example.com", true), Ok(true));
        assert_eq!(below("*.com", "a.example.com", true), Ok(false));
        for (host, limit) in [
            ("", "a"),
            (".a", "a"),
            ("a..b", "b"),
            ("a b", "b"),
            ("a", "."),
            ("a", "..a"),
            ("a", "a."),
        ] {
            assert_eq!(below(host, limit, false), Err(Uncompared::Malformed), "{host} {limit}");
        }
    }

    #[test]
    fn comparing_ends_with_the_first_label_that_differs() {
        let long = Host::read(&vec!["a"; 20_000].join("."));
        let cost = |host: &Host, limit: &Host| {
            let mut steps = Steps::ALL;
            host.is_below(limit, false, &mut steps).unwrap();
            Steps::ALL.0 - steps.0
        };
        let other = Host::read(&format!("{}.b", long.text()));
        assert_eq!((cost(&long, &other), cost(&other, &long)), (0, 0));
        assert_eq!(cost(&long, &Host::read("b.a")), 0);
        assert_eq!(cost(&long, &long), 20_000 * 4 / 64);
        assert_eq!(cost(&Host::read(&"a".repeat(6_400)), &Host::read("b")), 100);
    }

    #[test]
    fn comparing_ends_where_no_steps_are_left() {
        let long = Host::read(&vec!["a"; 20_000].join("."));
        let mut steps = Steps(10);
        assert_eq!(long.is_below(&long, false, &mut steps), Err(Uncompared::Spent));
        assert_eq!(steps, Steps(0));
    }
}
