//! What happened in a run, line by line; two runs of one seed have the same lines.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{LineWriter, Write as _};
use std::time::Duration;

use xxhash_rust::xxh3::Xxh3;

use crate::invariants::Seen;

/// The lines of a run; written as they come, so that a run that hangs shows where, or only hashed where nobody reads them.
pub(crate) struct Trace {
    file: Option<LineWriter<File>>,
    lost: Option<std::io::Error>,
    hash: Xxh3,
    /// What each member looked like at its last line.
    shown: Vec<String>,
}

impl Trace {
    pub(crate) fn new(file: Option<File>) -> Self {
        Self {
            file: file.map(LineWriter::new),
            lost: None,
            hash: Xxh3::new(),
            shown: Vec::new(),
        }
    }

    pub(crate) fn line(&mut self, now: Duration, text: &str) {
        let line = format!("{:>10.3} {text}\n", now.as_secs_f64());
        self.hash.update(line.as_bytes());
        tracing::info!("{}", line.trim_end());
        if let Some(file) = &mut self.file
            && let Err(error) = file.write_all(line.as_bytes())
        {
            self.file = None;
            self.lost = Some(error);
        }
    }

    /// Notes the members that changed what they are, and all of them now and then.
    pub(crate) fn members(&mut self, now: Duration, seen: &[Seen], all: bool) {
        for one in seen {
            let status = &one.status;
            let mut role = String::new();
            // Writing into a text cannot fail.
            let _ = write!(role, "node {} {:?} term {}", one.node, status.role, status.term);
            let at = one.node;
            if self.shown.len() <= at {
                self.shown.resize(at + 1, String::new());
            }
            if all || self.shown[at] != role {
                let (revision, hash, _) = one.state;
                let line = format!(
                    "{role} last {} committed {} applied {} revision {revision} hash {hash:x}",
                    status.last_index, status.committed, one.applied
                );
                self.line(now, &line);
                self.shown[at] = role;
            }
        }
    }

    pub(crate) fn hash(&self) -> u64 {
        self.hash.digest()
    }

    /// Why not all lines are in the file, if they are not.
    pub(crate) fn lost(self) -> Option<std::io::Error> {
        self.lost
    }
}
