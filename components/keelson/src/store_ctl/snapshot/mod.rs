//! `store-ctl snapshot`: etcd's snapshot files, looked at and restored.

mod restore;

use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::folder;
use clap::Subcommand;
use store_bolt::Hash;
use store_bolt::etcd::{self, Contents, Import};
use store_engine::{Engine, Memory};
use store_mvcc::{ImportOptions, Revision, Version};

use super::data::Data;
use super::print::{Cell, Format, bytes, render};
use crate::error::{Error, Result};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Say what a snapshot file holds, and whether it is whole
    Status {
        /// The file
        file: PathBuf,
    },
    /// Make a snapshot file from the data folder of a stopped member, for example the last one of a cluster that is lost
    Save {
        /// The file to make
        file: PathBuf,
        /// The member's --data-dir
        #[arg(long)]
        data_dir: PathBuf,
        /// The member's --wal-dir, if it has one
        #[arg(long)]
        wal_dir: Option<PathBuf>,
    },
    /// Make the data folder of a new member, in a new cluster, from a snapshot file
    Restore(restore::Args),
}

pub(super) fn run(command: &Command, format: Format) -> Result<String> {
    match command {
        Command::Status { file } => status(file, format),
        Command::Save {
            file,
            data_dir,
            wal_dir,
        } => save(file, data_dir, wal_dir.as_deref()),
        Command::Restore(args) => restore::run(args),
    }
}

fn open(path: &Path) -> Result<BufReader<File>> {
    let file = File::open(path).map_err(|error| Error::new(format!("cannot open {}: {error}", path.display())))?;
    Ok(BufReader::with_capacity(1 << 20, file))
}

fn status(path: &Path, format: Format) -> Result<String> {
    let status = store_bolt::status(open(path)?, Hash::IfPresent).map_err(|error| unusable(path, &error))?;
    let cells = [
        Cell {
            heading: "hash",
            field: "Hash",
            key: "hash",
            shown: format!("{:x}", status.hash),
            value: status.hash.into(),
        },
        Cell {
            heading: "revision",
            field: "Revision",
            key: "revision",
            shown: status.revision.to_string(),
            value: status.revision.into(),
        },
        Cell {
            heading: "total keys",
            field: "Keys",
            key: "totalKey",
            shown: status.total_key.to_string(),
            value: status.total_key.into(),
        },
        Cell {
            heading: "total size",
            field: "Size",
            key: "totalSize",
            shown: bytes(status.total_size),
            value: status.total_size.into(),
        },
        Cell {
            heading: "version",
            field: "Version",
            key: "version",
            shown: status.version.clone(),
            value: status.version.into(),
        },
    ];
    Ok(render(format, &cells))
}

/// Writes beside the file's place and moves it there when whole.
fn save(path: &Path, data_dir: &Path, wal_dir: Option<&Path>) -> Result<String> {
    let shown = path.display();
    if path.exists() {
        return Err(Error::new(format!("{shown} exists; give a file that does not")));
    }
    let data = Data::open(data_dir, wal_dir)?;
    let reader = data.machine.reader();
    let beside = path.with_extension("part");
    let written = File::create(&beside).map_err(store_bolt::Error::from).and_then(|file| {
        store_node::save_snapshot(&reader, BufWriter::new(&file))?;
        file.sync_all()?;
        Ok(folder::rename(&beside, path)?)
    });
    written.map_err(|error| {
        drop(std::fs::remove_file(&beside));
        Error::new(format!("cannot write {shown}: {}", Error::chain(&error)))
    })?;
    Ok(format!(
        "Snapshot saved at {shown}: revision {}\n",
        reader.state().revision
    ))
}

fn unusable(path: &Path, error: &store_bolt::Error) -> Error {
    let what = match error {
        store_bolt::Error::NoHash => {
            "; if it was copied from the data folder of a stopped etcd and not saved by etcdctl, give --skip-hash-check"
        }
        store_bolt::Error::Hash => "; take another snapshot, or give --skip-hash-check to use what there is",
        _ => "",
    };
    let path = path.display();
    Error::new(format!(
        "the snapshot {path} is not usable: {}{what}",
        Error::chain(error)
    ))
}

/// The last compaction that the file knows, -1 for none.
fn compacted(contents: &Contents) -> i64 {
    contents
        .scheduled_compaction
        .max(contents.finished_compaction)
        .unwrap_or(-1)
}

fn version(version: etcd::Version) -> Version {
    let revision = Revision {
        main: version.main,
        sub: version.sub,
    };
    Version {
        revision,
        tombstone: version.tombstone,
        kv: version.value,
    }
}

/// All keys of a snapshot file with their history, in memory.
///
/// # Errors
/// A file that cannot be used.
pub(super) fn keys(path: &Path) -> Result<Arc<dyn Engine>> {
    let bad = |error: store_bolt::Error| unusable(path, &error);
    let mut file = Import::open(open(path)?, Hash::IfPresent).map_err(bad)?;
    let compacted = compacted(&file.contents().map_err(bad)?);
    let engine: Arc<dyn Engine> = Arc::new(Memory::new());
    let options = ImportOptions {
        compacted,
        bump_revision: 0,
        mark_compacted: false,
    };
    let mut import = store_mvcc::Import::new(Arc::clone(&engine), options);
    for found in file.versions().map_err(bad)? {
        import
            .push(version(found.map_err(bad)?))
            .map_err(|error| Error::chain(&error))?;
    }
    import.finish().map_err(|error| Error::chain(&error))?;
    Ok(engine)
}
