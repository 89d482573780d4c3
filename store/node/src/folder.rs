//! The data folder of a member: where log and database lie, and whose they are.
//!
//! `<data-dir>/member/{log,db,identity}`. The identity file is written last of all at the first start, so a folder
//! without one holds nothing that was ever acknowledged.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::folder;
use parking_lot::Mutex;

use crate::Config;
use crate::identity::{FORMAT, Identity};

/// Why a data folder cannot be used; one line that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk said no.
    #[error("data folder {path}: {source}")]
    Io {
        /// What was touched.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// It belongs to etcd.
    #[error(
        "data folder {0} is etcd's: take a snapshot with `etcdctl snapshot save` and restore it into a new folder with \
         `keelson store-ctl snapshot restore`, or choose another --data-dir"
    )]
    Etcd(String),
    /// It was written by a newer version.
    #[error(
        "data folder {path} has format {format}, newer than {FORMAT}: start the version that wrote it, or a newer one"
    )]
    Newer {
        /// The folder.
        path: String,
        /// The format found.
        format: u32,
    },
    /// It belongs to someone else.
    #[error(
        "data folder {path} belongs to {found}, this member is {wanted}: choose another --data-dir or remove the folder"
    )]
    Stranger {
        /// The folder.
        path: String,
        /// Whose it is.
        found: String,
        /// Who wants it.
        wanted: String,
    },
    /// The identity file cannot be read.
    #[error(
        "data folder {0}: the identity file is damaged; restore the folder from a backup, or remove it and let the member join again"
    )]
    Damaged(String),
}

/// Where a member remembers who it is.
pub trait IdentityStore: Send + Sync {
    /// `None` at the first start.
    ///
    /// # Errors
    /// When it cannot be read, or a newer version wrote it.
    fn load(&self) -> Result<Option<Identity>, Error>;

    /// Durable on return.
    ///
    /// # Errors
    /// When the disk refuses.
    fn save(&self, identity: &Identity) -> Result<(), Error>;
}

/// An identity that lives in memory, for simulations.
#[derive(Clone, Debug, Default)]
pub struct MemoryIdentity(Arc<Mutex<Option<Identity>>>);

impl IdentityStore for MemoryIdentity {
    fn load(&self) -> Result<Option<Identity>, Error> {
        Ok(*self.0.lock())
    }

    fn save(&self, identity: &Identity) -> Result<(), Error> {
        *self.0.lock() = Some(*identity);
        Ok(())
    }
}

/// A data folder on disk.
#[derive(Clone, Debug)]
pub struct Folder {
    member: PathBuf,
    log: PathBuf,
    db: PathBuf,
}

impl Folder {
    /// Makes the folders where they do not exist, readable by their owner alone.
    ///
    /// # Errors
    /// When the folder is etcd's, or the disk refuses.
    pub fn open(config: &Config) -> Result<Self, Error> {
        let found = Self::find(config)?;
        for path in [&config.data_dir, &found.member, &found.log, &found.db] {
            folder::create(path).map_err(|source| io_error(path, source))?;
        }
        Ok(found)
    }

    /// The same folders without making any.
    ///
    /// # Errors
    /// When the folder is etcd's.
    pub fn find(config: &Config) -> Result<Self, Error> {
        let member = config.data_dir.join("member");
        for theirs in ["wal", "snap"] {
            if member.join(theirs).exists() {
                return Err(Error::Etcd(config.data_dir.display().to_string()));
            }
        }
        let log = config.wal_dir.clone().unwrap_or_else(|| member.join("log"));
        let db = member.join("db");
        Ok(Self { member, log, db })
    }

    /// Where the log lies.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Where the database lies.
    pub fn db(&self) -> &Path {
        &self.db
    }

    fn file(&self) -> PathBuf {
        self.member.join("identity")
    }
}

impl IdentityStore for Folder {
    fn load(&self) -> Result<Option<Identity>, Error> {
        let path = self.file();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(io_error(&path, error)),
        };
        let identity = parse(&text).ok_or_else(|| Error::Damaged(self.member.display().to_string()))?;
        if identity.format > FORMAT {
            return Err(Error::Newer {
                path: self.member.display().to_string(),
                format: identity.format,
            });
        }
        Ok(Some(identity))
    }

    fn save(&self, identity: &Identity) -> Result<(), Error> {
        let path = self.file();
        let new = path.with_extension("new");
        write(&new, &path, &render(identity)).map_err(|source| io_error(&path, source))
    }
}

fn render(identity: &Identity) -> String {
    format!(
        "format={}\ncluster={:016x}\nmember={:016x}\n",
        identity.format, identity.cluster_id, identity.member_id
    )
}

fn parse(text: &str) -> Option<Identity> {
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
    Some(Identity {
        format: value("format")?.parse().ok()?,
        cluster_id: u64::from_str_radix(value("cluster")?, 16).ok()?,
        member_id: u64::from_str_radix(value("member")?, 16).ok()?,
    })
}

fn write(new: &Path, path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::File::create(new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    folder::rename(new, path)
}

fn io_error(path: &Path, source: io::Error) -> Error {
    Error::Io {
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(dir: &Path) -> Config {
        Config {
            data_dir: dir.to_owned(),
            ..Config::default()
        }
    }

    #[test]
    fn remembers_who_it_belongs_to() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(&config(dir.path())).unwrap();
        assert_eq!(folder.load().unwrap(), None);
        let identity = Identity {
            cluster_id: 7,
            member_id: u64::MAX,
            format: FORMAT,
        };
        folder.save(&identity).unwrap();
        assert_eq!(
            Folder::open(&config(dir.path())).unwrap().load().unwrap(),
            Some(identity)
        );
    }

    #[test]
    fn refuses_etcds_folder_and_a_newer_one() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("member/wal")).unwrap();
        assert!(matches!(Folder::open(&config(dir.path())), Err(Error::Etcd(_))));
        fs::remove_dir(dir.path().join("member/wal")).unwrap();
        let folder = Folder::open(&config(dir.path())).unwrap();
        folder
            .save(&Identity {
                cluster_id: 1,
                member_id: 2,
                format: FORMAT + 1,
            })
            .unwrap();
        assert!(matches!(folder.load(), Err(Error::Newer { .. })));
        fs::write(folder.file(), "rubbish").unwrap();
        assert!(matches!(folder.load(), Err(Error::Damaged(_))));
    }
}
