//! A file system in memory that knows what is on the disk and what is not.
//!
//! It is a pure structure: no kernel, no clock, no thread. A sync of a file puts its bytes on the disk, a sync of a
//! folder its names; on a strict disk nothing else does, on one that is not, a sync of a file commits all names too, as
//! a journalling file system does in practice.

mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};

use super::file::File;
use super::folder::Folder;

/// The number of the topmost folder.
pub(super) const ROOT: u64 = 1;

/// Why something cannot be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    NotThere,
    Exists,
    NotEmpty,
    NotAFolder,
    IsAFolder,
    Full,
    Unsupported,
}

pub(super) type Answer<T> = Result<T, Refusal>;

/// Who owns a file or folder and may use it. Nothing here depends on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) user: u32,
    pub(super) group: u32,
    pub(super) mode: u16,
}

/// What is said of a file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Attributes {
    pub(super) node: u64,
    pub(super) is_folder: bool,
    pub(super) bytes: u64,
    /// Room on the disk.
    pub(super) room: u64,
    /// Names that it has.
    pub(super) names: u32,
    pub(super) owner: Owner,
    /// When it was last changed, in nanoseconds since 1970, as the caller said.
    pub(super) changed: u64,
}

#[derive(Clone, Debug)]
pub(super) enum Body {
    File(File),
    Folder(Folder),
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) body: Body,
    owner: Owner,
    /// Names that stand for it.
    pub(super) names: u32,
    /// How often it is open.
    pub(super) open: u64,
    changed: u64,
}

/// The file system.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) nodes: BTreeMap<u64, Node>,
    next: u64,
    strict: bool,
    /// Bytes that files may take in all; `None`: as many as they want.
    capacity: Option<u64>,
    used: u64,
}

impl Model {
    /// An empty one.
    pub(super) fn new(strict: bool) -> Self {
        let root = Node {
            body: Body::Folder(Folder::default()),
            owner: Owner {
                mode: 0o755,
                ..Owner::default()
            },
            names: 1,
            open: 0,
            changed: 0,
        };
        Self {
            nodes: BTreeMap::from([(ROOT, root)]),
            next: ROOT + 1,
            strict,
            capacity: None,
            used: 0,
        }
    }

    /// Lets files take so many bytes more than they do, or as many as they want.
    pub(super) fn set_space(&mut self, left: Option<u64>) {
        self.capacity = left.map(|left| self.used + left);
    }

    /// Bytes that files take, and may take.
    pub(super) const fn space(&self) -> (u64, Option<u64>) {
        (self.used, self.capacity)
    }

    /// What is said of a node.
    pub(super) fn attributes(&self, node: u64) -> Answer<Attributes> {
        let one = self.node(node)?;
        let (is_folder, bytes, room) = match &one.body {
            Body::File(file) => (false, file.live().bytes(), file.room()),
            Body::Folder(_) => (true, 0, 0),
        };
        Ok(Attributes {
            node,
            is_folder,
            bytes,
            room,
            names: one.names,
            owner: one.owner,
            changed: one.changed,
        })
    }

    /// What a name in a folder stands for.
    pub(super) fn find(&self, folder: u64, name: &OsStr) -> Answer<u64> {
        self.folder(folder)?.get(name).ok_or(Refusal::NotThere)
    }

    /// The names in a folder behind a place: name, node, place, and whether it is a folder.
    pub(super) fn list(&self, folder: u64, after: u64) -> Answer<Vec<(OsString, u64, u64, bool)>> {
        let list = self.folder(folder)?.list(after).into_iter();
        let with_kind = list.map(|(name, entry)| {
            let is_folder = matches!(
                self.nodes.get(&entry.node).map(|node| &node.body),
                Some(Body::Folder(_))
            );
            (name, entry.node, entry.place, is_folder)
        });
        Ok(with_kind.collect())
    }

    /// Somebody opens a file.
    pub(super) fn open(&mut self, node: u64) -> Answer<()> {
        self.node_mut(node)?.open += 1;
        Ok(())
    }

    /// Somebody closes it.
    pub(super) fn close(&mut self, node: u64) {
        let Ok(one) = self.node_mut(node) else { return };
        one.open = one.open.saturating_sub(1);
        if one.open == 0 && one.names == 0 {
            self.collect();
        }
    }

    /// Bytes of a file.
    pub(super) fn read(&self, node: u64, offset: u64, length: usize) -> Answer<Vec<u8>> {
        Ok(self.file(node)?.live().read(offset, length))
    }

    /// Writes bytes to a file, all or none.
    pub(super) fn write(&mut self, node: u64, offset: u64, data: &[u8], now: u64) -> Answer<()> {
        self.make_room(node, |file| file.room_with(offset, data.len() as u64))?;
        self.change(node, now, |file| file.write(offset, data))
    }

    /// Cuts a file off, or adds zeros.
    pub(super) fn resize(&mut self, node: u64, bytes: u64, now: u64) -> Answer<()> {
        self.change(node, now, |file| file.resize(bytes))
    }

    /// Keeps room for a file, and makes it longer if it is asked for.
    pub(super) fn reserve(&mut self, node: u64, end: u64, grow: bool, now: u64) -> Answer<()> {
        self.make_room(node, |file| file.room().max(end))?;
        self.change(node, now, |file| file.reserve(end, grow))
    }

    /// Makes bytes of a file zeros.
    pub(super) fn zero(&mut self, node: u64, from: u64, to: u64, now: u64) -> Answer<()> {
        self.change(node, now, |file| file.zero(from, to))
    }

    /// Says who may use it.
    pub(super) fn set_owner(&mut self, node: u64, owner: Owner) -> Answer<()> {
        self.node_mut(node)?.owner = owner;
        Ok(())
    }

    /// A sync of a file or folder.
    pub(super) fn sync(&mut self, node: u64) -> Answer<()> {
        let strict = self.strict;
        let is_folder = match &mut self.node_mut(node)?.body {
            Body::File(file) => {
                file.sync();
                false
            }
            Body::Folder(folder) => {
                folder.sync();
                true
            }
        };
        if !is_folder && !strict {
            for one in self.nodes.values_mut() {
                if let Body::Folder(folder) = &mut one.body {
                    folder.sync();
                }
            }
        }
        if is_folder || !strict {
            self.collect();
        }
        Ok(())
    }

    /// A sync that fails.
    pub(super) fn fail_sync(&mut self, node: u64) -> Answer<()> {
        match &mut self.node_mut(node)?.body {
            Body::File(file) => file.fail_sync(),
            Body::Folder(folder) => folder.fail_sync(),
        }
        Ok(())
    }

    /// Forgets what is neither open nor found, nor would be found after a power cut.
    pub(super) fn collect(&mut self) {
        let mut wanted = BTreeSet::from([ROOT]);
        for one in self.nodes.values() {
            if let Body::Folder(folder) = &one.body {
                wanted.extend(folder.mentioned());
            }
        }
        self.nodes.retain(|node, one| one.open > 0 || wanted.contains(node));
        self.count_room();
    }

    /// Counts anew what files take.
    pub(super) fn count_room(&mut self) {
        self.used = self
            .nodes
            .values()
            .map(|one| match &one.body {
                Body::File(file) => file.room(),
                Body::Folder(_) => 0,
            })
            .sum();
    }

    fn node(&self, node: u64) -> Answer<&Node> {
        self.nodes.get(&node).ok_or(Refusal::NotThere)
    }

    fn node_mut(&mut self, node: u64) -> Answer<&mut Node> {
        self.nodes.get_mut(&node).ok_or(Refusal::NotThere)
    }

    fn file(&self, node: u64) -> Answer<&File> {
        match &self.node(node)?.body {
            Body::File(file) => Ok(file),
            Body::Folder(_) => Err(Refusal::IsAFolder),
        }
    }

    fn folder(&self, node: u64) -> Answer<&Folder> {
        match &self.node(node)?.body {
            Body::Folder(folder) => Ok(folder),
            Body::File(_) => Err(Refusal::NotAFolder),
        }
    }

    fn folder_mut(&mut self, node: u64) -> Answer<&mut Folder> {
        match &mut self.node_mut(node)?.body {
            Body::Folder(folder) => Ok(folder),
            Body::File(_) => Err(Refusal::NotAFolder),
        }
    }

    /// Whether the disk has room for a file that is to take so much.
    fn make_room(&self, node: u64, wanted: impl FnOnce(&File) -> u64) -> Answer<()> {
        let file = self.file(node)?;
        let after = self.used - file.room().min(self.used) + wanted(file);
        match self.capacity {
            // What takes no more room than it has always fits.
            Some(capacity) if after > capacity && after > self.used => Err(Refusal::Full),
            _ => Ok(()),
        }
    }

    fn change(&mut self, node: u64, now: u64, change: impl FnOnce(&mut File)) -> Answer<()> {
        let one = self.node_mut(node)?;
        let Body::File(file) = &mut one.body else {
            return Err(Refusal::IsAFolder);
        };
        let before = file.room();
        change(file);
        let after = file.room();
        one.changed = now;
        self.used = (self.used + after).saturating_sub(before);
        Ok(())
    }
}
