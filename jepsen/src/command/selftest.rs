//! The search for linearizability against histories whose verdicts are known.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use anyhow::Context;
use jepsen_check::history::porcupine;
use jepsen_check::{Verdict, recorded, wgl};

use crate::judge::Outcome;

/// Judges the recorded histories in a folder and says where the verdict is not the known one.
///
/// # Errors
/// One of them is not there or cannot be read.
pub(crate) fn selftest(histories: &Path) -> anyhow::Result<Outcome> {
    let (mut good, mut bad, mut wrong) = (0, 0, 0);
    for (name, is_linearizable) in recorded::histories() {
        let path = histories.join(&name);
        let file = File::open(&path).with_context(|| format!("{}", path.display()))?;
        let history = porcupine::read(BufReader::new(file)).with_context(|| format!("{}", path.display()))?;
        let verdict = wgl::check(&history, wgl::STEPS);
        match &verdict {
            Verdict::Pass { .. } if is_linearizable => good += 1,
            Verdict::Fail(_) if !is_linearizable => bad += 1,
            _ => {
                wrong += 1;
                let known = if is_linearizable { "" } else { "not " };
                println!("{name} is known to be {known}linearizable, but: {verdict}");
            }
        }
    }
    println!("{good} linearizable and {bad} not, as is known of them; {wrong} judged wrongly");
    Ok(if wrong == 0 { Outcome::Valid } else { Outcome::Unknown })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recorded_histories_are_judged_as_they_are_known_to_be() {
        // Asked for when it runs: a shared target folder may hold this test as another clone built it.
        let folder = Path::new(&std::env::var_os("CARGO_MANIFEST_DIR").unwrap()).join("check/tests/etcd");
        assert_eq!(selftest(&folder).unwrap(), Outcome::Valid);
        assert!(selftest(&folder.join("nowhere")).is_err());
    }
}
