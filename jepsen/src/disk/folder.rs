//! A folder: the names that are found in it, those that are on the disk, and the changes in between.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};

use rand::Rng;
use rand::rngs::StdRng;

use super::Loss;

/// A change of names that a power cut may take, as a whole.
#[derive(Clone, Debug)]
struct Change {
    gone: Option<OsString>,
    here: Option<(OsString, u64)>,
}

impl Change {
    fn apply(&self, names: &mut BTreeMap<OsString, u64>) {
        if let Some(name) = &self.gone {
            names.remove(name);
        }
        if let Some((name, node)) = &self.here {
            names.insert(name.clone(), *node);
        }
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// The number of the file or folder.
    pub(super) node: u64,
    /// Its place in lists, which stays the same while others come and go.
    pub(super) place: u64,
}

/// A folder.
#[derive(Clone, Debug, Default)]
pub(super) struct Folder {
    live: BTreeMap<OsString, Entry>,
    durable: BTreeMap<OsString, u64>,
    pending: Vec<Change>,
    places: u64,
}

impl Folder {
    /// What a name stands for.
    pub(super) fn get(&self, name: &OsStr) -> Option<u64> {
        self.live.get(name).map(|entry| entry.node)
    }

    /// Nothing is in it.
    pub(super) fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// Names behind a place, in the order of their places.
    pub(super) fn list(&self, after: u64) -> Vec<(OsString, Entry)> {
        let mut list: Vec<_> = self
            .live
            .iter()
            .filter(|(_, entry)| entry.place > after)
            .map(|(name, entry)| (name.clone(), *entry))
            .collect();
        list.sort_by_key(|(_, entry)| entry.place);
        list
    }

    /// Gives a name; it may stand for something else until now.
    pub(super) fn insert(&mut self, name: &OsStr, node: u64) {
        self.change(None, Some((name.to_owned(), node)));
    }

    /// Takes a name away.
    pub(super) fn remove(&mut self, name: &OsStr) {
        self.change(Some(name.to_owned()), None);
    }

    /// Gives what has one name another name, in one step.
    pub(super) fn rename(&mut self, from: &OsStr, to: &OsStr, node: u64) {
        self.change(Some(from.to_owned()), Some((to.to_owned(), node)));
    }

    fn change(&mut self, gone: Option<OsString>, here: Option<(OsString, u64)>) {
        if let Some(name) = &gone {
            self.live.remove(name);
        }
        if let Some((name, node)) = &here {
            self.show(name.clone(), *node);
        }
        self.pending.push(Change { gone, here });
    }

    fn show(&mut self, name: OsString, node: u64) {
        self.places += 1;
        let place = self.places;
        self.live.insert(name, Entry { node, place });
    }

    /// Puts on the disk what is found now.
    pub(super) fn sync(&mut self) {
        for change in self.pending.drain(..) {
            change.apply(&mut self.durable);
        }
    }

    /// A sync fails: what it should have written is found until the power fails, and then no more.
    pub(super) fn fail_sync(&mut self) {
        self.pending.clear();
    }

    /// The power fails: what is found now is what is on the disk. Names are changed in a journal, so of what was not
    /// synced the first changes may be there, and none after one that is lost. How many are lost.
    pub(super) fn power_loss(&mut self, loss: Loss, random: &mut StdRng) -> u64 {
        let pending = std::mem::take(&mut self.pending);
        let kept = match loss {
            Loss::Everything => 0,
            Loss::Some | Loss::Torn => random.random_range(0..=pending.len()),
        };
        for change in &pending[..kept] {
            change.apply(&mut self.durable);
        }
        self.live.clear();
        for (name, node) in self.durable.clone() {
            self.show(name, node);
        }
        (pending.len() - kept) as u64
    }

    /// Every file or folder that is in it, or would be after a power cut.
    pub(super) fn mentioned(&self) -> impl Iterator<Item = u64> {
        let live = self.live.values().map(|entry| entry.node);
        let pending = self.pending.iter().filter_map(|change| change.here.as_ref());
        live.chain(self.durable.values().copied())
            .chain(pending.map(|(_, node)| *node))
    }

    /// What is in it.
    pub(super) fn nodes(&self) -> impl Iterator<Item = u64> {
        self.live.values().map(|entry| entry.node)
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    fn name(text: &str) -> &OsStr {
        OsStr::new(text)
    }

    fn names(folder: &Folder) -> Vec<String> {
        let list = folder.list(0);
        list.into_iter().map(|(name, _)| name.into_string().unwrap()).collect()
    }

    fn random() -> StdRng {
        StdRng::seed_from_u64(1)
    }

    #[test]
    fn names_that_were_not_synced_are_lost() {
        let mut folder = Folder::default();
        folder.insert(name("old"), 1);
        folder.sync();
        folder.insert(name("new"), 2);
        folder.rename(name("old"), name("older"), 1);
        assert_eq!(names(&folder), ["new", "older"]);
        assert_eq!(folder.mentioned().filter(|node| *node == 1).count(), 3);
        assert_eq!(folder.power_loss(Loss::Everything, &mut random()), 2);
        assert_eq!(names(&folder), ["old"]);
    }

    #[test]
    fn a_rename_is_there_or_not_and_never_half() {
        let mut seen = std::collections::BTreeSet::new();
        for seed in 0..40 {
            let mut folder = Folder::default();
            folder.insert(name("CURRENT"), 1);
            folder.sync();
            folder.insert(name("tmp"), 2);
            folder.rename(name("tmp"), name("CURRENT"), 2);
            folder.power_loss(Loss::Some, &mut StdRng::seed_from_u64(seed));
            let current = folder.get(name("CURRENT")).unwrap();
            seen.insert((current, folder.get(name("tmp"))));
        }
        assert_eq!(
            seen.into_iter().collect::<Vec<_>>(),
            [(1, None), (1, Some(2)), (2, None)]
        );
    }

    #[test]
    fn a_list_goes_on_where_it_stopped_although_names_go() {
        let mut folder = Folder::default();
        for n in 0..5 {
            folder.insert(name(&format!("f{n}")), n);
        }
        let first = folder.list(0)[1].1.place;
        folder.remove(name("f0"));
        folder.remove(name("f1"));
        let rest: Vec<u64> = folder.list(first).iter().map(|(_, entry)| entry.node).collect();
        assert_eq!(rest, [2, 3, 4]);
    }
}
