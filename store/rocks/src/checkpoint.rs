//! Checkpoints: hard links to the tables, in a folder that goes away with the last user.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::Mutex;
use store_engine::{Checkpoint, Error, File, Result};

use crate::error::map;
use crate::folder;
use crate::handle::Handle;

/// Numbers the checkpoints of this process; whatever an earlier process left is removed at open.
static NEXT: AtomicU64 = AtomicU64::new(1);

/// Checksums of tables by database, name and length. A table never changes, so it is read once for all checkpoints.
pub(crate) type Checksums = Arc<Mutex<BTreeMap<(u64, String, u64), u32>>>;

pub(crate) struct Image {
    path: PathBuf,
    /// The number of the database it was taken from.
    database: u64,
    /// Names and lengths.
    names: Vec<(String, u64)>,
    /// Made at the first call that needs them: most checkpoints are never sent.
    files: OnceLock<Vec<File>>,
    checksums: Checksums,
}

impl Image {
    /// Flushes the database and links its files into a new folder below `checkpoints`.
    pub(crate) fn take(handle: &Handle, checkpoints: &Path, checksums: Checksums) -> Result<Self> {
        handle.flush()?;
        let path = checkpoints.join(NEXT.fetch_add(1, Ordering::Relaxed).to_string());
        let failed = |error| map("take a checkpoint", error);
        let maker = rocksdb::checkpoint::Checkpoint::new(&handle.db).map_err(failed)?;
        let mut image = Self {
            path,
            database: handle.number,
            names: Vec::new(),
            files: OnceLock::new(),
            checksums,
        };
        maker.create_checkpoint(&image.path).map_err(failed)?;
        image.names = list(&image.path).map_err(|source| Error::io("list a checkpoint", source))?;
        Ok(image)
    }

    fn checksum(&self, name: &str, bytes: u64) -> u32 {
        let key = (self.database, name.to_owned(), bytes);
        if let Some(&crc) = self.checksums.lock().get(&key) {
            return crc;
        }
        match checksum(&self.path.join(name)) {
            Ok(crc) => {
                if is_table(name) {
                    self.checksums.lock().insert(key, crc);
                }
                crc
            }
            Err(error) => {
                // Nobody will get this file: reading it fails, and if not, the receiver's check does.
                tracing::error!(%error, name, "could not read a checkpoint's file");
                0
            }
        }
    }
}

impl Checkpoint for Image {
    fn files(&self) -> &[File] {
        self.files.get_or_init(|| {
            let file = |(name, bytes): &(String, u64)| File {
                name: name.clone(),
                bytes: *bytes,
                crc: self.checksum(name, *bytes),
            };
            let files = self.names.iter().map(file).collect();
            // Tables that are gone for good would only fill the memory.
            let current =
                |number: u64, name: &str| number == self.database && self.names.iter().any(|(held, _)| held == name);
            self.checksums
                .lock()
                .retain(|(number, name, _), _| current(*number, name));
            files
        })
    }

    fn read(&self, file: usize, offset: u64, len: usize) -> Result<Bytes> {
        let missing = || Error::invalid("read a checkpoint", format!("it has no file {file}"));
        let (name, bytes) = self.names.get(file).ok_or_else(missing)?;
        let wanted = usize::try_from(bytes.saturating_sub(offset))
            .unwrap_or(usize::MAX)
            .min(len);
        let mut data = vec![0; wanted];
        let read = fs::File::open(self.path.join(name)).and_then(|file| file.read_exact_at(&mut data, offset));
        read.map_err(|source| Error::io("read a checkpoint", source))?;
        Ok(data.into())
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        if let Err(error) = folder::remove(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "could not remove a checkpoint");
        }
    }
}

fn is_table(name: &str) -> bool {
    Path::new(name).extension().is_some_and(|end| end == "sst")
}

fn list(path: &Path) -> io::Result<Vec<(String, u64)>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let bytes = entry.metadata()?.len();
        names.push((entry.file_name().to_string_lossy().into_owned(), bytes));
    }
    names.sort();
    Ok(names)
}

/// CRC-32C of a file.
pub(crate) fn checksum(path: &Path) -> io::Result<u32> {
    let mut file = fs::File::open(path)?;
    let mut buffer = vec![0; 1 << 20];
    let mut crc = 0;
    loop {
        let count = file.read(&mut buffer)?;
        let Some(piece) = buffer.get(..count).filter(|piece| !piece.is_empty()) else {
            return Ok(crc);
        };
        crc = crc32c::crc32c_append(crc, piece);
    }
}
