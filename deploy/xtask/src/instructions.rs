//! Counting the instructions of a put and a get with optimisation, as the test of `benches` counts them without.

use std::process::Command;

use anyhow::{Context, ensure};

use crate::workspace::Workspace;

/// Counts and compares with the committed figures, or writes them anew.
pub(crate) fn run(workspace: &Workspace, write: bool) -> anyhow::Result<()> {
    let mut profiles = vec![Some("--release")];
    if write {
        profiles.push(None);
    }
    for profile in profiles {
        let mut command = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".into()));
        command.current_dir(&workspace.root).arg("test").args(profile).args([
            "--package",
            "benches",
            "--test",
            "instructions",
            "--",
            "--nocapture",
        ]);
        if write {
            command.env("KEELSON_WRITE_INSTRUCTIONS", "yes");
        }
        let status = command.status().context("cannot run cargo test")?;
        ensure!(status.success(), "the count of instructions failed");
    }
    Ok(())
}
