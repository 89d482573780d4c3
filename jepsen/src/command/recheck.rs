//! Runs judged again from what they left.

use std::path::PathBuf;

use crate::judge::Outcome;
use crate::report;
use crate::run::{Folder, recheck as judge_again};

/// Judges what is in these folders. The worst outcome counts; what cannot be read is unknown.
pub(crate) fn recheck(folders: &[PathBuf]) -> Outcome {
    let mut worst = Outcome::Valid;
    for folder in folders {
        match judge_again(&Folder::of(folder)) {
            Ok(judged) => {
                print!("{}", report::terminal(&judged));
                worst = worst.max(judged.sentence.outcome);
            }
            Err(error) => {
                eprintln!("error: {error:#}");
                worst = worst.max(Outcome::Unknown);
            }
        }
    }
    worst
}
