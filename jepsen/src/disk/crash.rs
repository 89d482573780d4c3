//! A power cut: everything that is not on the disk may be gone.

use std::collections::BTreeMap;

use rand::rngs::StdRng;

use super::Loss;
use super::model::{Body, Model, ROOT};

/// What a power cut took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lost {
    /// Changes of the bytes of files, whole or in part.
    pub(crate) changes: u64,
    /// Changes of names: what was made, renamed or removed.
    pub(crate) names: u64,
    /// Files and folders that are gone.
    pub(crate) files: u64,
}

impl Lost {
    /// It took something.
    pub(crate) const fn is_any(self) -> bool {
        self.changes + self.names + self.files > 0
    }
}

impl Model {
    /// The power fails; nobody has anything open any more.
    pub(super) fn power_loss(&mut self, loss: Loss, random: &mut StdRng) -> Lost {
        let mut lost = Lost::default();
        for node in self.nodes.values_mut() {
            node.open = 0;
            match &mut node.body {
                Body::File(file) => lost.changes += file.power_loss(loss, random),
                Body::Folder(folder) => lost.names += folder.power_loss(loss, random),
            }
        }
        let names = self.names_from_root();
        let before = self.nodes.len();
        self.nodes.retain(|node, _| names.contains_key(node));
        lost.files = (before - self.nodes.len()) as u64;
        for (node, count) in names {
            if let Some(one) = self.nodes.get_mut(&node) {
                one.names = count;
            }
        }
        self.count_room();
        lost
    }

    /// What can be found from the topmost folder on, with the number of its names.
    fn names_from_root(&self) -> BTreeMap<u64, u32> {
        let mut names = BTreeMap::from([(ROOT, 1)]);
        let mut waiting = vec![ROOT];
        while let Some(node) = waiting.pop() {
            let Some(Body::Folder(folder)) = self.nodes.get(&node).map(|one| &one.body) else {
                continue;
            };
            for child in folder.nodes().filter(|child| self.nodes.contains_key(child)) {
                let count = names.entry(child).or_insert(0);
                *count += 1;
                if *count == 1 {
                    waiting.push(child);
                }
            }
        }
        names
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::super::model::{Owner, Refusal};
    use super::*;

    fn name(text: &str) -> &OsStr {
        OsStr::new(text)
    }

    fn file(model: &mut Model, folder: u64, called: &str, content: &[u8]) -> u64 {
        let node = model.create(folder, name(called), Owner::default(), false).unwrap();
        model.write(node, 0, content, 1).unwrap();
        node
    }

    fn content(model: &Model, folder: u64, called: &str) -> Option<Vec<u8>> {
        let node = model.find(folder, name(called)).ok()?;
        Some(model.read(node, 0, 1 << 20).unwrap())
    }

    fn cut(model: &mut Model) -> Lost {
        model.power_loss(Loss::Everything, &mut StdRng::seed_from_u64(1))
    }

    #[test]
    fn a_file_needs_a_sync_of_its_own_and_one_of_its_folder() {
        for (sync_file, sync_folder, expected) in [
            (true, true, Some(b"content".to_vec())),
            (true, false, None),
            (false, true, Some(Vec::new())),
            (false, false, None),
        ] {
            let mut model = Model::new(true);
            let node = file(&mut model, ROOT, "a", b"content");
            if sync_file {
                model.sync(node).unwrap();
            }
            if sync_folder {
                model.sync(ROOT).unwrap();
            }
            let lost = cut(&mut model);
            assert_eq!(content(&model, ROOT, "a"), expected, "{sync_file} {sync_folder}");
            assert_eq!(lost.files, u64::from(expected.is_none()));
        }
    }

    #[test]
    fn a_sync_of_a_file_commits_all_names_where_the_disk_is_not_strict() {
        let mut model = Model::new(false);
        let node = file(&mut model, ROOT, "a", b"content");
        model.sync(node).unwrap();
        cut(&mut model);
        assert_eq!(content(&model, ROOT, "a"), Some(b"content".to_vec()));
    }

    #[test]
    fn a_removed_file_comes_back_and_so_does_a_replaced_one() {
        let mut model = Model::new(true);
        for called in ["removed", "replaced"] {
            let node = file(&mut model, ROOT, called, b"old");
            model.sync(node).unwrap();
        }
        model.sync(ROOT).unwrap();
        model.remove(ROOT, name("removed"), false).unwrap();
        let new = file(&mut model, ROOT, "new", b"new");
        model.sync(new).unwrap();
        model
            .rename((ROOT, name("new")), (ROOT, name("replaced")), true)
            .unwrap();
        assert_eq!(content(&model, ROOT, "replaced"), Some(b"new".to_vec()));
        cut(&mut model);
        assert_eq!(content(&model, ROOT, "removed"), Some(b"old".to_vec()));
        assert_eq!(content(&model, ROOT, "replaced"), Some(b"old".to_vec()));
        assert_eq!(content(&model, ROOT, "new"), None);
    }

    #[test]
    fn what_nobody_can_find_any_more_is_forgotten() {
        let mut model = Model::new(true);
        let node = file(&mut model, ROOT, "a", &[1; 10_000]);
        model.sync(ROOT).unwrap();
        model.open(node).unwrap();
        model.remove(ROOT, name("a"), false).unwrap();
        model.sync(ROOT).unwrap();
        assert_eq!(model.read(node, 0, 1).unwrap(), [1], "it is open");
        assert_eq!(model.space().0, 12_288);
        model.close(node);
        assert_eq!(model.read(node, 0, 1), Err(Refusal::NotThere));
        assert_eq!(model.space().0, 0);
    }

    #[test]
    fn a_full_disk_takes_what_needs_no_room() {
        let mut model = Model::new(true);
        let node = file(&mut model, ROOT, "log", b"");
        model.reserve(node, 1 << 20, true, 1).unwrap();
        model.set_space(Some(4096));
        model.write(node, 8192, &[1; 4096], 1).unwrap();
        let other = file(&mut model, ROOT, "other", b"small");
        assert_eq!(model.write(other, 4096, b"more", 1), Err(Refusal::Full));
        assert_eq!(
            model.create(ROOT, name("third"), Owner::default(), false),
            Err(Refusal::Full)
        );
        model.write(other, 0, b"SMALL", 1).unwrap();
        model.resize(node, 4096, 1).unwrap();
        model.write(other, 4096, b"more", 1).unwrap();
        model.set_space(None);
        model.create(ROOT, name("third"), Owner::default(), true).unwrap();
    }

    #[test]
    fn names_and_folders_follow_the_rules() {
        let mut model = Model::new(true);
        let folder = model.create(ROOT, name("d"), Owner::default(), true).unwrap();
        let node = file(&mut model, folder, "a", b"x");
        model.link(node, ROOT, name("b")).unwrap();
        assert_eq!(model.attributes(node).unwrap().names, 2);
        assert_eq!(model.link(node, ROOT, name("b")), Err(Refusal::Exists));
        assert_eq!(model.remove(ROOT, name("d"), true), Err(Refusal::NotEmpty));
        assert_eq!(model.remove(ROOT, name("d"), false), Err(Refusal::IsAFolder));
        assert_eq!(model.remove(ROOT, name("b"), true), Err(Refusal::NotAFolder));
        assert_eq!(model.find(node, name("c")), Err(Refusal::NotAFolder));
        assert_eq!(
            model.rename((folder, name("a")), (ROOT, name("b")), false),
            Ok(()),
            "the same file"
        );
        model.rename((folder, name("a")), (ROOT, name("c")), false).unwrap();
        assert_eq!(
            model.rename((ROOT, name("c")), (ROOT, name("d")), true),
            Err(Refusal::IsAFolder)
        );
        model.remove(ROOT, name("d"), true).unwrap();
        let list: Vec<_> = model
            .list(ROOT, 0)
            .unwrap()
            .into_iter()
            .map(|(name, ..)| name)
            .collect();
        assert_eq!(list, ["b", "c"]);
    }

    proptest! {
        /// After a power cut every name leads somewhere, and what was synced with its folder is there.
        #[test]
        fn a_power_cut_leaves_a_whole_file_system(
            steps in prop::collection::vec((0..7_u8, 0..4_usize, 0..4_usize), 0..60),
            seed in any::<u64>(),
            loss in prop::sample::select(vec![Loss::Everything, Loss::Some, Loss::Torn]),
        ) {
            let called = ["a", "b", "c", "d"];
            let mut model = Model::new(true);
            let kept = file(&mut model, ROOT, "kept", b"kept");
            model.sync(kept).unwrap();
            model.sync(ROOT).unwrap();
            for (what, one, other) in steps {
                let (from, to) = (name(called[one]), name(called[other]));
                let node = model.find(ROOT, from);
                // What is refused is refused; only the state afterwards counts.
                let _ = match what {
                    0 => model.create(ROOT, from, Owner::default(), false).map(drop),
                    1 => model.remove(ROOT, from, false),
                    2 => model.rename((ROOT, from), (ROOT, to), true),
                    3 => node.and_then(|node| model.write(node, one as u64 * 1000, &[7; 3000], 1)),
                    4 => node.and_then(|node| model.sync(node)),
                    5 => node.and_then(|node| model.link(node, ROOT, to)),
                    _ => model.sync(ROOT),
                };
            }
            model.power_loss(loss, &mut StdRng::seed_from_u64(seed));
            prop_assert_eq!(content(&model, ROOT, "kept"), Some(b"kept".to_vec()));
            let mut names = 0;
            for (_, node, _, _) in model.list(ROOT, 0).unwrap() {
                prop_assert!(model.attributes(node).unwrap().names >= 1);
                names += 1;
            }
            let counted: u32 = model.nodes.iter().filter(|(node, _)| **node != ROOT).map(|(_, one)| one.names).sum();
            prop_assert_eq!(names, counted);
            let again = model.power_loss(Loss::Everything, &mut StdRng::seed_from_u64(seed));
            prop_assert!(!again.is_any(), "{:?}", again);
        }
    }
}
