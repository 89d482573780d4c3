//! `store-ctl hashkv`: the hash of the keys of a snapshot file or a data folder.

use std::path::Path;

use store_mvcc::Mvcc;

use super::data::Data;
use super::print::{Cell, Format, render};
use crate::error::{Error, Result};

pub(super) fn run(path: &Path, revision: i64, format: Format) -> Result<String> {
    if path.is_dir() {
        let data = Data::open(path, None)?;
        return show(&data.machine.reader().mvcc(), revision, format);
    }
    let engine = super::snapshot::keys(path)?;
    let mvcc = Mvcc::open(engine).map_err(|error| Error::chain(&error))?;
    show(&mvcc.reader(), revision, format)
}

fn show(reader: &store_mvcc::Reader, revision: i64, format: Format) -> Result<String> {
    let hash = reader.view().hash_kv(revision).map_err(|error| Error::chain(&error))?;
    let number = |heading, field, key, value: i64| Cell {
        heading,
        field,
        key,
        shown: value.to_string(),
        value: value.into(),
    };
    let cells = [
        number("hash", "Hash", "hash", hash.hash.into()),
        number("hash revision", "Hash revision", "hashRevision", hash.hash_revision),
        number(
            "compact revision",
            "Compact revision",
            "compactRevision",
            hash.compact_revision,
        ),
    ];
    Ok(render(format, &cells))
}
