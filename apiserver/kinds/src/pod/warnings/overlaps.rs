//! Files of volumes that cover each other.

use std::fmt::{self, Display};

use apiserver_api::go::quote;
use apiserver_api::tree::Tree;
use apiserver_api::warnings::ENOUGH;

/// So many files of a volume are held against each other: each against all, so not too many.
const MOST: usize = 500;
/// So many bytes the warnings of all volumes have, and not many more. Each tells the name of its volume and of its source, and
/// names there are of megabytes.
const BYTES_MAX: usize = 8 << 20;

/// What files are of: a kind, and its name where that is told.
#[derive(Clone, Copy)]
struct Source<'v> {
    kind: &'static str,
    name: Option<&'v str>,
}

impl<'v> Source<'v> {
    const fn of(kind: &'static str) -> Self {
        Self { kind, name: None }
    }

    const fn named(kind: &'static str, name: &'v str) -> Self {
        Self { kind, name: Some(name) }
    }
}

impl Display for Source<'_> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.kind)?;
        self.name.map_or(Ok(()), |name| write!(out, " {}", quote(name)))
    }
}

/// A file, and the source that it is of where a volume has several.
#[derive(Clone, Copy)]
struct Place<'v> {
    path: &'v str,
    source: Option<Source<'v>>,
}

impl<'v> Place<'v> {
    fn new(item: &'v Tree, source: Option<Source<'v>>) -> Self {
        let path = item.text("path").trim_end_matches('/');
        Self { path, source }
    }

    fn shown(&self) -> String {
        let path = quote(self.path);
        match self.source {
            None => path,
            Some(source) => format!("{path} ({source})"),
        }
    }

    /// Whether one is the other or a directory above it.
    fn covers(&self, other: &Self) -> bool {
        let below = |a: &str, b: &str| {
            a.strip_prefix(b)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let (a, b) = (self.path, other.path);
        !a.is_empty() && !b.is_empty() && (below(a, b) || below(b, a))
    }
}

/// The warnings of all volumes.
pub(super) fn of(volumes: &[Tree]) -> Vec<String> {
    let mut told = Told::default();
    for volume in volumes {
        if told.is_full() {
            break;
        }
        let alone = [("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")];
        for (field, kind, name) in alone {
            let source = volume.at(field);
            told.overlaps(volume, Source::named(kind, source.text(name)), files(source, None));
        }
        let own = files(volume.at("downwardAPI"), None);
        told.overlaps(volume, Source::of("DownwardAPI"), own);
        let sources = volume.at("projected").items("sources");
        if sources.iter().any(is_nothing) {
            let name = quote(volume.text("name"));
            told.push(format!("volume {name} (Projected) has no sources provided"));
        }
        let places = sources.iter().flat_map(projected);
        told.overlaps(volume, Source::of("Projected"), places);
    }
    told.warnings
}

/// Whether a source says nothing of where its files are from.
fn is_nothing(source: &Tree) -> bool {
    source
        .as_map()
        .is_none_or(|source| source.iter().all(|(_, one)| one.is_null()))
}

fn files<'v>(holder: &'v Tree, source: Option<Source<'v>>) -> impl Iterator<Item = Place<'v>> {
    let items = holder.items("items").iter();
    items.map(move |item| Place::new(item, source))
}

/// The files of one of the sources of a volume.
fn projected(source: &Tree) -> impl Iterator<Item = Place<'_>> {
    let (map, secret, own) = (source.at("configMap"), source.at("secret"), source.at("downwardAPI"));
    let token = source.at("serviceAccountToken");
    let (files, of) = if !map.items("items").is_empty() {
        (map.items("items"), Source::named("ConfigMap", map.text("name")))
    } else if !secret.items("items").is_empty() {
        (secret.items("items"), Source::named("Secret", secret.text("name")))
    } else if !own.items("items").is_empty() {
        (own.items("items"), Source::of("DownwardAPI"))
    } else {
        // A token is one file, and says itself where.
        let files = if token.is_null() {
            &[]
        } else {
            std::slice::from_ref(token)
        };
        (files, Source::of("ServiceAccountToken"))
    };
    files.iter().map(move |file| Place::new(file, Some(of)))
}

/// What was told so far.
#[derive(Default)]
struct Told {
    warnings: Vec<String>,
    bytes: usize,
}

impl Told {
    const fn is_full(&self) -> bool {
        self.bytes >= BYTES_MAX
    }

    fn push(&mut self, warning: String) {
        self.bytes += warning.len();
        self.warnings.push(warning);
    }

    /// Tells of the files of a volume that cover each other.
    fn overlaps<'v>(&mut self, volume: &Tree, what: Source<'_>, places: impl Iterator<Item = Place<'v>>) {
        let places: Vec<Place<'_>> = places.take(MOST).collect();
        for (at, place) in places.iter().enumerate() {
            if self.warnings.len() >= ENOUGH {
                return;
            }
            for earlier in places[..at].iter().filter(|earlier| earlier.covers(place)) {
                if self.is_full() {
                    return;
                }
                self.push(format!(
                    "volume {} ({what}): overlapping paths: {} with {}",
                    quote(volume.text("name")),
                    place.shown(),
                    earlier.shown()
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use apiserver_api::tree::Tree;

    use super::of;
    use crate::pod::testing::json;

    /// A volume with a source of a long name and many files at paths that this makes.
    fn long(holder: &str, name: &str, count: usize, path: impl Fn(usize) -> String) -> Tree {
        let items = (0..count).map(|at| {
            let mut item = Tree::map();
            item.set("path", path(at));
            item
        });
        let mut source = Tree::map();
        source.set(name, "x".repeat(300_000));
        source.set("items", items.collect::<Vec<_>>());
        let mut volume = Tree::map();
        volume.set(holder, source);
        volume
    }

    #[test]
    fn a_long_name_is_not_told_for_each_of_five_hundred_files() {
        let secret = long("secret", "secretName", 500, |_| "a".to_owned());
        let warnings = of(&[secret.clone(), secret]);
        let bytes: usize = warnings.iter().map(String::len).sum();
        assert!((8 << 20..9 << 20).contains(&bytes), "{bytes}");
    }

    #[test]
    fn a_long_name_is_not_kept_for_each_of_a_hundred_thousand_files() {
        let mut source = long("configMap", "name", 100_000, |at| at.to_string());
        source.child("configMap").set("name", "x".repeat(1 << 20));
        let mut volume = Tree::map();
        volume.child("projected").set("sources", vec![source; 2]);
        assert_eq!(of(&[volume]), Vec::<String>::new(), "only the first files are compared");
    }

    #[test]
    fn sources_that_are_nothing_are_told_of_once() {
        let mut volume = Tree::map();
        volume.set("name", "x".repeat(1 << 20));
        volume.child("projected").set("sources", vec![Tree::map(); 100_000]);
        assert_eq!(of(&[volume]).len(), 1);
    }

    #[test]
    fn a_file_does_not_cover_another() {
        let cases = [
            (
                r#"[{"name":"v","configMap":{"items":[{"path":"a"},{"path":"b"}]}}]"#,
                None,
            ),
            (
                r#"[{"name":"v","secret":{"secretName":"s","items":[{"path":"a"},{"path":"a/b"}]}}]"#,
                Some(r#"volume "v" (Secret "s"): overlapping paths: "a/b" with "a""#),
            ),
            (
                r#"[{"name":"v","projected":{"sources":[{"serviceAccountToken":{"path":"t"}},
                    {"configMap":{"name":"m","items":[{"path":"t"}]}}]}}]"#,
                Some(
                    "volume \"v\" (Projected): overlapping paths: \"t\" (ConfigMap \"m\") with \"t\" \
                     (ServiceAccountToken)",
                ),
            ),
            (
                r#"[{"name":"v","projected":{"sources":[{}]}}]"#,
                Some(r#"volume "v" (Projected) has no sources provided"#),
            ),
        ];
        for (volumes, told) in cases {
            let warnings = of(json(volumes).as_list().unwrap());
            assert_eq!(warnings.first().map(String::as_str), told);
        }
    }
}
