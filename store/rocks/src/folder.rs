//! What lies on the disk, and the steps by which it changes.
//!
//! ```text
//! LOCK            locked while an engine has the folder open
//! ACTIVE          the name of the database that counts, one line; replaced by rename only
//! db-<n>/         a database; all but the active one are leftovers
//! checkpoints/    images on their way out; none survives a restart
//! incoming/<id>/  at most one checkpoint on its way in; survives a restart
//! ```

use std::fs;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

use base::folder;
use store_engine::{Error, Result};

const LOCK: &str = "LOCK";
const ACTIVE: &str = "ACTIVE";
const ACTIVE_NEXT: &str = "ACTIVE.next";
const CHECKPOINTS: &str = "checkpoints";
const INCOMING: &str = "incoming";
const DATABASE: &str = "db-";

/// The number of a new folder's database.
pub(crate) const FIRST: u64 = 1;

/// The engine's folder, locked.
pub(crate) struct Folder {
    root: PathBuf,
    _lock: Option<fs::File>,
}

fn error(op: &'static str) -> impl Fn(io::Error) -> Error {
    move |source| Error::io(op, source)
}

/// Makes the entries of a folder durable.
pub(crate) fn sync_folder(path: &Path) -> Result<()> {
    folder::sync(path).map_err(error("sync a folder"))
}

/// Removes a folder and all in it, or a file, if it is there.
pub(crate) fn remove(path: &Path) -> Result<()> {
    let removed = match fs::remove_dir_all(path) {
        Err(source) if source.kind() == io::ErrorKind::NotADirectory => fs::remove_file(path),
        removed => removed,
    };
    match removed {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::io("remove a folder", source)),
        _ => Ok(()),
    }
}

impl Folder {
    /// Creates the folder if need be and locks it.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        folder::create(root).map_err(error("create the store's folder"))?;
        let failed = error("lock the store's folder");
        let file = fs::OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(root.join(LOCK))
            .map_err(failed)?;
        let locked = Self {
            root: root.to_path_buf(),
            _lock: Some(lock(root, file, libc::LOCK_EX)?),
        };
        remove(&locked.checkpoints())?;
        // What was received may go on; a file in the place of its folder would be in the way of every start.
        if !locked.incoming().is_dir() {
            remove(&locked.incoming())?;
        }
        for path in [locked.checkpoints(), locked.incoming()] {
            folder::create(&path).map_err(error("create a folder"))?;
        }
        Ok(locked)
    }

    /// Takes a folder that is there, to read it and never to change it; many may do so at once.
    pub(crate) fn open_read_only(root: &Path) -> Result<Self> {
        let lock = match fs::File::open(root.join(LOCK)) {
            Ok(file) => Some(lock(root, file, libc::LOCK_SH)?),
            // A copy of a folder may lack it; nobody has it open then.
            Err(source) if source.kind() == io::ErrorKind::NotFound => None,
            Err(source) => return Err(Error::io("lock the store's folder", source)),
        };
        Ok(Self {
            root: root.to_path_buf(),
            _lock: lock,
        })
    }

    /// Where checkpoints go.
    pub(crate) fn checkpoints(&self) -> PathBuf {
        self.root.join(CHECKPOINTS)
    }

    /// Where incoming checkpoints are.
    pub(crate) fn incoming(&self) -> PathBuf {
        self.root.join(INCOMING)
    }

    /// The folder of a database.
    pub(crate) fn database(&self, number: u64) -> PathBuf {
        self.root.join(format!("{DATABASE}{number}"))
    }

    /// The number of the active database, or `None` in a new folder.
    pub(crate) fn active(&self) -> Result<Option<u64>> {
        let text = match fs::read_to_string(self.root.join(ACTIVE)) {
            Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(None),
            outcome => outcome.map_err(error("read which database is active"))?,
        };
        let number = text.strip_suffix('\n').and_then(database_number);
        number
            .map(Some)
            .ok_or_else(|| Error::Corrupt(format!("{} does not name a database: {text:?}", self.show(ACTIVE))))
    }

    /// A number that no database has beside the active one: whatever else has it is a leftover.
    pub(crate) const fn after(active: u64) -> u64 {
        match active.checked_add(1) {
            Some(next) => next,
            None => FIRST,
        }
    }

    /// Makes a database the active one, atomically and durably. Its own folder must be durable already.
    pub(crate) fn activate(&self, number: u64) -> Result<()> {
        let failed = error("write which database is active");
        let next = self.root.join(ACTIVE_NEXT);
        let mut file = fs::File::create(&next).map_err(&failed)?;
        file.write_all(format!("{DATABASE}{number}\n").as_bytes())
            .map_err(&failed)?;
        file.sync_all().map_err(&failed)?;
        // The new database's entry in the root must not come later than the name that points to it.
        sync_folder(&self.root)?;
        folder::rename(&next, &self.root.join(ACTIVE)).map_err(&failed)
    }

    /// Removes what a crash left: databases that are not active and a half-written pointer.
    pub(crate) fn remove_leftovers(&self, active: Option<u64>) -> Result<()> {
        let _ = remove(&self.root.join(ACTIVE_NEXT));
        let failed = error("list the store's folder");
        for entry in fs::read_dir(&self.root).map_err(&failed)? {
            let path = entry.map_err(&failed)?.path();
            let number = path
                .file_name()
                .and_then(|name| name.to_str())
                .and_then(database_number);
            if number.is_none() || number == active {
                continue;
            }
            // A crash while the very first database is made leaves no tables: this is something else.
            if active.is_none() && has_tables(&path)? {
                return Err(Error::Corrupt(format!(
                    "{} is missing but {} holds data",
                    self.show(ACTIVE),
                    path.display()
                )));
            }
            tracing::info!(path = %path.display(), "removing a leftover database");
            remove(&path)?;
        }
        Ok(())
    }

    fn show(&self, name: &str) -> String {
        self.root.join(name).display().to_string()
    }
}

/// The number in the name of a database. A name that only reads like one (`db-007`) is somebody else's.
fn database_number(name: &str) -> Option<u64> {
    let digits = name.strip_prefix(DATABASE)?;
    let number: u64 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}

fn has_tables(database: &Path) -> Result<bool> {
    let entries = fs::read_dir(database).map_err(error("list a database"))?;
    let table = |entry: io::Result<fs::DirEntry>| {
        entry.is_ok_and(|entry| entry.path().extension().is_some_and(|end| end == "sst"))
    };
    Ok(entries.into_iter().any(table))
}

fn lock(root: &Path, file: fs::File, how: libc::c_int) -> Result<fs::File> {
    #[expect(
        unsafe_code,
        reason = "the standard library's file locks are younger than this project's oldest compiler"
    )]
    // SAFETY: flock takes a descriptor, which `file` keeps open, and a flag; it touches no memory of ours.
    let outcome = unsafe { libc::flock(file.as_raw_fd(), how | libc::LOCK_NB) };
    if outcome == 0 {
        return Ok(file);
    }
    let source = io::Error::last_os_error();
    let failed = error("lock the store's folder");
    if source.kind() == io::ErrorKind::WouldBlock {
        let text = format!(
            "{} is in use: another process holds the lock {}",
            root.display(),
            root.join(LOCK).display()
        );
        return Err(failed(io::Error::new(io::ErrorKind::WouldBlock, text)));
    }
    Err(failed(source))
}
