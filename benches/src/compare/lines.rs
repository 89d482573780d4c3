//! What is compared: every line, its commands, the figures taken from them, and the bars they are held to.

use super::Profile;
use crate::report::figure;

/// One line: a fresh cluster each time, and what is done to it one after another.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) members: usize,
    /// Flags of the servers, the same for both.
    pub(crate) flags: Vec<String>,
    /// How often it runs on each side.
    pub(crate) rounds: usize,
    pub(crate) steps: Vec<Step>,
}

/// One command of this program, and what is read from its outcome.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) label: String,
    /// The subcommand and its flags; the endpoints are added.
    pub(crate) command: String,
    pub(crate) rows: Vec<Row>,
}

/// One figure that is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Row {
    /// What it is called in the report.
    pub(crate) title: &'static str,
    /// Its name in the outcome.
    pub(crate) figure: &'static str,
    /// What the ratio of Keelson to etcd should be, if it is held to something.
    pub(crate) bar: Option<Bar>,
    /// Bytes are shown as MiB.
    pub(crate) is_bytes: bool,
}

/// A bar for the ratio of Keelson to etcd.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bar {
    /// More is better.
    AtLeast {
        /// The ratio to reach.
        bar: f64,
        /// The ratio to dream of.
        moonshot: f64,
        /// Where the machine has no CPU time left, the servers' CPU seconds a request decide as well.
        or_by_cpu: bool,
    },
    /// Less is better.
    AtMost {
        /// The ratio to reach.
        bar: f64,
        /// The ratio to dream of.
        moonshot: f64,
    },
}

const THROUGHPUT: Row = Row {
    title: "requests/s",
    figure: figure::PER_SECOND,
    bar: None,
    is_bytes: false,
};
const P99: Row = Row {
    title: "p99, ms",
    figure: figure::P99,
    bar: None,
    is_bytes: false,
};

impl Row {
    const fn at_least(self, bar: f64, moonshot: f64) -> Self {
        Self {
            bar: Some(Bar::AtLeast {
                bar,
                moonshot,
                or_by_cpu: true,
            }),
            ..self
        }
    }

    const fn at_most(self, bar: f64, moonshot: f64) -> Self {
        Self {
            bar: Some(Bar::AtMost { bar, moonshot }),
            ..self
        }
    }
}

impl Step {
    fn new(label: impl Into<String>, command: impl Into<String>, rows: &[Row]) -> Self {
        Self {
            label: label.into(),
            command: command.into(),
            rows: rows.to_vec(),
        }
    }
}

/// The sizes of a profile.
struct Sizes {
    rounds: usize,
    /// Of one step.
    seconds: u32,
}

impl Sizes {
    fn of(profile: Profile) -> Self {
        match profile {
            Profile::Quick => Self { rounds: 3, seconds: 4 },
            Profile::Full => Self { rounds: 5, seconds: 15 },
        }
    }

    fn line(&self, name: &'static str, members: usize, steps: Vec<Step>) -> Line {
        Line {
            name,
            members,
            flags: Vec::new(),
            rounds: self.rounds,
            steps,
        }
    }
}

/// All lines of a profile.
pub(crate) fn all(profile: Profile) -> Vec<Line> {
    let sizes = Sizes::of(profile);
    vec![
        puts(&sizes, "put", 3),
        puts(&sizes, "put-single", 1),
        ranges(&sizes),
        txn_put(&sizes),
    ]
}

fn puts(sizes: &Sizes, name: &'static str, members: usize) -> Line {
    let step = |clients: u32| {
        let rows = match (members, clients) {
            (3, 1) => [THROUGHPUT.at_least(1.2, 2.0), P99],
            (3, 100) => [THROUGHPUT.at_least(1.5, 3.0), P99],
            (3, 1000) => [THROUGHPUT.at_least(2.0, 4.0), P99.at_most(1.0, 1.0)],
            _ => [THROUGHPUT, P99],
        };
        let clients_text = if clients == 1 { "client" } else { "clients" };
        Step::new(
            format!("put, {clients} {clients_text}"),
            format!("put --clients {clients} --duration {}s", sizes.seconds),
            &rows,
        )
    };
    sizes.line(name, members, [1, 10, 100, 1000].map(step).to_vec())
}

fn ranges(sizes: &Sizes) -> Line {
    let step = |clients: u32, serializable: bool| {
        let (kind, flag) = if serializable {
            ("serializable", " --serializable")
        } else {
            ("linearizable", "")
        };
        let rows = if clients == 1000 && !serializable {
            [THROUGHPUT.at_least(1.5, 3.0), P99]
        } else {
            [THROUGHPUT, P99]
        };
        // The first step puts the keys.
        let filled = if clients == 1 && !serializable { "" } else { " --filled" };
        Step::new(
            format!(
                "{kind} range, {clients} {}",
                if clients == 1 { "client" } else { "clients" }
            ),
            format!(
                "range{flag}{filled} --keys 10000 --clients {clients} --duration {}s",
                sizes.seconds
            ),
            &rows,
        )
    };
    let steps = [
        (1, false),
        (10, false),
        (100, false),
        (1000, false),
        (1, true),
        (1000, true),
    ];
    sizes.line(
        "range",
        3,
        steps
            .map(|(clients, serializable)| step(clients, serializable))
            .to_vec(),
    )
}

fn txn_put(sizes: &Sizes) -> Line {
    let step = Step::new(
        "txn put, 100 clients",
        format!("txn-put --clients 100 --duration {}s", sizes.seconds),
        &[THROUGHPUT, P99],
    );
    sizes.line("txn-put", 3, vec![step])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::parse_work;

    #[test]
    fn every_command_can_be_run() {
        for profile in [Profile::Quick, Profile::Full] {
            let lines = all(profile);
            for line in &lines {
                for step in &line.steps {
                    parse_work(&step.command).unwrap_or_else(|error| panic!("{}: {error}", step.command));
                }
                let same_name = lines.iter().filter(|other| other.name == line.name);
                assert_eq!(same_name.count(), 1, "{}", line.name);
            }
        }
    }
}
