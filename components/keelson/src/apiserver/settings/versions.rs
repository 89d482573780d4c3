//! Which version is played: only this program's own.

use base::flags::pflag::Parsed;

use super::Findings;

/// Major and minor version of the API and behaviour that the apiserver has.
const OWN: (u64, u64) = (1, 36);
/// The oldest that upstream's program of this version plays.
const OLDEST: u64 = 33;

/// Reads `--emulated-version` and `--min-compatibility-version`, which can only name what is so anyway.
///
/// # Errors
/// One text for each that names something else, or no version; upstream's where it would not take it either.
pub(crate) fn check(parsed: &Parsed) -> Result<(), Vec<String>> {
    let emulated = read(parsed, "emulated-version").map_err(|error| vec![error])?;
    let compatible = read(parsed, "min-compatibility-version").map_err(|error| vec![error])?;
    let mut errors = Vec::new();
    if let Some((major, minor)) = emulated.filter(|version| *version != OWN) {
        errors.push(if major == OWN.0 && (OLDEST..OWN.1).contains(&minor) {
            format!("--emulated-version={major}.{minor} cannot be used: only 1.36 is offered; leave the flag out")
        } else {
            format!("emulation version {major}.{minor} is not between [1.{OLDEST}, 1.36.0]")
        });
    }
    if let Some((major, minor)) = compatible.filter(|version| *version != (OWN.0, OWN.1 - 1)) {
        errors.push(if major == OWN.0 && (OLDEST..=OWN.1).contains(&minor) {
            format!(
                "--min-compatibility-version={major}.{minor} cannot be used: only 1.35 is offered; leave the flag out"
            )
        } else {
            format!("minCompatibilityVersion version {major}.{minor} is not between [1.{OLDEST}, 1.36]")
        });
    }
    if errors.is_empty() { Ok(()) } else { Err(errors) }
}

/// Two switches that only mean something for an older version.
pub(super) fn check_forward(parsed: &Parsed, found: &mut Findings) {
    for (flag, field) in [
        ("emulation-forward-compatible", "EmulationForwardCompatible"),
        (
            "runtime-config-emulation-forward-compatible",
            "RuntimeConfigEmulationForwardCompatible",
        ),
    ] {
        if parsed.bool(flag) {
            found.error(format!(
                "ServerRunOptions.{field} cannot be set to true if the emulation version is the same as the binary version"
            ));
        }
    }
}

/// The version that a flag gives for `kube`.
fn read(parsed: &Parsed, flag: &str) -> Result<Option<(u64, u64)>, String> {
    let mut found: Option<(u64, u64)> = None;
    for text in parsed.texts(flag) {
        let (component, text) = match text.split_once('=') {
            Some((component, text)) => (component.trim(), text.trim()),
            None => ("kube", text.as_str()),
        };
        let (major, minor, patch) = numbers(text)?;
        if patch != 0 {
            return Err(format!(
                "patch version not allowed, got: {component}={major}.{minor}.{patch}"
            ));
        }
        if component != "kube" {
            return Err(format!("component not registered: {component}"));
        }
        if let Some((earlier_major, earlier)) = found {
            return Err(format!(
                "duplicate version flag, kube={earlier_major}.{earlier} and kube={major}.{minor}"
            ));
        }
        found = Some((major, minor));
    }
    Ok(found)
}

fn numbers(text: &str) -> Result<(u64, u64, u64), String> {
    let plain = text.trim_start();
    let plain = plain.strip_prefix('v').unwrap_or(plain);
    let end = plain.find(|c: char| !c.is_ascii_digit() && c != '.');
    let plain = plain[..end.unwrap_or(plain.len())].trim_end_matches('.');
    if !plain.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("could not parse {text:?} as version"));
    }
    let parts: Result<Vec<u64>, _> = plain.split('.').map(str::parse).collect();
    match parts.as_deref() {
        Ok([major, minor]) => Ok((*major, *minor, 0)),
        Ok([major, minor, patch, ..]) => Ok((*major, *minor, *patch)),
        _ => Err(format!("illegal version string {text:?}")),
    }
}
