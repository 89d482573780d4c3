//! Files of volumes that cover each other.

use apiserver_api::go::quote;
use apiserver_api::tree::Tree;
use apiserver_api::warnings::ENOUGH;

/// So many files of a volume are held against each other: each against all, so not too many.
const MOST: usize = 500;

/// A file, and the source that it is of where a volume has several.
struct Place {
    path: String,
    source: String,
}

impl Place {
    fn new(path: &str, source: &str) -> Self {
        Self {
            path: path.trim_end_matches('/').to_owned(),
            source: source.to_owned(),
        }
    }

    fn shown(&self) -> String {
        if self.source.is_empty() {
            quote(&self.path)
        } else {
            format!("{} ({})", quote(&self.path), self.source)
        }
    }

    /// Whether one is the other or a directory above it.
    fn covers(&self, other: &Self) -> bool {
        let below = |a: &str, b: &str| {
            a.strip_prefix(b)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let (a, b) = (&*self.path, &*other.path);
        !a.is_empty() && !b.is_empty() && (below(a, b) || below(b, a))
    }
}

/// The warnings of all volumes.
pub(super) fn of(volumes: &[Tree]) -> Vec<String> {
    let mut warnings = Vec::new();
    for volume in volumes {
        let alone = [("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")];
        for (field, kind, name) in alone {
            let source = volume.at(field);
            let what = format!("{kind} {}", quote(source.text(name)));
            tell(volume, &what, files(source, ""), &mut warnings);
        }
        tell(
            volume,
            "DownwardAPI",
            files(volume.at("downwardAPI"), ""),
            &mut warnings,
        );
        let mut places = Vec::new();
        for source in volume.at("projected").items("sources") {
            if source
                .as_map()
                .is_none_or(|source| source.iter().all(|(_, one)| one.is_null()))
            {
                let name = quote(volume.text("name"));
                warnings.push(format!("volume {name} (Projected) has no sources provided"));
            } else {
                places.extend(projected(source));
            }
        }
        tell(volume, "Projected", places, &mut warnings);
    }
    warnings
}

fn files(source: &Tree, what: &str) -> Vec<Place> {
    let items = source.items("items").iter();
    items.map(|item| Place::new(item.text("path"), what)).collect()
}

fn projected(source: &Tree) -> Vec<Place> {
    let named = |kind: &str, one: &Tree| format!("{kind} {}", quote(one.text("name")));
    let (map, secret, own) = (source.at("configMap"), source.at("secret"), source.at("downwardAPI"));
    let token = source.at("serviceAccountToken");
    if !map.items("items").is_empty() {
        files(map, &named("ConfigMap", map))
    } else if !secret.items("items").is_empty() {
        files(secret, &named("Secret", secret))
    } else if !own.items("items").is_empty() {
        files(own, "DownwardAPI")
    } else if !token.is_null() {
        vec![Place::new(token.text("path"), "ServiceAccountToken")]
    } else {
        Vec::new()
    }
}

fn tell(volume: &Tree, what: &str, mut places: Vec<Place>, warnings: &mut Vec<String>) {
    places.truncate(MOST);
    for (at, place) in places.iter().enumerate() {
        if warnings.len() >= ENOUGH {
            return;
        }
        for earlier in places[..at].iter().filter(|earlier| earlier.covers(place)) {
            warnings.push(format!(
                "volume {} ({what}): overlapping paths: {} with {}",
                quote(volume.text("name")),
                place.shown(),
                earlier.shown()
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::of;
    use crate::pod::testing::json;

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
