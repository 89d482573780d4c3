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
    /// Keelson's own figure is held to something, whatever etcd's is.
    OwnAtMost {
        /// The figure to reach.
        bar: f64,
        /// The figure to dream of.
        moonshot: f64,
    },
}

const THROUGHPUT: Row = Row::of("requests/s", figure::PER_SECOND);
const P50: Row = Row::of("p50, ms", figure::P50);
const P99: Row = Row::of("p99, ms", figure::P99);
const EVENTS: Row = Row::of("events/s", figure::EVENTS_PER_SECOND);
const EVENT_P50: Row = Row::of("p50 of events, ms", "event_p50_ms");
const EVENT_P99: Row = Row::of("p99 of events, ms", "event_p99_ms");
const RSS: Row = Row::bytes("memory at the end", figure::RSS);
const RSS_PEAK: Row = Row::bytes("memory at its most", figure::RSS_PEAK);
const WRITTEN: Row = Row::of("bytes written for a byte put", figure::WRITTEN_PER_BYTE);

impl Row {
    const fn of(title: &'static str, figure: &'static str) -> Self {
        Self {
            title,
            figure,
            bar: None,
            is_bytes: false,
        }
    }

    const fn bytes(title: &'static str, figure: &'static str) -> Self {
        Self {
            is_bytes: true,
            ..Self::of(title, figure)
        }
    }

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

/// All lines of a profile.
pub(crate) fn all(profile: Profile) -> Vec<Line> {
    let sizes = Sizes::of(profile);
    vec![
        puts(&sizes),
        puts_single(&sizes),
        ranges(&sizes),
        txn_put(&sizes),
        mixed(&sizes),
        kube(&sizes),
        lease_keepalive(&sizes),
        watch_latency(&sizes),
        watch_fanout(&sizes),
        large_range(&sizes),
        memory(&sizes),
        compaction(&sizes),
        recovery(&sizes),
    ]
}

/// The sizes of a profile.
struct Sizes {
    rounds: usize,
    /// Of lines that take long.
    rounds_of_long: usize,
    /// Of one step.
    seconds: u32,
    /// Puts with 1,000 watchers; a tenth of them with 10,000.
    watched_puts: u32,
    /// Keys in one large answer.
    answer_keys: u32,
    keys: u32,
    revisions: u32,
    compaction_seconds: u32,
    gigabytes: f64,
}

impl Sizes {
    fn of(profile: Profile) -> Self {
        match profile {
            Profile::Quick => Self {
                rounds: 3,
                rounds_of_long: 2,
                seconds: 3,
                watched_puts: 500,
                answer_keys: 20_000,
                keys: 100_000,
                revisions: 100_000,
                compaction_seconds: 5,
                gigabytes: 0.5,
            },
            Profile::Full => Self {
                rounds: 5,
                rounds_of_long: 5,
                seconds: 10,
                watched_puts: 2000,
                answer_keys: 100_000,
                keys: 1_000_000,
                revisions: 1_000_000,
                compaction_seconds: 30,
                gigabytes: 5.0,
            },
        }
    }

    /// A line of three members.
    fn line(&self, name: &'static str, steps: Vec<Step>) -> Line {
        Line {
            name,
            members: 3,
            flags: Vec::new(),
            rounds: self.rounds,
            steps,
        }
    }

    fn long_line(&self, name: &'static str, steps: Vec<Step>) -> Line {
        Line {
            rounds: self.rounds_of_long,
            ..self.line(name, steps)
        }
    }
}

/// "1 client", "10 clients".
pub(super) fn clients(count: u32) -> String {
    format!("{count} client{}", if count == 1 { "" } else { "s" })
}

fn puts(sizes: &Sizes) -> Line {
    let step = |count: u32| {
        let rows = match count {
            1 => [THROUGHPUT.at_least(1.2, 2.0), P99],
            100 => [THROUGHPUT.at_least(1.5, 3.0), P99],
            1000 => [THROUGHPUT.at_least(2.0, 4.0), P99.at_most(1.0, 0.5)],
            _ => [THROUGHPUT, P99],
        };
        Step::new(
            format!("put, {}", clients(count)),
            format!("put --clients {count} --duration {}s", sizes.seconds),
            &rows,
        )
    };
    sizes.line("put", [1, 10, 100, 1000].map(step).to_vec())
}

fn puts_single(sizes: &Sizes) -> Line {
    let step = |count: u32| {
        Step::new(
            format!("put to one member, {}", clients(count)),
            format!("put --clients {count} --duration {}s", sizes.seconds),
            &[THROUGHPUT, P99],
        )
    };
    Line {
        members: 1,
        ..sizes.line("put-single", [1, 100, 1000].map(step).to_vec())
    }
}

fn ranges(sizes: &Sizes) -> Line {
    let step = |(kind, flags, count): (&str, &str, u32)| {
        let rows = if count == 1000 && kind == "linearizable" {
            [THROUGHPUT.at_least(1.5, 3.0), P99]
        } else {
            [THROUGHPUT, P99]
        };
        Step::new(
            format!("{kind} range, {}", clients(count)),
            format!(
                "range{flags} --keys 10000 --clients {count} --duration {}s",
                sizes.seconds
            ),
            &rows,
        )
    };
    // The first step puts the keys.
    let steps = [
        ("linearizable", "", 1),
        ("linearizable", " --filled", 10),
        ("linearizable", " --filled", 100),
        ("linearizable", " --filled", 1000),
        ("serializable", " --filled --serializable", 1),
        ("serializable", " --filled --serializable", 1000),
    ];
    sizes.line("range", steps.map(step).to_vec())
}

fn txn_put(sizes: &Sizes) -> Line {
    let step = Step::new(
        "txn put, 100 clients",
        format!("txn-put --clients 100 --duration {}s", sizes.seconds),
        &[THROUGHPUT, P99],
    );
    sizes.line("txn-put", vec![step])
}

fn mixed(sizes: &Sizes) -> Line {
    let step = Step::new(
        "80% reads, 20% puts, 100 clients",
        format!(
            "mixed --reads 80 --keys 10000 --clients 100 --duration {}s",
            sizes.seconds
        ),
        &[THROUGHPUT, P99],
    );
    sizes.line("mixed", vec![step])
}

fn kube(sizes: &Sizes) -> Line {
    let step = Step::new(
        "kube mix, 100 clients",
        format!(
            "kube --clients 100 --objects 10000 --key-size 64 --value-size 1024 --duration {}s",
            sizes.seconds
        ),
        &[THROUGHPUT.at_least(2.0, 4.0), P99, EVENT_P99],
    );
    sizes.line("kube", vec![step])
}

fn lease_keepalive(sizes: &Sizes) -> Line {
    let step = Step::new(
        "lease keepalive, 100 clients",
        format!("lease-keepalive --clients 100 --duration {}s", sizes.seconds),
        &[THROUGHPUT, P99],
    );
    sizes.line("lease-keepalive", vec![step])
}

fn watch_latency(sizes: &Sizes) -> Line {
    let step = Step::new(
        "watch latency, 100 watchers",
        format!(
            "watch-latency --watchers 100 --streams 10 --clients 10 --rate 100 --duration {}s",
            sizes.seconds
        ),
        &[EVENT_P50, EVENT_P99],
    );
    sizes.line("watch-latency", vec![step])
}

fn watch_fanout(sizes: &Sizes) -> Line {
    let step = |watchers: u32, puts: u32| {
        Step::new(
            format!("watch fan-out, {watchers} watchers"),
            format!(
                "watch-fanout --watchers {watchers} --streams {} --connections 12 --prev-kv --keys 100 \
                 --value-size 1024 --clients 10 --total {puts}",
                watchers / 100
            ),
            &[EVENTS.at_least(3.0, 10.0), EVENT_P99.at_most(1.0 / 3.0, 0.1)],
        )
    };
    let at_a_rate = Step::new(
        "watch fan-out, 1000 watchers, 20 puts a second",
        format!(
            "watch-fanout --watchers 1000 --streams 10 --connections 12 --prev-kv --keys 100 --value-size 1024 \
             --clients 10 --rate 20 --duration {}s",
            sizes.seconds
        ),
        &[EVENT_P50, EVENT_P99],
    );
    let steps = vec![
        step(1000, sizes.watched_puts),
        step(10_000, sizes.watched_puts / 10),
        at_a_rate,
    ];
    sizes.long_line("watch-fanout", steps)
}

fn large_range(sizes: &Sizes) -> Line {
    let keys = sizes.answer_keys;
    let one = Step::new(
        format!("range of {keys} keys"),
        format!("large-range --keys {keys} --value-size 1024 --total 10"),
        &[P50.at_most(0.5, 0.2)],
    );
    let many = Step::new(
        format!("50 ranges of {keys} keys at once"),
        format!("large-range --filled --keys {keys} --value-size 1024 --clients 50 --total 100"),
        &[P50.at_most(0.5, 0.2), RSS_PEAK.at_most(1.0 / 3.0, 0.2)],
    );
    sizes.long_line("large-range", vec![one, many])
}

fn memory(sizes: &Sizes) -> Line {
    let step = Step::new(
        format!("{} keys of 1 KiB", sizes.keys),
        format!("datascale --keys {} --value-size 1024 --clients 100", sizes.keys),
        &[RSS.at_most(0.5, 0.25), RSS_PEAK, WRITTEN.at_most(1.0, 0.5), THROUGHPUT],
    );
    sizes.long_line("memory", vec![step])
}

fn compaction(sizes: &Sizes) -> Line {
    let during_over_quiet = Row {
        bar: Some(Bar::OwnAtMost {
            bar: 2.0,
            moonshot: 1.1,
        }),
        ..Row::of("p99 of puts during over quiet", "p99_during_over_quiet")
    };
    let step = Step::new(
        format!("compaction of {} revisions", sizes.revisions),
        format!(
            "compaction --revisions {} --clients 100 --rate 1000 --duration {}s",
            sizes.revisions, sizes.compaction_seconds
        ),
        &[
            during_over_quiet,
            Row::of("p99 of puts, quiet, ms", "quiet_p99_ms"),
            Row::of("p99 of puts during, ms", "during_p99_ms"),
            Row::of("compaction, s", "compaction_seconds"),
        ],
    );
    sizes.long_line("compaction", vec![step])
}

fn recovery(sizes: &Sizes) -> Line {
    let seconds = Row::of("start to serving, s", "recovery_seconds");
    let step = Step::new(
        format!("recovery with {} GiB", sizes.gigabytes),
        format!("recovery --gigabytes {} --value-size 1024 --starts 3", sizes.gigabytes),
        &[seconds.at_most(1.0 / 3.0, 0.1), RSS],
    );
    Line {
        members: 1,
        ..sizes.long_line("recovery", vec![step])
    }
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
