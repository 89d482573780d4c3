//! Takes what a browser needs of Swagger UI out of its release, which a crate carries, and compresses each file.

use std::io::{Cursor, Read, Write};
use std::path::PathBuf;
use std::{env, fs, io};

use flate2::Compression;
use flate2::write::GzEncoder;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;
use zip::ZipArchive;

/// What is taken: the same names stand in `src/swagger_ui.rs`.
const FILES: [&str; 5] = [
    "favicon-32x32.png",
    "index.css",
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
    "swagger-ui.css",
];

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    let mut release = ZipArchive::new(Cursor::new(SWAGGER_UI_VENDORED)).map_err(io::Error::other)?;
    for file in FILES {
        let end = format!("/dist/{file}");
        let path = release
            .file_names()
            .filter_map(Result::ok)
            .find(|path| path.ends_with(&end));
        let path = path
            .ok_or_else(|| io::Error::other(format!("the release has no {file}")))?
            .into_owned();
        let mut bytes = Vec::new();
        release
            .by_name(&path)
            .map_err(io::Error::other)?
            .read_to_end(&mut bytes)?;
        let packed = fs::File::create(out.join(format!("{file}.gz")))?;
        let mut packed = GzEncoder::new(packed, Compression::best());
        packed.write_all(&bytes)?;
        packed.finish()?;
    }
    Ok(())
}
