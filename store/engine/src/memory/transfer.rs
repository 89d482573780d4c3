//! The memory engine's checkpoints: one file, which is an encoded batch of all entries.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

use super::{Inner, Map, apply};
use crate::{Batch, Checkpoint, Error, File, Incoming, Result, Space, is_safe_name};

/// The name of the one file.
const NAME: &str = "state";

/// A checkpoint: the encoded file.
pub(super) struct Image {
    files: [File; 1],
    data: Bytes,
}

impl Image {
    pub(super) fn of(map: &Map) -> Self {
        let mut batch = Batch::new();
        for (key, value) in map {
            if let Some((&space, key)) = key.split_first() {
                batch.put(Space(space), key, value);
            }
        }
        let data = Bytes::copy_from_slice(batch.encoded());
        let files = [File {
            name: NAME.into(),
            bytes: data.len() as u64,
            crc: crc32c::crc32c(&data),
        }];
        Self { files, data }
    }
}

impl Checkpoint for Image {
    fn files(&self) -> &[File] {
        &self.files
    }

    fn read(&self, file: usize, offset: u64, len: usize) -> Result<Bytes> {
        if file != 0 {
            return Err(Error::invalid("read a checkpoint", format!("it has no file {file}")));
        }
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.data.len());
        let end = start.saturating_add(len).min(self.data.len());
        Ok(self.data.slice(start..end))
    }
}

/// What an incoming checkpoint holds.
#[derive(Debug)]
pub(super) struct Parts {
    id: String,
    files: BTreeMap<String, Vec<u8>>,
    finished: bool,
}

/// The handle to it.
pub(super) struct Place {
    inner: Arc<Mutex<Inner>>,
    id: String,
}

impl Place {
    pub(super) fn open(inner: Arc<Mutex<Inner>>, id: &str) -> Result<Self> {
        if !is_safe_name(id) {
            return Err(Error::invalid(
                "open an incoming checkpoint",
                format!("unsafe id {id:?}"),
            ));
        }
        let mut guard = inner.lock();
        if guard.incoming.as_ref().is_none_or(|parts| parts.id != id) {
            guard.incoming = Some(Parts {
                id: id.into(),
                files: BTreeMap::new(),
                finished: false,
            });
        }
        drop(guard);
        Ok(Self { inner, id: id.into() })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Parts) -> Result<T>) -> Result<T> {
        let mut inner = self.inner.lock();
        let parts = inner.incoming.as_mut().filter(|parts| parts.id == self.id);
        work(parts.ok_or_else(|| Error::invalid("receive a checkpoint", "it has been discarded"))?)
    }
}

impl Incoming for Place {
    fn id(&self) -> &str {
        &self.id
    }

    fn held(&self, name: &str) -> Result<u64> {
        self.with(|parts| Ok(parts.files.get(name).map_or(0, Vec::len) as u64))
    }

    fn write(&mut self, name: &str, offset: u64, data: &[u8]) -> Result<()> {
        if !is_safe_name(name) {
            return Err(Error::invalid(
                "receive a checkpoint",
                format!("unsafe file name {name:?}"),
            ));
        }
        self.with(|parts| {
            parts.finished = false;
            let file = parts.files.entry(name.into()).or_default();
            let offset = usize::try_from(offset).unwrap_or(usize::MAX);
            if offset > file.len() {
                return Err(Error::invalid("receive a checkpoint", format!("gap in {name}")));
            }
            file.truncate(offset);
            file.extend_from_slice(data);
            Ok(())
        })
    }

    fn finish(&mut self, files: &[File]) -> Result<()> {
        self.with(|parts| {
            parts
                .files
                .retain(|name, _| files.iter().any(|file| file.name == *name));
            for file in files {
                let data = parts.files.get(&file.name).map(Vec::as_slice).unwrap_or_default();
                if data.len() as u64 != file.bytes || crc32c::crc32c(data) != file.crc {
                    parts.files.remove(&file.name);
                    return Err(Error::Corrupt(format!(
                        "checkpoint file {} has a wrong length or checksum",
                        file.name
                    )));
                }
            }
            parts.finished = true;
            Ok(())
        })
    }
}

/// The contents of a finished incoming checkpoint.
pub(super) fn finished(parts: Option<&Parts>, id: &str) -> Result<Map> {
    let parts = parts.filter(|parts| parts.id == id && parts.finished);
    let parts = parts.ok_or_else(|| Error::invalid("install a checkpoint", "it is not finished"))?;
    let data = parts
        .files
        .get(NAME)
        .ok_or_else(|| Error::Corrupt("the checkpoint has no state".into()))?;
    let mut map = Map::new();
    apply(&mut map, &Batch::decode(data)?);
    Ok(map)
}
