//! `LeaseCandidate`: who could hold a lease.

use std::cmp::Ordering;

use apiserver_api::meta;
use apiserver_api::names::{Messages, NameRule, config_map_key};
use apiserver_api::path::Path;
use apiserver_api::refusal::Refusals;
use apiserver_api::tree::Tree;

use super::strategy::{self, OLDEST_EMULATION_VERSION};
use crate::check::immutable;
use crate::column::{AGE, Cell, Column, NAME, Words};
use crate::kind::{Asked, Conversion, Kind, Rules, Version};

const SPEC: &str = "io.k8s.api.coordination.v1alpha2.LeaseCandidateSpec";

/// The entry of the table.
pub(crate) const LEASE_CANDIDATE: Kind = Kind {
    group: "coordination.k8s.io",
    kind: "LeaseCandidate",
    plural: "leasecandidates",
    singular: "leasecandidate",
    versions: &[
        Version::stored("v1beta1", "io.k8s.api.coordination.v1beta1.LeaseCandidate"),
        Version {
            name: "v1alpha2",
            schema: "io.k8s.api.coordination.v1alpha2.LeaseCandidate",
            // Both have the same fields.
            conversion: Some(Conversion {
                store: |_| {},
                serve: |_| {},
            }),
        },
    ],
    folder: "leasecandidates",
    rules: &LeaseCandidate,
    columns: &[
        NAME,
        Column {
            name: "LeaseName",
            kind: "string",
            format: "",
            words: Words::Of(SPEC, "leaseName"),
            priority: 0,
            cell: Cell::Is(|object| object.at("spec").text("leaseName").into()),
        },
        Column {
            name: "BinaryVersion",
            kind: "string",
            format: "",
            words: Words::Text(""),
            priority: 0,
            cell: Cell::Is(|object| object.at("spec").text("binaryVersion").into()),
        },
        Column {
            name: "EmulationVersion",
            kind: "string",
            format: "",
            words: Words::Text(""),
            priority: 0,
            cell: Cell::Is(|object| object.at("spec").text("emulationVersion").into()),
        },
        AGE,
    ],
    ..Kind::PLAIN
};

struct LeaseCandidate;

impl Rules for LeaseCandidate {
    fn name(&self) -> NameRule {
        name
    }

    fn validate(&self, _asked: &Asked<'_>, object: &Tree, refusals: &mut Refusals) {
        let path = Path::of("metadata");
        meta::validate(&path, meta::metadata(object), true, self.name(), refusals);
        validate_spec(object.at("spec"), refusals);
    }

    fn validate_update(&self, _asked: &Asked<'_>, object: &Tree, old: &Tree, refusals: &mut Refusals) {
        let path = Path::of("metadata");
        meta::validate_update(&path, meta::metadata(object), meta::metadata(old), refusals);
        validate_spec(object.at("spec"), refusals);
        let (path, field) = (Path::of("spec"), "leaseName");
        immutable(
            &path.field(field),
            object.at("spec").at(field),
            old.at("spec").at(field),
            refusals,
        );
    }

    fn creates_on_update(&self) -> bool {
        true
    }

    fn updates_unconditionally(&self) -> bool {
        false
    }
}

/// Names are as free as keys of config maps, generated or not.
fn name(name: &str, _prefix: bool) -> Messages {
    config_map_key(name)
}

fn validate_spec(spec: &Tree, refusals: &mut Refusals) {
    let path = Path::of("spec");
    if spec.text("leaseName").is_empty() {
        refusals.required(&path.field("leaseName"), "");
    }
    let (emulation, binary) = (spec.text("emulationVersion"), spec.text("binaryVersion"));
    let emulated = Semver::parse(emulation);
    if !emulation.is_empty() && emulated.is_none() {
        let detail = "must be a valid semantic version";
        refusals.invalid(&path.field("emulationVersion"), emulation, detail);
    }
    let built = Semver::parse(binary);
    if binary.is_empty() {
        refusals.required(&path.field("binaryVersion"), "");
    } else if built.is_none() {
        refusals.invalid(&path.field("binaryVersion"), binary, "must be a valid semantic version");
    }
    let emulated = emulated.unwrap_or_default();
    if !binary.is_empty() && !emulation.is_empty() && built.unwrap_or_default() < emulated {
        let detail = "must be greater than or equal to `emulationVersion`";
        refusals.invalid(&path.field("binaryVersion"), binary, detail);
    }
    let chosen = spec.text("strategy");
    if chosen.is_empty() {
        refusals.required(&path.field("strategy"), "");
        return;
    }
    if chosen == OLDEST_EMULATION_VERSION && emulated == Semver::default() {
        let detail = "must be specified when `strategy` is 'OldestEmulationVersion'";
        refusals.required(&path.field("emulationVersion"), detail);
    }
    strategy::validate(&path.field("strategy"), chosen, refusals);
}

/// A semantic version (semver.org, 2.0), what is built into it aside.
#[derive(Debug, Default, PartialEq, Eq)]
struct Semver {
    numbers: [u64; 3],
    /// The parts of a pre-release.
    pre: Vec<Part>,
}

/// A part of a pre-release: numbers come before words.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Number(u64),
    Word(String),
}

impl Semver {
    fn parse(text: &str) -> Option<Self> {
        let (text, build) = text
            .split_once('+')
            .map_or((text, None), |(text, build)| (text, Some(build)));
        if build.is_some_and(|build| !build.split('.').all(is_word)) {
            return None;
        }
        let (core, pre) = text
            .split_once('-')
            .map_or((text, None), |(core, pre)| (core, Some(pre)));
        let mut numbers = [0; 3];
        let mut parts = core.split('.');
        for number in &mut numbers {
            *number = whole(parts.next()?)?;
        }
        let pre = match pre {
            Some(pre) => pre.split('.').map(part).collect::<Option<_>>()?,
            None => Vec::new(),
        };
        parts.next().is_none().then_some(Self { numbers, pre })
    }
}

impl PartialOrd for Semver {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Semver {
    fn cmp(&self, other: &Self) -> Ordering {
        // A pre-release comes before what it leads to.
        let released = |version: &Self| version.pre.is_empty();
        self.numbers
            .cmp(&other.numbers)
            .then_with(|| released(self).cmp(&released(other)))
            .then_with(|| self.pre.cmp(&other.pre))
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

/// A number without leading zeros.
fn whole(text: &str) -> Option<u64> {
    let fine = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if fine { text.parse().ok() } else { None }
}

fn part(text: &str) -> Option<Part> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        whole(text).map(Part::Number)
    } else {
        is_word(text).then(|| Part::Word(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::{LEASE_CANDIDATE, Semver};
    use crate::trial::{refused, update};

    #[test]
    fn versions_are_ordered_as_semver_says() {
        let version = |text| Semver::parse(text).unwrap();
        for (less, more) in [
            ("1.2.3", "1.10.0"),
            ("1.0.0-a", "1.0.0"),
            ("1.0.0-2", "1.0.0-a"),
            ("1.0.0-2", "1.0.0-10"),
        ] {
            assert!(version(less) < version(more), "{less} {more}");
        }
        assert_eq!(version("1.0.0+x"), version("1.0.0"));
        for wrong in [
            "", "1", "1.2", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3-01", "v1.2.3", "1.2.3+",
        ] {
            assert_eq!(Semver::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_candidate_says_its_versions_and_how_it_is_chosen() {
        let fine = r#"{"spec": {"leaseName": "a", "binaryVersion": "1.2.0", "emulationVersion": "1.1.0", "strategy": "OldestEmulationVersion"}}"#;
        assert!(refused(&LEASE_CANDIDATE, fine).is_empty());
        let told = refused(&LEASE_CANDIDATE, r#"{"spec": {"emulationVersion": "x"}}"#);
        assert_eq!(
            told,
            [
                "spec.leaseName: Required value",
                r#"spec.emulationVersion: Invalid value: "x": must be a valid semantic version"#,
                "spec.binaryVersion: Required value",
                "spec.strategy: Required value",
            ]
        );
        let older = fine.replace("1.2.0", "1.0.0");
        assert_eq!(refused(&LEASE_CANDIDATE, &older).len(), 1);
        let moved = fine.replace(r#""a""#, r#""b""#);
        assert!(update(&LEASE_CANDIDATE, fine, &moved).is_err());
    }
}
