//! An incoming checkpoint: files in `incoming/<id>/`.

use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use store_engine::{Error, File, Incoming, Result, is_safe_name};

use crate::checkpoint::checksum;
use crate::folder::{self, Folder};

/// The id of the incoming checkpoint whose files have all been checked, if any. A restart forgets it.
pub(crate) type Finished = Arc<Mutex<Option<String>>>;

pub(crate) struct Place {
    id: String,
    path: PathBuf,
    finished: Finished,
    /// The file written last, and its length.
    open: Option<(String, fs::File, u64)>,
}

fn error(source: io::Error) -> Error {
    Error::io("receive a checkpoint", source)
}

fn refused(text: String) -> Error {
    Error::invalid("receive a checkpoint", text)
}

impl Place {
    /// Opens the place of this id and discards any other.
    pub(crate) fn open(folder: &Folder, id: &str, finished: Finished) -> Result<Self> {
        if !is_safe_name(id) {
            return Err(refused(format!("unsafe id {id:?}")));
        }
        let all = folder.incoming();
        for entry in fs::read_dir(&all).map_err(error)? {
            let entry = entry.map_err(error)?;
            // A file in the place of its folder is of no more use than another's.
            if entry.file_name() != id || !entry.path().is_dir() {
                folder::remove(&entry.path())?;
            }
        }
        finished.lock().take_if(|held| held != id);
        let path = all.join(id);
        base::folder::create(&path).map_err(error)?;
        Ok(Self {
            id: id.to_owned(),
            path,
            finished,
            open: None,
        })
    }

    fn file(&mut self, name: &str) -> Result<(&fs::File, &mut u64)> {
        if self.open.as_ref().is_none_or(|(held, _, _)| held != name) {
            let path = self.path.join(name);
            let file = fs::OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(path)
                .map_err(error)?;
            let bytes = file.metadata().map_err(error)?.len();
            self.open = Some((name.to_owned(), file, bytes));
        }
        match &mut self.open {
            Some((_, file, bytes)) => Ok((file, bytes)),
            None => Err(Error::Closed),
        }
    }

    fn check(&self, file: &File) -> Result<()> {
        let path = self.path.join(&file.name);
        let held = match fs::File::open(&path) {
            Err(source) if source.kind() == io::ErrorKind::NotFound => None,
            outcome => Some(outcome.map_err(error)?),
        };
        if let Some(held) = held {
            held.sync_all().map_err(error)?;
            if held.metadata().map_err(error)?.len() == file.bytes && checksum(&path).map_err(error)? == file.crc {
                return Ok(());
            }
            fs::remove_file(&path).map_err(error)?;
        }
        Err(Error::Corrupt(format!(
            "checkpoint file {} has a wrong length or checksum",
            file.name
        )))
    }
}

impl Incoming for Place {
    fn id(&self) -> &str {
        &self.id
    }

    fn held(&self, name: &str) -> Result<u64> {
        if !is_safe_name(name) {
            return Err(refused(format!("unsafe file name {name:?}")));
        }
        match fs::metadata(self.path.join(name)) {
            Ok(found) => Ok(found.len()),
            Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(source) => Err(error(source)),
        }
    }

    fn write(&mut self, name: &str, offset: u64, data: &[u8]) -> Result<()> {
        if !is_safe_name(name) {
            return Err(refused(format!("unsafe file name {name:?}")));
        }
        self.finished.lock().take_if(|held| *held == self.id);
        let (file, bytes) = self.file(name)?;
        if offset > *bytes {
            return Err(refused(format!("gap in {name}: {bytes} bytes held, next at {offset}")));
        }
        if offset < *bytes {
            file.set_len(offset).map_err(error)?;
        }
        // What is held if the write stops half-way is not known here.
        *bytes = offset;
        file.write_all_at(data, offset).map_err(error)?;
        *bytes = offset + data.len() as u64;
        Ok(())
    }

    fn finish(&mut self, files: &[File]) -> Result<()> {
        self.open = None;
        if let Some(file) = files.iter().find(|file| !is_safe_name(&file.name)) {
            return Err(refused(format!("unsafe file name {:?}", file.name)));
        }
        for entry in fs::read_dir(&self.path).map_err(error)? {
            let entry = entry.map_err(error)?;
            if !files.iter().any(|file| entry.file_name() == file.name.as_str()) {
                folder::remove(&entry.path())?;
            }
        }
        files.iter().try_for_each(|file| self.check(file))?;
        folder::sync_folder(&self.path)?;
        *self.finished.lock() = Some(self.id.clone());
        Ok(())
    }
}
