//! The kernel's requests, answered from the model.

use std::ffi::OsStr;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::SystemTime;

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, Filesystem, FopenFlags, Generation, INodeNo, LockOwner, OpenFlags,
    RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs,
    ReplyWrite, Request, TimeOrNow, WriteFlags,
};

use super::faults::{Asked, Shared, State, now};
use super::late::{self, Waiting};
use super::model::{Answer, Owner, Refusal};
use super::reply::{BLOCK, TTL, answer_attributes, answer_empty, answer_entry, answer_sync, errno, file_attr, kind};

/// Files have no handles: a request names the file.
const HANDLE: FileHandle = FileHandle(0);
/// The kernel need not forget the pages of a file when it is opened again.
const OPENED: FopenFlags = FopenFlags::FOPEN_KEEP_CACHE;
/// Free space where there is no limit.
const PLENTY: u64 = 1 << 40;

/// What is mounted.
pub(super) struct Layer {
    shared: Arc<Shared>,
    late: Sender<Waiting>,
}

impl Layer {
    /// # Errors
    /// There is no thread left for slow syncs.
    pub(super) fn new(shared: Arc<Shared>) -> io::Result<Self> {
        let late = late::start(&shared)?;
        Ok(Self { shared, late })
    }

    /// Asks the model, and counts what finds no room.
    fn ask<T>(&self, question: impl FnOnce(&mut State) -> Answer<T>) -> Result<T, Errno> {
        let mut state = self.shared.lock();
        let answer = question(&mut state);
        state.counted(answer).map_err(errno)
    }

    /// The same about something that has attributes afterwards.
    fn attributes(&self, question: impl FnOnce(&mut State) -> Answer<u64>) -> Result<FileAttr, Errno> {
        self.ask(|state| {
            let node = question(state)?;
            state.model.attributes(node)
        })
        .map(file_attr)
    }

    fn sync(&self, node: u64, reply: ReplyEmpty) {
        let asked = self.shared.lock().sync(node);
        match asked {
            Asked::Now(done) => answer_sync(done, reply),
            Asked::Later(cuts) => {
                let answer = Box::new(move |done| answer_sync(done, reply));
                // A thread that is gone drops the reply, which then is an error.
                let _ = self.late.send(Waiting { node, cuts, answer });
            }
        }
    }
}

/// Whom a request makes the owner of what it makes.
fn owner(request: &Request, mode: u32, umask: u32) -> Owner {
    Owner {
        user: request.uid(),
        group: request.gid(),
        mode: (mode & !umask & 0o7777) as u16,
    }
}

impl Filesystem for Layer {
    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        answer_entry(self.attributes(|state| state.model.find(parent.0, name)), reply);
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        answer_attributes(self.attributes(|_| Ok(ino.0)), reply);
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let changed = self.attributes(|state| {
            let old = state.model.attributes(ino.0)?.owner;
            let owner = Owner {
                user: uid.unwrap_or(old.user),
                group: gid.unwrap_or(old.group),
                mode: mode.map_or(old.mode, |mode| (mode & 0o7777) as u16),
            };
            state.model.set_owner(ino.0, owner)?;
            if let Some(bytes) = size {
                state.model.resize(ino.0, bytes, now())?;
            }
            Ok(ino.0)
        });
        answer_attributes(changed, reply);
    }

    fn mkdir(&self, request: &Request, parent: INodeNo, name: &OsStr, mode: u32, umask: u32, reply: ReplyEntry) {
        let owner = owner(request, mode, umask);
        let made = self.attributes(|state| state.model.create(parent.0, name, owner, true));
        answer_entry(made, reply);
    }

    fn mknod(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        if mode & libc::S_IFMT != libc::S_IFREG {
            return reply.error(errno(Refusal::Unsupported));
        }
        let owner = owner(request, mode, umask);
        let made = self.attributes(|state| state.model.create(parent.0, name, owner, false));
        answer_entry(made, reply);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer_empty(self.ask(|state| state.model.remove(parent.0, name, false)), reply);
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        answer_empty(self.ask(|state| state.model.remove(parent.0, name, true)), reply);
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        newparent: INodeNo,
        newname: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        if !(flags - RenameFlags::RENAME_NOREPLACE).is_empty() {
            return reply.error(errno(Refusal::Unsupported));
        }
        let may_replace = flags.is_empty();
        let renamed = self.ask(|state| {
            state
                .model
                .rename((parent.0, name), (newparent.0, newname), may_replace)
        });
        answer_empty(renamed, reply);
    }

    fn link(&self, _: &Request, ino: INodeNo, newparent: INodeNo, newname: &OsStr, reply: ReplyEntry) {
        let linked = self.attributes(|state| {
            state.model.link(ino.0, newparent.0, newname)?;
            Ok(ino.0)
        });
        answer_entry(linked, reply);
    }

    fn open(&self, _: &Request, ino: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let opened = self.ask(|state| {
            if flags.0 & libc::O_TRUNC != 0 {
                state.model.resize(ino.0, 0, now())?;
            }
            state.model.open(ino.0)
        });
        match opened {
            Ok(()) => reply.opened(HANDLE, OPENED),
            Err(error) => reply.error(error),
        }
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        umask: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let owner = owner(request, mode, umask);
        let made = self.attributes(|state| {
            let node = state.model.create(parent.0, name, owner, false)?;
            state.model.open(node)?;
            Ok(node)
        });
        match made {
            Ok(attributes) => reply.created(&TTL, &attributes, Generation(0), HANDLE, OPENED),
            Err(error) => reply.error(error),
        }
    }

    fn release(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.shared.lock().model.close(ino.0);
        reply.ok();
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.ask(|state| state.model.read(ino.0, offset, size as usize)) {
            Ok(data) => reply.data(&data),
            Err(error) => reply.error(error),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.ask(|state| state.model.write(ino.0, offset, data, now())) {
            Ok(()) => reply.written(data.len() as u32),
            Err(error) => reply.error(error),
        }
    }

    fn fallocate(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        length: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let end = offset.saturating_add(length);
        let done = self.ask(|state| match mode {
            0 => state.model.reserve(ino.0, end, true, now()),
            libc::FALLOC_FL_KEEP_SIZE => state.model.reserve(ino.0, end, false, now()),
            mode if mode & libc::FALLOC_FL_KEEP_SIZE != 0
                && mode & (libc::FALLOC_FL_PUNCH_HOLE | libc::FALLOC_FL_ZERO_RANGE) != 0 =>
            {
                state.model.zero(ino.0, offset, end, now())
            }
            _ => Err(Refusal::Unsupported),
        });
        answer_empty(done, reply);
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.sync(ino.0, reply);
    }

    fn fsyncdir(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.sync(ino.0, reply);
    }

    fn readdir(&self, _: &Request, ino: INodeNo, _: FileHandle, offset: u64, mut reply: ReplyDirectory) {
        match self.ask(|state| state.model.list(ino.0, offset)) {
            Ok(list) => {
                for (name, node, place, is_folder) in list {
                    if reply.add(INodeNo(node), place, kind(is_folder), name) {
                        break;
                    }
                }
                reply.ok();
            }
            Err(error) => reply.error(error),
        }
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let (used, capacity) = self.shared.lock().model.space();
        let left = capacity.map_or(PLENTY, |capacity| capacity.saturating_sub(used)) / BLOCK;
        let all = used.div_ceil(BLOCK) + left;
        reply.statfs(all, left, left, PLENTY, PLENTY, BLOCK as u32, 255, BLOCK as u32);
    }
}
