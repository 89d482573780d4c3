//! The snapshot file: a database and the SHA-256 of it, and what `snapshot status` says of one.

use std::io::{self, Read, Seek, SeekFrom, Write};

use sha2::{Digest, Sha256};

use crate::etcd::{buckets, decode_revision};
use crate::{Database, Error, Result};

/// Length of the hash at the end.
pub const HASH_BYTES: u64 = 32;
/// Database files are multiples of this, so what is left over tells whether a hash follows.
const SECTOR: u64 = 512;

/// What to do about the hash at the end of the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hash {
    /// It must be there and be right, as in a file that `snapshot save` made.
    Required,
    /// If it is there it must be right. A database copied from a data directory has none.
    IfPresent,
    /// It is not looked at.
    Ignored,
}

/// What `etcdutl snapshot status` prints.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Status {
    /// CRC-32C over the names, keys and values of all buckets.
    pub hash: u32,
    /// The main revision of the last key, 0 when there is none.
    pub revision: i64,
    /// Entries of all buckets.
    pub total_key: u64,
    /// Bytes of all pages.
    pub total_size: u64,
    /// The storage version, empty before 3.6.
    pub version: String,
}

/// Opens the database in a snapshot file.
///
/// # Errors
/// `Hash` and `NoHash` as `hash` asks; `Corrupt`; those of the file.
pub fn open<R: Read + Seek>(mut file: R, hash: Hash) -> Result<Database<R>> {
    let bytes = file.seek(SeekFrom::End(0))?;
    let hashed = bytes % SECTOR == HASH_BYTES;
    let length = if hashed { bytes - HASH_BYTES } else { bytes };
    match hash {
        Hash::Required if !hashed => return Err(Error::NoHash),
        Hash::Required | Hash::IfPresent if hashed => verify(&mut file, length)?,
        _ => {}
    }
    Database::open(file, length)
}

fn verify<R: Read + Seek>(file: &mut R, length: u64) -> Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut hashing = Hashing::new(io::sink());
    io::copy(&mut file.by_ref().take(length), &mut hashing)?;
    let mut stored = [0; HASH_BYTES as usize];
    file.read_exact(&mut stored)?;
    if hashing.digest() == stored {
        Ok(())
    } else {
        Err(Error::Hash)
    }
}

/// Reads all of a snapshot file and sums it up.
///
/// # Errors
/// As [`open`]; `Corrupt` wherever the file is broken.
pub fn status<R: Read + Seek>(file: R, hash: Hash) -> Result<Status> {
    let mut database = open(file, hash)?;
    let total_size = database.bytes();
    let mut status = Status {
        hash: 0,
        revision: 0,
        total_key: 0,
        total_size,
        version: String::new(),
    };
    for (name, bucket) in database.buckets()? {
        status.hash = crc32c::crc32c_append(status.hash, &name);
        for entry in database.cursor(&bucket)? {
            let (key, value) = entry?;
            status.hash = crc32c::crc32c_append(status.hash, &key);
            status.hash = crc32c::crc32c_append(status.hash, &value);
            status.total_key += 1;
            if name == buckets::KEY {
                status.revision = decode_revision(&key)?.0;
            }
            if name == buckets::META && key == buckets::STORAGE_VERSION {
                status.version = String::from_utf8_lossy(&value).into_owned();
            }
        }
    }
    Ok(status)
}

/// Hashes what goes through.
pub(crate) struct Hashing<W> {
    out: W,
    hash: Sha256,
}

impl<W> Hashing<W> {
    pub(crate) fn new(out: W) -> Self {
        Self {
            out,
            hash: Sha256::new(),
        }
    }

    pub(crate) fn into_parts(self) -> (W, [u8; HASH_BYTES as usize]) {
        (self.out, self.hash.finalize().into())
    }

    fn digest(self) -> [u8; HASH_BYTES as usize] {
        self.hash.finalize().into()
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let count = self.out.write(data)?;
        self.hash.update(data.get(..count).unwrap_or(data));
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
