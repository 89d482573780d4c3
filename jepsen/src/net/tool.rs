//! Programs that talk to the kernel's network: `ip` and `nft`, each with its lines on standard input.

use std::io::Write;
use std::process::{Command, Stdio};

use anyhow::{Context, ensure};

/// Runs lines of `ip`; they stop at the first that fails.
pub(super) fn ip(lines: &str) -> anyhow::Result<()> {
    run("ip", &["-batch", "-"], lines).map(drop)
}

/// Runs lines of `nft`, all of them or none; what they print.
pub(super) fn nft(lines: &str) -> anyhow::Result<String> {
    run("nft", &["-f", "-"], lines)
}

fn run(program: &str, arguments: &[&str], lines: &str) -> anyhow::Result<String> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{program} cannot be run; is it installed?"))?;
    if let Some(mut input) = child.stdin.take() {
        // A program that has given up does not read; its words below say why.
        let _ = input.write_all(lines.as_bytes());
    }
    let output = child.wait_with_output()?;
    ensure!(
        output.status.success(),
        "{program} failed with {}: {}\nat:\n{lines}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
