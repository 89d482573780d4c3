//! The search against the 102 histories that Jepsen recorded of etcd in 2014, whose verdicts are known.

#![expect(clippy::unwrap_used, reason = "this is a test")]

use std::path::Path;

use jepsen_check::Verdict;
use jepsen_check::history::{History, porcupine};
use jepsen_check::recorded::histories;
use jepsen_check::wgl;

fn history(name: &str) -> History {
    // Asked for when it runs: a shared target folder may hold this test as another clone built it.
    let folder = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("tests/etcd");
    let text = std::fs::read(folder.join(name)).unwrap();
    porcupine::read(text.as_slice()).unwrap()
}

#[test]
fn verdicts_on_recorded_histories_are_the_known_ones() {
    for (name, is_linearizable) in histories() {
        let verdict = wgl::check(&history(&name), wgl::STEPS);
        assert!(!matches!(verdict, Verdict::Unknown(_)), "{name}: {verdict}");
        assert_eq!(verdict.passed(), is_linearizable, "{name}: {verdict}");
    }
}

#[test]
fn recorded_histories_keep_their_verdicts_in_other_clothes() {
    let some = ["etcd_000.log", "etcd_002.log", "etcd_005.log", "etcd_099.log"];
    for (name, is_linearizable) in histories().filter(|(name, _)| some.contains(&name.as_str())) {
        let first = history(&name);
        let mut lines = Vec::new();
        first.write(&mut lines).unwrap();
        let mut log = Vec::new();
        porcupine::write(&first, porcupine::KEY, &mut log).unwrap();
        for again in [
            History::read(lines.as_slice()).unwrap(),
            porcupine::read(log.as_slice()).unwrap(),
        ] {
            assert_eq!(again.operations.len(), first.operations.len(), "{name}");
            let verdict = wgl::check(&again, wgl::STEPS);
            assert_eq!(verdict.passed(), is_linearizable, "{name}: {verdict}");
        }
    }
}
