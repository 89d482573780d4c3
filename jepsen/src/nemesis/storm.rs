//! Many faults one after another, some of them together, and calm at the end.

use std::cmp::Reverse;
use std::sync::Arc;
use std::time::Duration;

use jepsen_check::history::Phase;
use rand::Rng;
use rand::seq::SliceRandom;
use tokio::time::{Instant, sleep};

use super::chance::Chance;
use super::watchdog::Watchdog;
use super::{Done, Kind, Moment, Nemesis, Report, Seen, Started, State};
use crate::cluster::Cluster;
use crate::seed::Seed;

/// After its faults are taken back a cluster must serve within this, on all its members.
const RECOVERY: Duration = Duration::from_secs(30);
/// A fault that another one hid is looked for so long, and so often, once that is gone.
const HIDDEN: Duration = Duration::from_secs(3);
const LOOK: Duration = Duration::from_millis(200);
/// Faults that are not taken back so long after the end of a storm never will be.
const GRACE: Duration = Duration::from_secs(300);

/// What kind of weather is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Faults to choose from; each has its turn before any comes again.
    pub(crate) kinds: Vec<Kind>,
    /// From which all choices follow. Who leads when does not, so two storms of one seed differ in whom they meet.
    pub(crate) seed: u64,
    /// The time without faults between two.
    pub(crate) rest: Duration,
    /// How long one stays.
    pub(crate) hold: Duration,
    /// At least so many at a time.
    pub(crate) least: usize,
    /// At most so many at a time.
    pub(crate) together: usize,
}

impl Plan {
    /// So many at a time now, at most: one that is to leave a majority comes alone, unless it must not.
    const fn most(&self, gentle: bool) -> usize {
        if gentle { self.least } else { self.together }
    }
}

/// Kinds in an order of chance.
struct Deck {
    kinds: Vec<Kind>,
    left: Vec<Kind>,
}

impl Deck {
    fn new(kinds: &[Kind]) -> Self {
        Self {
            kinds: kinds.to_vec(),
            left: Vec::new(),
        }
    }

    /// A kind that was made and not seen comes next.
    fn again(&mut self, kind: Kind) {
        self.left.retain(|one| *one != kind);
        self.left.push(kind);
    }

    /// The next ones: so many at least and at most, none twice, and none in the way of another.
    fn draw(&mut self, least: usize, together: usize, random: &mut impl Rng) -> Vec<Kind> {
        let count = random.random_range(least.max(1)..=together.max(least).max(1));
        let mut drawn: Vec<Kind> = Vec::new();
        for _ in 0..count {
            if self.left.is_empty() {
                self.left.clone_from(&self.kinds);
                self.left.shuffle(random);
            }
            let fits = |kind: &Kind| !drawn.iter().any(|one| one.excludes(*kind));
            let Some(at) = self.left.iter().rposition(fits) else {
                break;
            };
            drawn.push(self.left.remove(at));
        }
        drawn
    }
}

/// A fault that is on.
struct On {
    kind: Kind,
    nemesis: Box<dyn Nemesis>,
    state: State,
    stands_still: bool,
    detail: String,
    seen: Seen,
}

/// Who is told of faults while they are made.
pub(crate) trait Witness: Send {
    /// One is set about now. Nothing was done yet, and perhaps nothing will be.
    fn tries(&mut self);

    /// One is there, which began when it was set about, or ends now.
    fn note(&mut self, moment: Moment);

    /// Too little was answered so far under those faults that leave a majority.
    fn wants_more(&self) -> bool;

    /// There was a fault that left a majority.
    fn saw_majority(&self) -> bool;
}

/// Makes faults for so long, then takes all back. It goes on for at most `longest` if the witness wants more, or if a
/// kind was made and never seen. It never fails: what went wrong stands in the report.
pub(crate) async fn storm(
    cluster: &Arc<Cluster>,
    plan: &Plan,
    time: Duration,
    longest: Duration,
    witness: &mut dyn Witness,
) -> Report {
    let mut report = Report::of(&plan.kinds, plan.least);
    let mut random = Chance::new(Seed::new(plan.seed).part("storm", 0).rng());
    let mut deck = Deck::new(&plan.kinds);
    let watched = Arc::downgrade(cluster);
    let (until, latest) = (Instant::now() + time, Instant::now() + longest);
    let limit = longest + GRACE;
    let watchdog = Watchdog::arm(limit, move || {
        if let Some(cluster) = watched.upgrade() {
            cluster.rescue();
        }
    });
    sleep(plan.rest).await;
    loop {
        let over = Instant::now() + plan.hold;
        let is_wanted = report.shows_too_little() || witness.wants_more();
        // What did not come back from one fault shows nothing under the next.
        let has_broken = !report.troubles.is_empty();
        if has_broken || over > until && !(is_wanted && over <= latest) {
            break;
        }
        // The last one leaves a majority if no other has, and so do those for which the storm goes on.
        let is_last = over + plan.rest + plan.hold > until;
        let gentle = over > until || is_last && !witness.saw_majority();
        random.set_gentle(gentle);
        let kinds = deck.draw(plan.least, plan.most(gentle), &mut random);
        if kinds.is_empty() {
            break;
        }
        let mut on = begin(cluster, kinds, &mut random, witness, &mut report).await;
        let made = on.iter().filter(|one| one.state == State::Installed).count();
        report.at_once = report.at_once.max(made);
        if on.iter().any(|one| !one.kind.is_instant()) {
            sleep(plan.hold).await;
        }
        for one in &mut on {
            one.seen = one.nemesis.observe(cluster).await;
        }
        for kind in end(cluster, on, witness, &mut report).await {
            // It gets another chance, with others if it is so chosen.
            deck.again(kind);
        }
        sleep(plan.rest).await;
    }
    report.not_healed = heal(cluster).await.err().map(|error| format!("{error:#}"));
    match watchdog {
        Ok(watchdog) => report.rescued = watchdog.disarm(),
        Err(error) => report.troubles.push(format!("there was no watchdog: {error}")),
    }
    report
}

/// Makes faults of these kinds, all at once.
async fn begin(
    cluster: &Cluster,
    mut kinds: Vec<Kind>,
    random: &mut Chance,
    witness: &mut dyn Witness,
    report: &mut Report,
) -> Vec<On> {
    // What is over once it is done comes when the others are there.
    kinds.sort_by_key(|kind| (kind.is_instant(), Reverse(*kind)));
    let mut on = Vec::new();
    for kind in kinds {
        let mut one = On::new(kind);
        // Making it may take long, and it shows before it is told of.
        witness.tries();
        let started = one.nemesis.start(cluster, random).await;
        one.take(started);
        tracing::info!(fault = kind.name(), state = ?one.state, detail = one.detail, "begins");
        if one.state == State::Skipped {
            report.faults.push(one.done());
        } else {
            witness.note(one.moment(Phase::Begin));
            on.push(one);
        }
    }
    on
}

/// Takes faults back, and waits until the cluster is as it was. Answers which of them were never seen.
async fn end(cluster: &Cluster, mut on: Vec<On>, witness: &mut dyn Witness, report: &mut Report) -> Vec<Kind> {
    on.sort_by_key(On::turn);
    let names: Vec<&str> = on.iter().map(|one| one.kind.name()).collect();
    let names = names.join(" and ");
    let mut unseen = Vec::new();
    for (place, mut one) in on.into_iter().enumerate() {
        // What was taken back before may have hidden it: where all members are killed, nothing is cut.
        let hidden = Instant::now() + HIDDEN;
        while place > 0 && one.is_unseen() && Instant::now() < hidden {
            sleep(LOOK).await;
            one.seen = one.nemesis.observe(cluster).await;
        }
        if one.is_unseen() {
            unseen.push(one.kind);
        }
        if let Err(error) = one.nemesis.stop(cluster).await {
            report
                .troubles
                .push(format!("{} cannot be taken back: {error:#}", one.kind.name()));
        }
        tracing::info!(fault = one.kind.name(), evidence = one.seen.evidence, "ends");
        witness.note(one.moment(Phase::End));
        report.faults.push(one.done());
    }
    if let Err(error) = cluster.wait_healthy(&cluster.nodes(), RECOVERY).await {
        report.troubles.push(format!("after {names}: {error:#}"));
    }
    unseen
}

impl On {
    /// One of which nothing is known yet.
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            nemesis: kind.nemesis(),
            state: State::Indeterminate,
            // What is over at once is too short for answers to be asked for.
            stands_still: kind.is_instant(),
            detail: String::new(),
            seen: Seen {
                seen: false,
                evidence: String::new(),
            },
        }
    }

    /// This came of the attempt to make it.
    fn take(&mut self, started: anyhow::Result<Started>) {
        (self.state, self.detail) = match started {
            Ok(Started::Installed(detail)) => (State::Installed, detail),
            Ok(Started::Standstill(detail)) => {
                self.stands_still = true;
                (State::Installed, detail)
            }
            Ok(Started::Skipped(why)) => (State::Skipped, why),
            Err(error) => (State::Indeterminate, format!("{error:#}")),
        };
    }

    /// When it is its turn to be taken back: one that was not seen after those that may have hidden it, but before those
    /// that can be taken back only when nothing else is on.
    const fn turn(&self) -> (bool, bool, Kind) {
        (self.kind.needs_the_others_gone(), self.is_unseen(), self.kind)
    }

    const fn is_unseen(&self) -> bool {
        matches!(self.state, State::Installed) && !self.seen.seen
    }

    fn moment(&self, phase: Phase) -> Moment {
        let detail = match (phase, self.state) {
            (Phase::Begin, State::Indeterminate) if !self.detail.is_empty() => format!("perhaps: {}", self.detail),
            (Phase::Begin, _) => self.detail.clone(),
            (Phase::End, _) => self.seen.evidence.clone(),
        };
        Moment {
            name: self.kind.name(),
            phase,
            detail,
            stands_still: self.stands_still,
        }
    }

    fn done(&self) -> Done {
        Done {
            name: self.kind.name(),
            state: self.state,
            detail: self.detail.clone(),
            seen: self.seen.seen,
            evidence: self.seen.evidence.clone(),
        }
    }
}

/// Takes back every fault there can be, and waits until all members serve.
///
/// # Errors
/// Something cannot be taken back, or a member does not serve.
async fn heal(cluster: &Cluster) -> anyhow::Result<()> {
    cluster.net().clear_weather();
    cluster.net().heal()?;
    let nodes = cluster.nodes();
    for node in &nodes {
        if let Some(disk) = cluster.disk(*node) {
            disk.heal();
        }
        cluster.thaw(*node)?;
        if cluster.has_clocks() {
            cluster.set_clock(*node, 0)?;
        }
        cluster.start_member(*node)?;
    }
    cluster.wait_healthy(&nodes, RECOVERY).await
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;

    use super::*;

    #[test]
    fn each_kind_has_its_turn_before_any_comes_again() {
        let mut random = StdRng::seed_from_u64(1);
        let mut deck = Deck::new(Kind::ALL);
        for _ in 0..3 {
            let mut drawn: Vec<Kind> = Kind::ALL.iter().flat_map(|_| deck.draw(1, 1, &mut random)).collect();
            drawn.sort_unstable();
            assert_eq!(drawn, Kind::ALL);
        }
    }

    #[test]
    fn what_was_not_seen_comes_next() {
        let mut random = StdRng::seed_from_u64(1);
        let mut deck = Deck::new(Kind::ALL);
        for kind in [Kind::Delay, Kind::Kill] {
            deck.again(kind);
            assert_eq!(deck.draw(1, 1, &mut random), [kind]);
        }
        deck.draw(1, 1, &mut random);
        deck.again(Kind::Loss);
        deck.again(Kind::Loss);
        assert_eq!(deck.draw(1, 1, &mut random), [Kind::Loss]);
        assert!(!deck.left.contains(&Kind::Loss));
    }

    #[test]
    fn no_two_come_together_that_are_in_each_others_way() {
        let mut random = StdRng::seed_from_u64(2);
        let mut deck = Deck::new(&[
            Kind::Flip,
            Kind::Member,
            Kind::Kill,
            Kind::Loss,
            Kind::Delay,
            Kind::PartitionRing,
        ]);
        let mut sizes = std::collections::BTreeSet::new();
        for _ in 0..200 {
            let drawn = deck.draw(1, 3, &mut random);
            for (place, one) in drawn.iter().enumerate() {
                for other in &drawn[place + 1..] {
                    assert!(!one.excludes(*other), "{drawn:?}");
                }
            }
            sizes.insert(drawn.len());
        }
        assert_eq!(sizes.into_iter().collect::<Vec<_>>(), [1, 2, 3]);
        assert!(Deck::new(&[]).draw(1, 3, &mut random).is_empty());
    }

    #[test]
    fn those_that_are_to_come_at_once_always_do() {
        let mut random = StdRng::seed_from_u64(601);
        let mut deck = Deck::new(&[Kind::Clock, Kind::Pause]);
        for _ in 0..50 {
            let mut drawn = deck.draw(2, 2, &mut random);
            drawn.sort_unstable();
            assert_eq!(drawn, [Kind::Pause, Kind::Clock]);
            deck.again(Kind::Pause);
        }
    }

    #[test]
    fn what_is_to_leave_a_majority_comes_alone_where_it_may() {
        let plan = |least, together| Plan {
            kinds: Kind::ALL.to_vec(),
            seed: 1,
            rest: Duration::ZERO,
            hold: Duration::ZERO,
            least,
            together,
        };
        let mix = plan(1, 3);
        let mut random = StdRng::seed_from_u64(1);
        let mut deck = Deck::new(Kind::ALL);
        for _ in 0..50 {
            assert_eq!(deck.draw(mix.least, mix.most(true), &mut random).len(), 1);
        }
        assert_eq!((mix.most(false), plan(2, 2).most(true)), (3, 2));
    }

    #[test]
    fn what_was_not_seen_is_taken_back_after_what_may_have_hidden_it() {
        let fault = |kind, seen| {
            let mut one = On::new(kind);
            one.take(Ok(Started::Installed(String::new())));
            one.seen.seen = seen;
            one
        };
        let turns = |faults: &[(Kind, bool)]| {
            let mut on: Vec<On> = faults.iter().map(|(kind, seen)| fault(*kind, *seen)).collect();
            on.sort_by_key(On::turn);
            on.iter().map(|one| one.kind).collect::<Vec<_>>()
        };
        assert_eq!(
            turns(&[(Kind::Member, true), (Kind::Kill, true), (Kind::PartitionHalves, false)]),
            [Kind::Kill, Kind::PartitionHalves, Kind::Member]
        );
        assert_eq!(
            turns(&[(Kind::Kill, true), (Kind::PartitionHalves, true)]),
            [Kind::PartitionHalves, Kind::Kill]
        );
        assert_eq!(
            turns(&[(Kind::Flip, false), (Kind::Loss, false), (Kind::Pause, true)]),
            [Kind::Pause, Kind::Loss, Kind::Flip]
        );
    }

    #[test]
    fn a_fault_that_was_not_tried_is_no_fault() {
        let mut one = On::new(Kind::Pause);
        one.take(Ok(Started::Skipped("none of them runs".to_owned())));
        assert_eq!((one.state, one.stands_still), (State::Skipped, false));
        one.take(Ok(Started::Standstill("n1, n2".to_owned())));
        assert_eq!((one.state, one.stands_still), (State::Installed, true));
        assert_eq!(one.moment(Phase::Begin).detail, "n1, n2");
        one.take(Err(anyhow::anyhow!("no answer")));
        assert_eq!(one.moment(Phase::Begin).detail, "perhaps: no answer");
    }

    #[test]
    fn a_seed_draws_the_same() {
        let draw = |seed| {
            let mut random = StdRng::seed_from_u64(seed);
            let mut deck = Deck::new(Kind::ALL);
            (0..10).map(|_| deck.draw(1, 3, &mut random)).collect::<Vec<_>>()
        };
        assert_eq!(draw(5), draw(5));
        assert_ne!(draw(5), draw(6));
    }
}
