//! What is said of the values that fields may have. The documents of 1.23 were the last to be published with it, so that
//! it is taken from the `k8s-openapi` of those days; of what came later nothing is said.

use std::collections::HashMap;
use std::path::PathBuf;
use std::{fs, io};

use schemars_0_8::r#gen::SchemaSettings;
use serde_json::{Map, Value};

use crate::roots::roots;

/// Behind this line of what is said of a field stand its values, one a line.
const HEAD: &str = "Possible enum values:\n";

/// Values of which upstream says something else by now, and their types.
const OUTDATED: [(&str, &str); 3] = [
    ("io.k8s.api.core.v1.ResourceQuotaScope", "CrossNamespacePodAffinity"),
    ("io.k8s.api.core.v1.ServiceExternalTrafficPolicy", "Cluster"),
    ("io.k8s.api.core.v1.ServiceExternalTrafficPolicy", "Local"),
];

/// What is said of each value, by the name of its type.
pub(crate) fn words(table: &[PathBuf]) -> io::Result<Map<String, Value>> {
    let types = types()?;
    let mut words = Map::new();
    for Place { owner, field, values } in places(table)? {
        let text = types
            .get(&owner)
            .and_then(|one| one["properties"][&field]["description"].as_str());
        let Some((_, lines)) = text.and_then(|text| text.split_once(HEAD)) else {
            continue;
        };
        let said = lines.lines().filter_map(line);
        let said = said.filter(|(value, text)| !text.is_empty() && !OUTDATED.contains(&(&values, value)));
        let said: Map<String, Value> = said.map(|(value, text)| (value.to_owned(), text.into())).collect();
        // Another field with these values said the same.
        words.entry(values).or_insert(Value::Object(said));
    }
    Ok(words)
}

/// The value and the words of a line.
fn line(line: &str) -> Option<(&str, &str)> {
    let (value, words) = line.strip_prefix(" - `\"")?.split_once("\"`")?;
    Some((value, words.trim()))
}

/// The types of 1.23 whose fields have values.
fn types() -> io::Result<Map<String, Value>> {
    let mut generator = SchemaSettings::draft2019_09().into_generator();
    roots! { generator,
        [k8s_openapi_1_23::api::apps::v1] DaemonSet Deployment StatefulSet;
        [k8s_openapi_1_23::api::batch::v1] CronJob;
        [k8s_openapi_1_23::api::core::v1] Endpoints Namespace Node PersistentVolume PersistentVolumeClaim Pod ResourceQuota Service;
        [k8s_openapi_1_23::api::discovery::v1] EndpointSlice;
    }
    let types = generator.definitions().iter();
    let types = types.map(|(name, one)| Ok((name.clone(), serde_json::to_value(one)?)));
    types.collect()
}

/// A field that may have one of some values.
struct Place {
    /// The name of its struct in documents.
    owner: String,
    /// Its own name.
    field: String,
    /// The name of the type of the values in documents.
    values: String,
}

/// The fields of which the table says that they have values.
fn places(table: &[PathBuf]) -> io::Result<Vec<Place>> {
    let mut texts = Vec::new();
    let mut prefixes = HashMap::new();
    for file in table {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(file)?;
        let prefix = text.lines().find_map(|line| line.strip_prefix("# "));
        prefixes.insert(name.clone(), prefix.unwrap_or_default().to_owned());
        texts.push((name, text));
    }
    let mut places = Vec::new();
    for (file, text) in &texts {
        let full = |file: &str, name: &str| Some(format!("{}.{name}", prefixes.get(file)?));
        let mut owner = "";
        for line in text.lines() {
            let Some(field) = line.strip_prefix("  ") else {
                owner = line.split(' ').next().unwrap_or_default();
                continue;
            };
            let mut words = field.split(' ').skip(1);
            let field = words.next().unwrap_or_default().trim_end_matches(['!', '~']);
            let Some(values) = words.find_map(|word| word.strip_prefix("one=")) else {
                continue;
            };
            let (at, values) = values.rsplit_once('.').unwrap_or((file, values));
            if let (Some(owner), Some(values)) = (full(file, owner), full(at, values)) {
                let field = field.to_owned();
                places.push(Place { owner, field, values });
            }
        }
    }
    Ok(places)
}
