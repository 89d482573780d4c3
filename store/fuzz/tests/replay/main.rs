//! Every target on a stable compiler: its seeds, its corpus, and mutations of both that are the same in every run.
//!
//! No input may make a panic anywhere, in a task either, nor take more memory than its target is allowed. One that does
//! is written to a file; copied to `corpus/<target>` it is tried in every run from then on. The input that is being tried
//! stands in a file too, for one that never ends or ends the process.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod memory;
mod panics;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::panic;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use store_fuzz::mutate::{Dice, mutate};
use store_fuzz::{LONGEST, Target, Verdict, targets};

#[global_allocator]
static ALLOCATOR: memory::Counted = memory::Counted;

/// One target at a time: what they hold and whether they panic is counted for the whole process.
static ONE: Mutex<()> = Mutex::new(());

/// Findings of one run; more would say no more.
const MOST: usize = 20;

fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(name);
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .collect();
    files.sort();
    let named = |file: &PathBuf| (file.display().to_string(), fs::read(file).unwrap());
    files.iter().map(named).collect()
}

/// What a replay of one target has found: where it went wrong, and how to get there.
struct Replay {
    target: &'static Target,
    folder: &'static Path,
    trying: File,
    found: BTreeMap<String, String>,
}

impl Replay {
    fn new(target: &'static Target) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
        Self {
            target,
            folder,
            trying: File::create(folder.join(format!("trying-{}", target.name))).unwrap(),
            found: BTreeMap::new(),
        }
    }

    fn try_one(&mut self, input: &[u8], origin: &str) -> Verdict {
        self.trying.write_all_at(input, 0).unwrap();
        self.trying.set_len(input.len() as u64).unwrap();
        let mut outcome = Ok(Verdict::Refused);
        let most = memory::during(|| outcome = panic::catch_unwind(|| (self.target.run)(input)));
        let allowed = self.target.memory + Target::PER_BYTE * input.len();
        let mut wrong = panics::take();
        // The trace of a panic takes much.
        if most > allowed && wrong.is_empty() {
            wrong.push(format!("too much memory: {most} bytes, {allowed} allowed"));
        }
        assert!(
            outcome.is_ok() || !wrong.is_empty(),
            "a panic that no hook has heard of"
        );
        for wrong in wrong {
            // What is between two places is told apart by where it happens, not by the numbers that are told.
            let place = wrong.split(": ").next().unwrap_or_default().to_owned();
            if self.found.len() < MOST && !self.found.contains_key(&place) {
                let number = self.found.len();
                let file = self.folder.join(format!("found-{}-{number}", self.target.name));
                fs::write(&file, input).unwrap();
                let wrong = wrong.replace('\n', " ");
                let found = format!("{origin}: {wrong}; the input is in {}", file.display());
                self.found.insert(place, found);
            }
        }
        outcome.unwrap_or(Verdict::Refused)
    }

    fn assert_well(&self) {
        let found: Vec<&str> = self.found.values().map(String::as_str).collect();
        assert!(found.is_empty(), "{}:\n  {}", self.target.name, found.join("\n  "));
    }
}

fn replay(name: &str) {
    let _one = ONE.lock();
    let target = Target::find(name).unwrap();
    let seeds = (target.seeds)();
    panics::listen();
    // What a target makes once, as a port or a member, is not the first input's.
    let _ = panic::catch_unwind(|| (target.run)(&seeds[0]));
    let mut replay = Replay::new(target);
    let (mut inputs, mut refused) = (Vec::new(), Vec::new());
    for (number, seed) in seeds.into_iter().enumerate() {
        assert!(
            seed.len() <= LONGEST,
            "seed {number} of {name} is longer than libFuzzer takes"
        );
        if replay.try_one(&seed, &format!("seed {number}")) == Verdict::Refused {
            refused.push(number);
        }
        inputs.push(seed);
    }
    for (file, found) in corpus(name) {
        // What is refused makes no noise that is understood.
        if replay.try_one(&found, &file) == Verdict::Understood {
            inputs.push(found);
        }
    }
    replay.try_one(b"", "nothing");
    replay.assert_well();
    assert_eq!(refused, target.refused, "{name}: the seeds that are refused");
    let seed = name
        .bytes()
        .fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
    let mut dice = Dice::new(seed.wrapping_add(store_fuzz::seed()));
    let mutations = target.mutations * store_fuzz::times();
    let mut understood = 0;
    for number in 0..mutations {
        let (input, other) = (dice.below(inputs.len()), dice.below(inputs.len()));
        let noise = mutate(&mut dice, target.shape, &inputs[input], &inputs[other]);
        understood += usize::from(replay.try_one(&noise, &format!("mutation {number}")) == Verdict::Understood);
    }
    replay.assert_well();
    println!("{name}: {understood} of {mutations} mutations were understood");
    assert!(
        understood * 100 >= mutations * target.understood,
        "{name}: only {understood} of {mutations} mutations were understood"
    );
}

macro_rules! replayed {
    ($($name:ident)*) => {
        const REPLAYED: &[&str] = &[$(stringify!($name)),*];
        $(
            #[test]
            fn $name() {
                replay(stringify!($name));
            }
        )*
    };
}

replayed! {
    address auth_tables bolt_file checkpoint client_port commands consensus engine_batch engine_folder flags gateway_json
    identity_file log_segments messages peer_answers peer_port queries restore stored_entries stored_records tls_files
    token_options tokens versions
}

#[test]
fn every_target_is_replayed_and_has_its_program() {
    let names: Vec<&str> = targets::ALL.iter().map(|target| target.name).collect();
    assert_eq!(names, REPLAYED);
    let manifest = include_str!("../../Cargo.toml");
    for name in names {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "{name} has no program"
        );
        let program = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz_targets")
            .join(format!("{name}.rs"));
        let text = fs::read_to_string(program).unwrap();
        assert!(
            text.contains(&format!("targets::{name}::run(data)")),
            "{name}: its program runs another target"
        );
    }
}
