//! What can go wrong, one file each, and what all of it works on.

mod clock;
mod crash;
mod damage;
mod disk;
mod orders;
mod partition;
mod pause;
mod replace;
mod weather;

use std::time::Duration;

use rand::Rng;
use rand::rngs::StdRng;

use crate::net::{Net, Number};
use crate::node::Node;
use crate::plan::Plan;

/// The cluster as a fault finds it.
pub(crate) struct Ground<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) net: &'a Net,
    pub(crate) nodes: &'a mut Vec<Node>,
    pub(crate) random: &'a mut StdRng,
    /// The world's time.
    pub(crate) now: Duration,
}

/// One thing that goes wrong for a while.
pub(crate) trait Fault {
    /// Lets it go wrong; says to whom, or `None` where it cannot now.
    fn begin(&mut self, ground: &mut Ground<'_>) -> Option<String>;

    /// Goes on with what takes several steps; true once there is nothing to wait for.
    fn step(&mut self, _ground: &mut Ground<'_>) -> bool {
        true
    }

    /// The node that it will start again itself, should it end.
    fn holds(&self) -> Option<Number> {
        None
    }

    /// Puts it right.
    fn end(&mut self, ground: &mut Ground<'_>);
}

/// The faults by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Partition,
    Weather,
    Crash,
    Pause,
    Disk,
    Damage,
    Clock,
    Orders,
    Replace,
}

impl Kind {
    pub(crate) const ALL: &'static [Self] = &[
        Self::Partition,
        Self::Weather,
        Self::Crash,
        Self::Pause,
        Self::Disk,
        Self::Damage,
        Self::Clock,
        Self::Orders,
        Self::Replace,
    ];

    /// It makes no sense in a cluster of one.
    pub(crate) const fn needs_others(self) -> bool {
        matches!(self, Self::Partition | Self::Weather | Self::Damage | Self::Replace)
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Weather => "weather",
            Self::Crash => "crash",
            Self::Pause => "pause",
            Self::Disk => "disk",
            Self::Damage => "damage",
            Self::Clock => "clock",
            Self::Orders => "orders",
            Self::Replace => "replace",
        }
    }

    /// How long it lasts, in milliseconds.
    pub(crate) const fn span(self) -> std::ops::Range<u64> {
        match self {
            Self::Partition => 300..9_000,
            Self::Weather => 500..10_000,
            Self::Crash => 50..4_000,
            Self::Pause => 100..5_000,
            Self::Disk => 200..3_000,
            Self::Damage => 300..4_000,
            Self::Clock => 500..8_000,
            Self::Orders => 100..200,
            Self::Replace => 1_000..2_000,
        }
    }

    pub(crate) fn make(self) -> Box<dyn Fault> {
        match self {
            Self::Partition => Box::<partition::Partition>::default(),
            Self::Weather => Box::<weather::Storm>::default(),
            Self::Crash => Box::<crash::Crashes>::default(),
            Self::Pause => Box::<pause::Pause>::default(),
            Self::Damage => Box::<damage::Damage>::default(),
            Self::Disk => Box::<disk::Disk>::default(),
            Self::Clock => Box::<clock::Clocks>::default(),
            Self::Orders => Box::<orders::Orders>::default(),
            Self::Replace => Box::<replace::Replace>::default(),
        }
    }
}

impl Ground<'_> {
    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.random.random_range(0..bound.max(1))
    }

    /// Whoever leads as far as he knows himself.
    pub(crate) fn leader(&self) -> Option<Number> {
        let leads = |node: &&Node| node.member().is_some_and(|member| member.is_leader());
        self.nodes.iter().find(leads).map(|node| node.number)
    }

    /// A node: the leader in half of all cases.
    pub(crate) fn victim(&mut self) -> Number {
        let any = self.below(self.nodes.len());
        match self.leader() {
            Some(leader) if self.random.random() => leader,
            _ => any,
        }
    }

    /// Some nodes: one, a minority, a majority or all.
    pub(crate) fn victims(&mut self) -> Vec<Number> {
        let all = self.nodes.len();
        let count = match self.below(8) {
            0..4 => 1,
            4 => (all - 1) / 2,
            5 | 6 => all / 2 + 1,
            _ => all,
        };
        let first = self.victim();
        let others = (0..all).filter(|node| *node != first);
        std::iter::once(first).chain(others).take(count.max(1)).collect()
    }

    /// Ends a process, if there is one.
    pub(crate) fn crash(&mut self, node: Number, how: crate::node::Crash) {
        let random = &mut *self.random;
        self.nodes[node].crash(self.net, how, &mut |bound| random.random_range(0..bound.max(1)));
    }

    /// Starts a process where there is none.
    pub(crate) fn start(&mut self, node: Number) {
        if !self.nodes[node].runs() {
            let seed = self.random.random();
            // A runtime of one thread without drivers cannot fail to be made.
            drop(self.nodes[node].start(self.net, self.now, seed));
        }
    }
}
