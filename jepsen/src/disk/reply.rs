//! How the kernel is answered.

use std::time::{Duration, UNIX_EPOCH};

use fuser::{Errno, FileAttr, FileType, Generation, INodeNo, ReplyAttr, ReplyEmpty, ReplyEntry};

use super::faults::SyncError;
use super::model::{Attributes, Refusal};

/// All changes come through this kernel, so what it knows stays true.
pub(super) const TTL: Duration = Duration::from_secs(60);
/// Bytes of a block, as told to those who ask for free space.
pub(super) const BLOCK: u64 = 4096;

pub(super) fn answer_sync(done: Result<(), SyncError>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(SyncError::Failed) => reply.error(Errno::EIO),
        Err(SyncError::NotThere) => reply.error(Errno::ENOENT),
    }
}

pub(super) fn answer_empty(done: Result<(), Errno>, reply: ReplyEmpty) {
    match done {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}

pub(super) fn answer_entry(found: Result<FileAttr, Errno>, reply: ReplyEntry) {
    match found {
        Ok(attributes) => reply.entry(&TTL, &attributes, Generation(0)),
        Err(error) => reply.error(error),
    }
}

pub(super) fn answer_attributes(found: Result<FileAttr, Errno>, reply: ReplyAttr) {
    match found {
        Ok(attributes) => reply.attr(&TTL, &attributes),
        Err(error) => reply.error(error),
    }
}

pub(super) fn errno(refusal: Refusal) -> Errno {
    match refusal {
        Refusal::NotThere => Errno::ENOENT,
        Refusal::Exists => Errno::EEXIST,
        Refusal::NotEmpty => Errno::ENOTEMPTY,
        Refusal::NotAFolder => Errno::ENOTDIR,
        Refusal::IsAFolder => Errno::EISDIR,
        Refusal::Full => Errno::ENOSPC,
        Refusal::Unsupported => Errno::EINVAL,
    }
}

pub(super) fn file_attr(of: Attributes) -> FileAttr {
    let changed = UNIX_EPOCH + Duration::from_nanos(of.changed);
    FileAttr {
        ino: INodeNo(of.node),
        size: of.bytes,
        blocks: of.room.div_ceil(512),
        atime: changed,
        mtime: changed,
        ctime: changed,
        crtime: changed,
        kind: kind(of.is_folder),
        perm: of.owner.mode,
        nlink: if of.is_folder { 2 } else { of.names },
        uid: of.owner.user,
        gid: of.owner.group,
        rdev: 0,
        blksize: BLOCK as u32,
        flags: 0,
    }
}

pub(super) const fn kind(is_folder: bool) -> FileType {
    if is_folder {
        FileType::Directory
    } else {
        FileType::RegularFile
    }
}
