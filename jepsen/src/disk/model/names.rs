//! Names: what makes them, changes them and takes them away.

use std::ffi::OsStr;

use super::{Answer, Body, File, Folder, Model, Node, Owner, Refusal};

impl Model {
    /// Makes a file or a folder.
    pub(in crate::disk) fn create(&mut self, folder: u64, name: &OsStr, owner: Owner, is_folder: bool) -> Answer<u64> {
        if self.folder(folder)?.get(name).is_some() {
            return Err(Refusal::Exists);
        }
        if self.capacity.is_some_and(|capacity| self.used >= capacity) {
            return Err(Refusal::Full);
        }
        let node = self.next;
        self.next += 1;
        let body = if is_folder {
            Body::Folder(Folder::default())
        } else {
            Body::File(File::default())
        };
        let made = Node {
            body,
            owner,
            names: 1,
            open: 0,
            changed: 0,
        };
        self.nodes.insert(node, made);
        self.folder_mut(folder)?.insert(name, node);
        Ok(node)
    }

    /// Gives a file one more name.
    pub(in crate::disk) fn link(&mut self, node: u64, folder: u64, name: &OsStr) -> Answer<()> {
        self.file(node)?;
        if self.folder(folder)?.get(name).is_some() {
            return Err(Refusal::Exists);
        }
        self.folder_mut(folder)?.insert(name, node);
        self.node_mut(node)?.names += 1;
        Ok(())
    }

    /// Takes a name of a file, or of an empty folder, away.
    pub(in crate::disk) fn remove(&mut self, folder: u64, name: &OsStr, is_folder: bool) -> Answer<()> {
        let node = self.find(folder, name)?;
        self.check_kind(node, is_folder)?;
        self.folder_mut(folder)?.remove(name);
        self.lose_name(node);
        Ok(())
    }

    /// Gives what has one name another one; what had that is gone. Between two folders it is on the disk at once, which
    /// is allowed, and spares the model a change of two folders that is lost as a whole.
    pub(in crate::disk) fn rename(&mut self, from: (u64, &OsStr), to: (u64, &OsStr), may_replace: bool) -> Answer<()> {
        let node = self.find(from.0, from.1)?;
        let is_folder = matches!(self.node(node)?.body, Body::Folder(_));
        let replaced = self.folder(to.0)?.get(to.1);
        if replaced == Some(node) {
            return Ok(());
        }
        if let Some(other) = replaced {
            if !may_replace {
                return Err(Refusal::Exists);
            }
            self.check_kind(other, is_folder)?;
        }
        if from.0 == to.0 {
            self.folder_mut(from.0)?.rename(from.1, to.1, node);
        } else {
            self.folder_mut(from.0)?.remove(from.1);
            self.folder_mut(to.0)?.insert(to.1, node);
            self.folder_mut(from.0)?.sync();
            self.folder_mut(to.0)?.sync();
        }
        if let Some(other) = replaced {
            self.lose_name(other);
        }
        Ok(())
    }

    /// Whether a node may be removed or replaced as a folder, or as a file.
    fn check_kind(&self, node: u64, is_folder: bool) -> Answer<()> {
        match (&self.node(node)?.body, is_folder) {
            (Body::File(_), false) => Ok(()),
            (Body::Folder(folder), true) if folder.is_empty() => Ok(()),
            (Body::Folder(_), true) => Err(Refusal::NotEmpty),
            (Body::File(_), true) => Err(Refusal::NotAFolder),
            (Body::Folder(_), false) => Err(Refusal::IsAFolder),
        }
    }

    fn lose_name(&mut self, node: u64) {
        if let Ok(one) = self.node_mut(node) {
            one.names = one.names.saturating_sub(1);
        }
    }
}
