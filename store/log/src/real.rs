//! A directory of the machine's file system as the log's disk.

use std::fs;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::folder;

use crate::disk::{Disk, File};

const LOCK: &str = "LOCK";

/// Files in one directory. Holds a lock on it: two programs that write one log destroy it.
pub struct RealDisk {
    dir: PathBuf,
    read_only: bool,
    _lock: Option<fs::File>,
}

impl RealDisk {
    /// Opens the directory, making it where it is missing.
    ///
    /// # Errors
    /// `WouldBlock` where another program has it open; else as the file system's.
    pub fn open(dir: impl AsRef<Path>) -> io::Result<RealDisk> {
        let dir = dir.as_ref().to_path_buf();
        folder::create(&dir)?;
        let lock = fs::File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(dir.join(LOCK))?;
        lock_file(&lock, libc::LOCK_EX).map_err(|error| in_use(&dir, &error))?;
        Ok(RealDisk {
            dir,
            read_only: false,
            _lock: Some(lock),
        })
    }

    /// Opens a directory that is there, to read and never to change it; many may do so at once.
    ///
    /// # Errors
    /// `WouldBlock` where another program has it open to write; else as the file system's.
    pub fn open_read_only(dir: impl AsRef<Path>) -> io::Result<RealDisk> {
        let dir = dir.as_ref().to_path_buf();
        let lock = match fs::File::open(dir.join(LOCK)) {
            Ok(lock) => {
                lock_file(&lock, libc::LOCK_SH).map_err(|error| in_use(&dir, &error))?;
                Some(lock)
            }
            // A copy of a folder may lack it; nobody has it open then.
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error),
        };
        Ok(RealDisk {
            dir,
            read_only: true,
            _lock: lock,
        })
    }

    fn writable(&self) -> io::Result<()> {
        if self.read_only {
            return Err(io::ErrorKind::ReadOnlyFilesystem.into());
        }
        Ok(())
    }
}

fn in_use(dir: &Path, error: &io::Error) -> io::Error {
    let text = format!("another program has the raft log {} open: {error}", dir.display());
    io::Error::new(error.kind(), text)
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            if let Ok(name) = entry?.file_name().into_string()
                && name != LOCK
            {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str, bytes: u64) -> io::Result<Arc<dyn File>> {
        self.writable()?;
        let file = fs::File::options()
            .create_new(true)
            .read(true)
            .write(true)
            .open(self.dir.join(name))?;
        allocate(&file, bytes)?;
        Ok(Arc::new(RealFile(file)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        let mut options = fs::File::options();
        options.read(true).write(!self.read_only);
        Ok(Arc::new(RealFile(options.open(self.dir.join(name))?)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.writable()?;
        fs::rename(self.dir.join(from), self.dir.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.writable()?;
        fs::remove_file(self.dir.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        folder::sync(&self.dir)
    }
}

struct RealFile(fs::File);

impl File for RealFile {
    fn bytes(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_at(&self, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.0.read_at(&mut buffer[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write_all_at(data, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn truncate(&self, bytes: u64) -> io::Result<()> {
        self.0.set_len(bytes)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        allocate(&self.0, bytes)
    }
}

fn lock_file(file: &fs::File, how: libc::c_int) -> io::Result<()> {
    #[expect(
        unsafe_code,
        reason = "the lock of std is newer than the oldest compiler we build with"
    )]
    // SAFETY: the descriptor is open for as long as `file` is borrowed; flock touches no memory of ours.
    let answer = unsafe { libc::flock(file.as_raw_fd(), how | libc::LOCK_NB) };
    if answer == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Takes the space now, so that later writes neither fail for lack of it nor change the file's length.
fn allocate(file: &fs::File, bytes: u64) -> io::Result<()> {
    loop {
        #[expect(unsafe_code, reason = "std has no fallocate")]
        // SAFETY: the descriptor is open for as long as `file` is borrowed; fallocate touches no memory of ours.
        let answer = unsafe { libc::fallocate(file.as_raw_fd(), 0, 0, bytes as libc::off_t) };
        if answer == 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        match error.raw_os_error() {
            Some(libc::EINTR) => {}
            // Some file systems cannot; the length at least must stand, so that fdatasync has no metadata to write.
            Some(libc::EOPNOTSUPP | libc::ENOSYS) => {
                return if file.metadata()?.len() < bytes {
                    file.set_len(bytes)
                } else {
                    Ok(())
                };
            }
            _ => return Err(error),
        }
    }
}
