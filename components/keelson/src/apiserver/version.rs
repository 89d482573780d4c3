//! What `--version` prints, and what clients are told.

/// The Kubernetes version whose API and behaviour the apiserver has.
pub(crate) const OWN: &str = "v1.36.2";

/// What to do about `--version`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Print this and end.
    Print(String),
    /// Go on, and report this version.
    Report(String),
}

/// Understands the value of `--version`.
///
/// # Errors
/// A version to report that is not this one with a suffix; upstream's text.
pub(crate) fn wish(value: &str) -> Result<Wish, String> {
    match value {
        "true" => Ok(Wish::Print(format!("Kubernetes {OWN}\n"))),
        "raw" => Ok(Wish::Print(raw())),
        version if version.starts_with('v') => match check(version) {
            Ok(()) => Ok(Wish::Report(version.to_owned())),
            Err(why) => Err(format!("invalid argument {version:?} for \"--version\" flag: {why}")),
        },
        _ => Ok(Wish::Report(OWN.to_owned())),
    }
}

/// Only what stands behind the three numbers may differ.
fn check(version: &str) -> Result<(), String> {
    let numbers = version.trim_start_matches('v');
    let end = numbers.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (numbers, suffix) = numbers.split_at(end.unwrap_or(numbers.len()));
    if numbers.is_empty() {
        return Err(format!("could not parse {version:?} as version"));
    }
    if numbers.split('.').count() != 3 || numbers.split('.').any(str::is_empty) {
        return Err(format!("illegal version string {version:?}"));
    }
    let word = |text: &str| {
        let part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        text.split('.').all(part)
    };
    let (before, build) = suffix
        .split_once('+')
        .map_or((suffix, None), |(before, build)| (before, Some(build)));
    let good = before.is_empty() || before.strip_prefix('-').is_some_and(word);
    if !good || !build.is_none_or(word) {
        return Err(format!(
            "could not parse pre-release/metadata ({suffix}) in version {numbers:?}"
        ));
    }
    if format!("v{numbers}") == OWN {
        Ok(())
    } else {
        Err(format!(
            "version {version:?} must match major/minor/patch of default version {OWN:?}"
        ))
    }
}

/// The fields that scripts cut apart; there is no Go here, so its field names this program.
fn raw() -> String {
    let mut parts = OWN.trim_start_matches('v').split('.');
    let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let (program, os) = (
        concat!("none (keelson ", env!("CARGO_PKG_VERSION"), ")"),
        std::env::consts::OS,
    );
    format!(
        "version.Info{{Major:{major:?}, Minor:{minor:?}, EmulationMajor:\"\", EmulationMinor:\"\", \
         MinCompatibilityMajor:\"\", MinCompatibilityMinor:\"\", GitVersion:{OWN:?}, GitCommit:\"\", GitTreeState:\"\", \
         BuildDate:\"\", GoVersion:{program:?}, Compiler:\"rustc\", Platform:\"{os}/{arch}\"}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_to_report_is_this_one_with_a_suffix() {
        for good in ["v1.36.2", "v1.36.2-gke.100", "v1.36.2+k3s1", "v1.36.2-rc.1+x.y"] {
            assert_eq!(wish(good), Ok(Wish::Report(good.to_owned())));
        }
        for (bad, why) in [
            (
                "v1.36.1",
                "version \"v1.36.1\" must match major/minor/patch of default version \"v1.36.2\"",
            ),
            ("v1.36", "illegal version string \"v1.36\""),
            ("vx", "could not parse \"vx\" as version"),
            (
                "v1.36.2_x",
                "could not parse pre-release/metadata (_x) in version \"1.36.2\"",
            ),
        ] {
            let expected = format!("invalid argument {bad:?} for \"--version\" flag: {why}");
            assert_eq!(wish(bad), Err(expected));
        }
    }

    #[test]
    fn the_version_is_printed_shortly_and_in_full() {
        assert_eq!(wish("true"), Ok(Wish::Print("Kubernetes v1.36.2\n".to_owned())));
        assert_eq!(wish("false"), Ok(Wish::Report("v1.36.2".to_owned())));
        let Ok(Wish::Print(raw)) = wish("raw") else { panic!() };
        assert!(raw.starts_with("version.Info{Major:\"1\", Minor:\"36\", ") && raw.contains("GitVersion:\"v1.36.2\""));
    }
}
