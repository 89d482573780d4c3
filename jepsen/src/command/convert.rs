//! Histories for other checkers.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::{Context, bail};
use jepsen_check::history::{History, edn, porcupine};

use crate::cli::{ConvertArgs, Dialect};
use crate::judge::{Outcome, register_keys};
use crate::run::read_history;

/// Writes a history in another format.
///
/// # Errors
/// It cannot be read or written, or the format has no words for what is in it.
pub(crate) fn convert(args: &ConvertArgs) -> anyhow::Result<Outcome> {
    let history = read_history(&args.from)?;
    match (args.format, &args.key, &args.out) {
        (Dialect::Edn, None, out) => edn::write(&history, writer(out.as_deref())?)?,
        (Dialect::Edn, Some(_), _) => bail!("EDN has all keys; --key is for Porcupine"),
        (Dialect::Porcupine, Some(key), out) => porcupine::write(&history, key, writer(out.as_deref())?)?,
        (Dialect::Porcupine, None, Some(out)) => write_each(&history, out)?,
        (Dialect::Porcupine, None, None) => bail!("name a --key, or a folder as --out where each key gets a file"),
    }
    Ok(Outcome::Valid)
}

fn writer(out: Option<&Path>) -> anyhow::Result<Box<dyn Write>> {
    Ok(match out {
        Some(path) => {
            let file = File::create(path).with_context(|| format!("{}", path.display()))?;
            Box::new(BufWriter::new(file))
        }
        None => Box::new(std::io::stdout().lock()),
    })
}

/// Writes each register into a file of its own. One that the format has no words for is left out, and said.
fn write_each(history: &History, out: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(out).with_context(|| format!("{}", out.display()))?;
    let keys = register_keys(history);
    if keys.is_empty() {
        bail!("there are no registers in this history");
    }
    let mut written = 0;
    for key in keys {
        let mut log = Vec::new();
        if let Err(error) = porcupine::write(history, &key, &mut log) {
            eprintln!("{key} is left out: {error}");
            continue;
        }
        let path = out.join(format!("{}.log", key.replace(['/', '\0'], "_")));
        std::fs::write(&path, log).with_context(|| format!("{}", path.display()))?;
        written += 1;
    }
    if written == 0 {
        bail!(
            "none of its registers can be written: Porcupine's logs have words for plain reads, writes and swaps only"
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HISTORY: &str = r#"{"type":"invoke","process":1,"time":1,"call":{"put":{"key":"a/x","value":"1"}}}
{"type":"ok","process":1,"time":2,"reply":{"put":{}}}
{"type":"invoke","process":1,"time":3,"call":{"delete":{"key":"a/y"}}}
{"type":"ok","process":1,"time":4,"reply":{"delete":{"deleted":0}}}
"#;

    fn args(folder: &Path, format: Dialect, key: Option<&str>, out: Option<&str>) -> ConvertArgs {
        ConvertArgs {
            from: folder.join("history.jsonl"),
            format,
            key: key.map(str::to_owned),
            out: out.map(|name| folder.join(name)),
        }
    }

    #[test]
    fn each_register_gets_a_log_and_all_one_edn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        std::fs::write(path.join("history.jsonl"), HISTORY).unwrap();
        convert(&args(path, Dialect::Porcupine, None, Some("logs"))).unwrap();
        let log = std::fs::read_to_string(path.join("logs/a_x.log")).unwrap();
        assert_eq!(log.lines().count(), 2, "{log}");
        // A delete has no words there.
        assert!(!path.join("logs/a_y.log").exists());
        convert(&args(path, Dialect::Porcupine, Some("a/x"), Some("one.log"))).unwrap();
        assert_eq!(std::fs::read_to_string(path.join("one.log")).unwrap(), log);
        convert(&args(path, Dialect::Edn, None, Some("history.edn"))).unwrap();
        let edn = std::fs::read_to_string(path.join("history.edn")).unwrap();
        assert_eq!(edn.lines().count(), 4, "{edn}");
        assert!(convert(&args(path, Dialect::Porcupine, None, None)).is_err());
        let (_, deletes) = HISTORY.split_at(HISTORY.match_indices('\n').nth(1).unwrap().0 + 1);
        std::fs::write(path.join("history.jsonl"), deletes).unwrap();
        let error = convert(&args(path, Dialect::Porcupine, None, Some("none"))).unwrap_err();
        assert!(error.to_string().contains("none of its registers"), "{error}");
        std::fs::write(path.join("history.jsonl"), HISTORY).unwrap();
        assert!(convert(&args(path, Dialect::Edn, Some("a/x"), None)).is_err());
    }
}
