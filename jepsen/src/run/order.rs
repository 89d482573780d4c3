//! What is to be run: a workload, faults, a store, and how long and hard.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use super::facts::{Facts, Floor};
use super::spell::Spell;
use crate::cluster::{Means, Product};
use crate::nemesis::Kind;
use crate::seed::Seed;
use crate::workload::{Least, Name};

/// Kinds of faults that a mix has at once, at most.
const MIXED: usize = 3;
/// No faults at all.
const NONE: &str = "none";
/// Every kind, several at once.
const MIX: &str = "mix";

/// Faults of a run: one kind, several that come at once, or none.
#[derive(Clone)]
pub(crate) struct Nemesis {
    text: String,
    /// The kinds; none: no faults.
    pub(crate) kinds: Vec<Kind>,
    /// So many kinds at once, at least.
    pub(crate) least: usize,
    /// Up to so many kinds at once.
    pub(crate) together: usize,
}

impl Nemesis {
    /// Faults of one kind.
    pub(crate) fn one(kind: Kind) -> Self {
        Self {
            text: kind.name().to_owned(),
            kinds: vec![kind],
            least: 1,
            together: 1,
        }
    }

    /// Faults of every kind, several at once.
    pub(crate) fn mix() -> Self {
        Self {
            text: MIX.to_owned(),
            kinds: Kind::ALL.to_vec(),
            least: 1,
            together: MIXED,
        }
    }

    /// The same for a store on a machine: of a mix the kinds that can be done, and why the others cannot.
    ///
    /// # Errors
    /// It names a kind that cannot be; why not.
    pub(crate) fn on(mut self, means: Means) -> Result<(Self, Vec<String>), String> {
        let mut left_out = Vec::new();
        if self.text == MIX {
            self.kinds.retain(|kind| {
                let why = kind.unfit(means);
                left_out.extend(why.map(|why| format!("{} of {MIX} is left out: {why}", kind.name())));
                why.is_none()
            });
        }
        match self.kinds.iter().find_map(|kind| kind.unfit(means)) {
            Some(why) => Err(why.to_owned()),
            None => Ok((self, left_out)),
        }
    }

    /// As on the command line.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

impl FromStr for Nemesis {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == MIX {
            return Ok(Self::mix());
        }
        if text == NONE {
            return Ok(Self {
                text: text.to_owned(),
                kinds: Vec::new(),
                least: 1,
                together: 1,
            });
        }
        let kinds = text
            .split('+')
            .map(|name| {
                let known = Kind::ALL.iter().copied();
                let mut found = known.filter(|kind| kind.name() == name);
                found.next().ok_or_else(|| {
                    let names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
                    format!(
                        "there is no fault {name:?}; there are {NONE}, {MIX}, {}, and several joined by +",
                        names.join(", ")
                    )
                })
            })
            .collect::<Result<Vec<Kind>, String>>()?;
        for (place, one) in kinds.iter().enumerate() {
            if let Some(other) = kinds[place + 1..].iter().find(|other| one.excludes(**other)) {
                return Err(format!("{} and {} cannot come at once", one.name(), other.name()));
            }
        }
        Ok(Self {
            text: text.to_owned(),
            least: kinds.len(),
            together: kinds.len(),
            kinds,
        })
    }
}

/// One run.
#[derive(Clone)]
pub(crate) struct Order {
    /// What clients do.
    pub(crate) workload: Name,
    /// What is done to the cluster.
    pub(crate) nemesis: Nemesis,
    /// Which store.
    pub(crate) product: Product,
    /// Where its program is; `None`: the usual place.
    pub(crate) binary: Option<PathBuf>,
    /// How many members.
    pub(crate) members: usize,
    /// Length of the load.
    pub(crate) time: Duration,
    /// Calls a second of all clients together.
    pub(crate) rate: f64,
    /// Clients that share the rate.
    pub(crate) clients: usize,
    /// Between two faults.
    pub(crate) rest: Duration,
    /// How long a fault stays.
    pub(crate) hold: Duration,
    /// After the faults the cluster must serve, and later agree, within this.
    pub(crate) settle: Duration,
    /// Flags of the members beyond the usual ones.
    pub(crate) flags: Vec<String>,
    /// What everything is chosen from.
    pub(crate) seed: u64,
    /// Where runs leave their folders.
    pub(crate) out: PathBuf,
}

/// The parts of a run's load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts {
    /// Before the first fault.
    pub(crate) before: Duration,
    /// While faults come and go.
    pub(crate) during: Duration,
    /// After the last.
    pub(crate) after: Duration,
}

impl Order {
    /// The seed of the run.
    pub(crate) const fn root(&self) -> Seed {
        Seed::new(self.seed)
    }

    /// How its time is shared out.
    pub(crate) fn parts(&self) -> Parts {
        Parts {
            before: self.time.mul_f64(0.2),
            during: self.time.mul_f64(0.55),
            after: self.time.mul_f64(0.25),
        }
    }

    /// Between two calls of one client, on average.
    pub(crate) fn interval(&self) -> Duration {
        Duration::from_secs_f64(self.clients as f64 / self.rate.max(0.001))
    }

    /// What must be answered in each part, when faults were on like that; `None`: there are no faults, so there are no
    /// parts.
    pub(super) fn floor(&self, least: Least, spell: &Spell) -> Option<Floor> {
        if self.nemesis.kinds.is_empty() {
            return None;
        }
        let parts = self.parts();
        let count = |rate: f64, time: Duration| (rate * time.as_secs_f64()) as usize;
        Some(Floor {
            before: count(least.calm, parts.before).max(1),
            // Only what lies wholly within a fault is counted there, and some faults are over at once.
            during: count(least.stormy, spell.serving()).max(usize::from(!spell.serving().is_zero())),
            tried: count(least.stormy, spell.total()).max(usize::from(!spell.total().is_zero())),
            after: count(least.calm, parts.after).max(1),
        })
    }

    /// The command that runs it again.
    pub(crate) fn command(&self) -> String {
        let product = match self.product {
            Product::Keelson => "keelson",
            Product::Etcd => "etcd",
        };
        let mut words = vec![
            format!("keelson-jepsen run --workload {}", self.workload.text()),
            format!("--nemesis {} --nodes {}", self.nemesis.text(), self.members),
            format!("--time {}ms --rate {}", self.time.as_millis(), self.rate),
            format!("--clients {} --rest {}ms", self.clients, self.rest.as_millis()),
            format!(
                "--hold {}ms --settle {}ms",
                self.hold.as_millis(),
                self.settle.as_millis()
            ),
            format!("--seed {} --db {product}", self.seed),
        ];
        words.extend(self.binary.iter().map(|path| format!("--binary {}", path.display())));
        words.extend(self.flags.iter().map(|flag| format!("--flag={flag}")));
        words.join(" ")
    }

    /// What is known of the run before it begins.
    pub(crate) fn facts(&self, started: u64, product: String) -> Facts {
        Facts {
            workload: self.workload.text().to_owned(),
            nemesis: self.nemesis.text().to_owned(),
            product,
            members: self.members,
            clients: self.clients,
            rate: self.rate,
            seconds: self.time.as_secs_f64(),
            seed: self.seed,
            started,
            command: self.command(),
            ..Facts::default()
        }
    }
}

#[cfg(test)]
pub(super) mod testing {
    //! An order as others may be.

    use super::*;

    pub(crate) fn order(nemesis: &str) -> Order {
        Order {
            workload: Name::Bank,
            nemesis: nemesis.parse().unwrap(),
            product: Product::Keelson,
            binary: None,
            members: 3,
            time: Duration::from_secs(20),
            rate: 200.0,
            clients: 8,
            rest: Duration::from_secs(1),
            hold: Duration::from_secs(3),
            settle: Duration::from_secs(10),
            flags: vec!["--snapshot-count=100".into()],
            seed: 7,
            out: PathBuf::from("store"),
        }
    }
}

#[cfg(test)]
mod tests {
    use jepsen_check::history::Phase;
    use tokio::time::Instant;

    use super::testing::order;
    use super::*;

    #[test]
    fn faults_are_named_alone_or_together() {
        let both = format!("{}+kill", Kind::ALL[0].name());
        let nemesis: Nemesis = both.parse().unwrap();
        assert_eq!((nemesis.kinds.len(), nemesis.least, nemesis.together), (2, 2, 2));
        let error = "loss+kill+delay".parse::<Nemesis>().err().unwrap();
        assert_eq!(error, "loss and delay cannot come at once");
        assert!("kill+kill".parse::<Nemesis>().is_err());
        assert_eq!(nemesis.text(), both);
        assert!("none".parse::<Nemesis>().unwrap().kinds.is_empty());
        assert_eq!("mix".parse::<Nemesis>().unwrap().kinds.len(), Kind::ALL.len());
        let error = "earthquake".parse::<Nemesis>().err().unwrap();
        assert!(
            error.contains("earthquake") && error.contains(Kind::ALL[0].name()),
            "{error}"
        );
        assert_eq!(Nemesis::one(Kind::ALL[0]).together, 1);
    }

    #[test]
    fn a_store_meets_what_can_be_done_to_it() {
        let both: Nemesis = "kill+clock".parse().unwrap();
        assert!(
            both.clone()
                .on(Means::all(Product::Etcd))
                .is_err_and(|why| why.contains("Go"))
        );
        assert_eq!(both.on(Means::all(Product::Keelson)).unwrap().0.kinds.len(), 2);
        let (mix, left_out) = Nemesis::mix().on(Means::all(Product::Etcd)).unwrap();
        assert!(
            left_out.iter().any(|why| why.starts_with("clock of mix is left out: ")),
            "{left_out:?}"
        );
        assert!(!mix.kinds.contains(&Kind::Clock) && mix.kinds.contains(&Kind::Kill));
    }

    #[test]
    fn a_run_must_show_something_in_each_part() {
        let least = Least {
            calm: 50.0,
            stormy: 4.0,
        };
        let mut spell = Spell::default();
        let (start, on) = (Instant::now(), Duration::from_millis(4_300));
        for (after, stands_still) in [(0, false), (10, true)] {
            let begin = start + Duration::from_secs(after);
            spell.note(Phase::Begin, stands_still, begin, 0);
            spell.note(Phase::End, stands_still, begin + on, 0);
        }
        assert_eq!(
            order(Kind::ALL[0].name()).floor(least, &spell),
            Some(Floor {
                before: 200,
                during: 17,
                tried: 34,
                after: 250
            })
        );
        let scarce = Least {
            calm: 50.0,
            stormy: 0.1,
        };
        let floor = order(Kind::ALL[0].name()).floor(scarce, &spell).unwrap();
        assert_eq!((floor.during, floor.tried), (1, 1));
        assert_eq!(order("none").floor(least, &Spell::default()), None);
        let parts = order("none").parts();
        assert_eq!(parts.before + parts.during + parts.after, Duration::from_secs(20));
    }

    #[test]
    fn clients_share_the_rate_and_the_command_says_all() {
        let order = order("none");
        assert_eq!(order.interval(), Duration::from_millis(40));
        let command = order.command();
        for part in [
            "--workload bank",
            "--nodes 3",
            "--seed 7",
            "--flag=--snapshot-count=100",
            "--time 20000ms",
        ] {
            assert!(command.contains(part), "{command}");
        }
    }
}
