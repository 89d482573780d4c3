//! Where a member's options come from: the command line, the environment, or a file instead of both.

use std::path::Path;

use base::flags::{Fate, Outcome, Parsed};

use super::file;
use super::flags::TABLE;
use crate::error::{Error, Result};

const PREFIX: &str = "ETCD";

/// What the command line asks for.
#[derive(Debug)]
pub(crate) enum Wish {
    /// The help text.
    Help,
    /// The version.
    Version,
    /// A member with these options.
    Run(Options),
}

/// Options as given, not yet understood.
#[derive(Debug, Default)]
pub(crate) struct Options {
    /// The values.
    pub(crate) parsed: Parsed,
    /// Whether they come from a file, where a few defaults differ.
    pub(crate) from_file: bool,
    /// What the operator should be told once logging works.
    pub(crate) notes: Vec<String>,
}

/// Reads all sources by upstream's precedence: a file excludes the rest; the line wins over the environment.
///
/// # Errors
/// An unknown flag, a value that is not of its flag's kind, a flag that is refused, or a file that cannot be read.
pub(crate) fn read(args: &[String], environment: Vec<(String, String)>) -> Result<Wish> {
    let parsed = match TABLE.parse(args)? {
        Outcome::Help => return Ok(Wish::Help),
        Outcome::Values(parsed) => parsed,
    };
    if let Some(word) = parsed.rest.first() {
        return Err(Error::usage(format!(
            "{word:?} is not a valid flag; flags begin with --"
        )));
    }
    if parsed
        .get("version")
        .is_some_and(|value| base::flags::boolean("--version", &value.text) == Ok(true))
    {
        return Ok(Wish::Version);
    }
    let from_environment = |(key, text): &(String, String)| (key == "ETCD_CONFIG_FILE").then(|| text.clone());
    let from_line = parsed.get("config-file").map(|value| value.text.clone());
    let path = from_line
        .or_else(|| environment.iter().find_map(from_environment))
        .filter(|path| !path.is_empty());
    let mut options = match path {
        Some(path) => {
            let mut options = file::read(Path::new(&path))?;
            if parsed.given().any(|(name, _)| name != "config-file") {
                options.notes.push(format!(
                    "all options come from {path}; other flags and the environment are ignored"
                ));
            }
            options
        }
        None => with_environment(parsed, environment)?,
    };
    options.notes.extend(fates(&options.parsed)?);
    Ok(Wish::Run(options))
}

fn with_environment(mut parsed: Parsed, environment: Vec<(String, String)>) -> Result<Options> {
    let mut notes = Vec::new();
    let mut variables = environment;
    variables.retain(|(key, _)| {
        if key == "ETCD_VERSION" {
            notes.push("environment variable ETCD_VERSION is ignored; --version prints the version".to_owned());
        }
        // The last one is how upstream is told to run on an architecture it was not tested on.
        !matches!(
            key.as_str(),
            "ETCD_VERSION" | "ETCD_CONFIG_FILE" | "ETCD_UNSUPPORTED_ARCH"
        )
    });
    notes.extend(
        TABLE
            .environment(PREFIX, variables, &mut parsed)
            .map_err(|error| Error::new(error.to_string()))?,
    );
    Ok(Options {
        parsed,
        from_file: false,
        notes,
    })
}

/// Notes about values without effect, or the first value that is refused.
fn fates(parsed: &Parsed) -> Result<Vec<String>> {
    let mut notes = Vec::new();
    for row in TABLE.rows() {
        let Some(value) = parsed.get(row.name).filter(|value| value.text != row.default) else {
            continue;
        };
        match row.fate {
            Fate::Used => {
                if value.spelled.contains("experimental-") && row.name != value.spelled.trim_start_matches('-') {
                    notes.push(format!("{} is an old name of --{}", value.spelled, row.name));
                }
            }
            Fate::Ignored(why) => notes.push(format!("{}={} has no effect: {why}", value.spelled, value.text)),
            Fate::Refused(what) => {
                return Err(Error::new(format!(
                    "{}={} cannot be used: {what}",
                    value.spelled, value.text
                )));
            }
        }
    }
    Ok(notes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(args: &[&str], environment: &[(&str, &str)]) -> Result<Options> {
        let args: Vec<String> = args.iter().map(|arg| (*arg).to_owned()).collect();
        let environment = environment
            .iter()
            .map(|(key, text)| ((*key).to_owned(), (*text).to_owned()))
            .collect();
        match read(&args, environment)? {
            Wish::Run(options) => Ok(options),
            other => Err(Error::new(format!("{other:?}"))),
        }
    }

    #[test]
    fn the_line_wins_over_the_environment() {
        let options = run(
            &["--name=a"],
            &[("ETCD_NAME", "b"), ("ETCD_DATA_DIR", "/d"), ("ETCD_PORT", "1")],
        )
        .unwrap();
        assert_eq!(options.parsed.get("name").unwrap().text, "a");
        assert_eq!(options.parsed.get("data-dir").unwrap().text, "/d");
        assert_eq!(options.notes.len(), 2, "{:?}", options.notes);
    }

    #[test]
    fn values_without_effect_are_told_and_refused_ones_end_it() {
        let options = run(
            &[
                "--backend-batch-limit=7",
                "--max-wals",
                "5",
                "--experimental-max-learners=2",
            ],
            &[],
        )
        .unwrap();
        assert_eq!(
            options.notes,
            [
                "--experimental-max-learners is an old name of --max-learners",
                "--backend-batch-limit=7 has no effect: data is not kept in bbolt"
            ]
        );
        let error = run(&["--discovery=https://discovery.etcd.io/x"], &[]).unwrap_err();
        assert_eq!(
            (error.code, error.text.as_str()),
            (
                1,
                "--discovery=https://discovery.etcd.io/x cannot be used: discovery services are not supported; list the \
                 members with --initial-cluster"
            )
        );
        assert!(run(&["--proxy=on"], &[]).is_err());
        assert!(run(&["--proxy=off"], &[]).is_ok());
    }

    #[test]
    fn mistakes_on_the_line_and_in_the_environment() {
        assert_eq!(run(&["--nam=a"], &[]).unwrap_err().code, 2);
        assert_eq!(
            run(&["gateway"], &[]).unwrap_err().text,
            "\"gateway\" is not a valid flag; flags begin with --"
        );
        let error = run(&[], &[("ETCD_ELECTION_TIMEOUT", "1s")]).unwrap_err();
        assert_eq!(error.code, 1);
        assert!(error.text.contains("ETCD_ELECTION_TIMEOUT"), "{error}");
        assert!(matches!(read(&["--version".to_owned()], Vec::new()), Ok(Wish::Version)));
        assert!(matches!(read(&["-h".to_owned()], Vec::new()), Ok(Wish::Help)));
        assert!(run(&[], &[("ETCD_VERSION", "true")]).is_ok());
    }

    #[test]
    fn a_file_excludes_the_rest() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("conf.yml");
        std::fs::write(&path, "name: from-file\n").unwrap();
        let path = path.display().to_string();
        let options = run(&["--config-file", &path, "--name=line"], &[("ETCD_DATA_DIR", "/d")]).unwrap();
        assert_eq!(options.parsed.get("name").unwrap().text, "from-file");
        assert!(options.from_file && !options.parsed.is_set("data-dir"));
        assert_eq!(options.notes.len(), 1);
        let options = run(&[], &[("ETCD_CONFIG_FILE", &path)]).unwrap();
        assert_eq!(options.parsed.get("name").unwrap().text, "from-file");
    }
}
