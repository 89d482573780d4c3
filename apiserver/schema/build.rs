//! Lists the files of the table, so that a new group is a new file and nothing else, and takes the descriptions of types,
//! fields and values from `k8s-openapi`: they are upstream's sentences, which are not copied here.

#[path = "build/roots.rs"]
mod roots;
#[path = "build/values.rs"]
mod values;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use serde_json::{Map, Value};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build");
    println!("cargo::rerun-if-changed=table");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    let files = files()?;
    words(&files, &out.join("words.zlib"))?;
    list(&files, &out.join("files.rs"))
}

/// Writes what is said of each type (under the empty name) and of its fields, and of each value of types that have some.
fn words(files: &[PathBuf], to: &Path) -> io::Result<()> {
    let mut generator = schemars::generate::SchemaSettings::draft2020_12().into_generator();
    roots::all(&mut generator);
    let mut words = Map::new();
    for (name, one) in generator.definitions() {
        let mut said = Map::new();
        let description = |value: &Value| value.get("description").cloned();
        said.extend(description(one).map(|text| (String::new(), text)));
        let fields = one.get("properties").and_then(Value::as_object).into_iter().flatten();
        said.extend(fields.filter_map(|(field, value)| Some((field.clone(), description(value)?))));
        event(&mut said);
        words.insert(name.clone(), Value::Object(said));
    }
    words.extend(values::words(files)?);
    let mut file = ZlibEncoder::new(fs::File::create(to)?, Compression::best());
    file.write_all(Value::Object(words).to_string().as_bytes())?;
    file.finish()?;
    Ok(())
}

/// Of an event that is watched, the crate says in one what upstream says of it and of its object.
fn event(said: &mut Map<String, Value>) {
    let all = said.get("").and_then(Value::as_str);
    if let Some((own, object)) = all.and_then(|all| all.split_once("\n\nObject is:")) {
        let (own, object) = (own.to_owned(), format!("Object is:{}", object.trim_end()));
        said.insert(String::new(), own.into());
        said.insert("object".to_owned(), object.into());
    }
}

/// The files of the table, by name.
fn files() -> io::Result<Vec<PathBuf>> {
    let folder = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?).join("table");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.sort();
    Ok(files)
}

fn list(files: &[PathBuf], to: &Path) -> io::Result<()> {
    let mut text = String::from("/// The files of the table: name and text.\nconst FILES: &[(&str, &str)] = &[\n");
    for file in files {
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        // Relative to the package: a target folder may be shared by copies of the repository.
        let path = format!(r#"concat!(env!("CARGO_MANIFEST_DIR"), "/table/{name}.txt")"#);
        writeln!(text, "    ({name:?}, include_str!({path})),").map_err(io::Error::other)?;
    }
    text.push_str("];\n");
    fs::write(to, text)
}
