//! The kinds of faults, by name.

use super::Nemesis;
use super::clock::Clock;
use super::full::Full;
use super::kill::Kill;
use super::member::Membership;
use super::partition::{Partition, Shape};
use super::pause::Pause;
use super::power::Power;
use super::rot::Rot;
use super::sync::{FailSync, SlowSync};
use super::upkeep::{Upkeep, Work};
use super::weather::{Bad, Storminess};
use crate::cluster::{Damage, Means, Product};

/// A kind of fault. Of faults that are made together, those that come first here are taken back first, but for those that
/// were not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Kind {
    /// The leader alone on its side.
    PartitionLeader,
    /// A minority and a majority.
    PartitionHalves,
    /// Two sides that share one member.
    PartitionBridge,
    /// Everybody sees another majority.
    PartitionRing,
    /// One member hears nothing, or is not heard.
    PartitionOneWay,
    /// Any pairs in any direction.
    PartitionPairs,
    /// Frames are lost.
    Loss,
    /// Frames are late, some more than others.
    Delay,
    /// Frames overtake each other and come twice.
    Reorder,
    /// Members are killed.
    Kill,
    /// Members stand still.
    Pause,
    /// Wall clocks jump.
    Clock,
    /// Disks have no room.
    DiskFull,
    /// Syncs take long.
    SlowSync,
    /// Syncs fail.
    FailSync,
    /// Members are killed, and with them goes what was not synced.
    PowerLoss,
    /// Bits of a file flip.
    Flip,
    /// The end of a file is gone.
    Truncate,
    /// A member leaves or comes.
    Member,
    /// History is forgotten.
    Compact,
    /// Space is given back.
    Defragment,
    /// All data are read.
    Snapshot,
}

/// What two kinds cannot both do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// A cut replaces the one before it.
    Cut,
    /// So does the weather.
    Weather,
    /// A member is taken out of the cluster for good: with two of them a majority may be gone.
    Replacement,
}

impl Kind {
    /// All of them.
    pub(crate) const ALL: &[Self] = &[
        Self::PartitionLeader,
        Self::PartitionHalves,
        Self::PartitionBridge,
        Self::PartitionRing,
        Self::PartitionOneWay,
        Self::PartitionPairs,
        Self::Loss,
        Self::Delay,
        Self::Reorder,
        Self::Kill,
        Self::Pause,
        Self::Clock,
        Self::DiskFull,
        Self::SlowSync,
        Self::FailSync,
        Self::PowerLoss,
        Self::Flip,
        Self::Truncate,
        Self::Member,
        Self::Compact,
        Self::Defragment,
        Self::Snapshot,
    ];

    /// What it is called, on the command line and in histories.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::PartitionLeader => "partition-leader",
            Self::PartitionHalves => "partition-halves",
            Self::PartitionBridge => "partition-bridge",
            Self::PartitionRing => "partition-ring",
            Self::PartitionOneWay => "partition-one-way",
            Self::PartitionPairs => "partition-pairs",
            Self::Loss => "loss",
            Self::Delay => "delay",
            Self::Reorder => "reorder",
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Clock => "clock",
            Self::DiskFull => "disk-full",
            Self::SlowSync => "slow-sync",
            Self::FailSync => "fail-sync",
            Self::PowerLoss => "power-loss",
            Self::Flip => "flip",
            Self::Truncate => "truncate",
            Self::Member => "member",
            Self::Compact => "compact",
            Self::Defragment => "defragment",
            Self::Snapshot => "snapshot",
        }
    }

    /// Members must keep their data on disks with faults.
    pub(crate) const fn needs_disk(self) -> bool {
        matches!(self, Self::DiskFull | Self::SlowSync | Self::FailSync | Self::PowerLoss)
    }

    /// Members must run with clocks that can be set.
    pub(crate) const fn needs_clocks(self) -> bool {
        matches!(self, Self::Clock)
    }

    /// Why it is not done to a store, or not on a machine; `None`: it is.
    pub(crate) const fn unfit(self, means: Means) -> Option<&'static str> {
        if self.needs_disk() && !means.disks {
            return Some("this machine has no /dev/fuse, so members cannot have disks with faults");
        }
        match (means.product, self) {
            (Product::Etcd, Self::Clock) => {
                Some("etcd's clocks cannot be set: Go asks the kernel for the time, and nothing can stand in between")
            }
            (Product::Keelson, Self::Clock) if !means.clocks => {
                Some("this machine has no libfaketime, so clocks cannot be set (package libfaketime)")
            }
            (Product::Etcd, Self::Flip | Self::Truncate) => {
                Some("etcd does not promise to notice that its files have changed")
            }
            _ => None,
        }
    }

    /// Of kinds that stand in the same way of each other only one is made at a time.
    const fn way(self) -> Option<Way> {
        match self {
            Self::PartitionLeader
            | Self::PartitionHalves
            | Self::PartitionBridge
            | Self::PartitionRing
            | Self::PartitionOneWay
            | Self::PartitionPairs => Some(Way::Cut),
            Self::Loss | Self::Delay | Self::Reorder => Some(Way::Weather),
            Self::Flip | Self::Truncate | Self::Member => Some(Way::Replacement),
            _ => None,
        }
    }

    /// It can be taken back only where members reach each other and run.
    pub(super) const fn needs_the_others_gone(self) -> bool {
        matches!(self.way(), Some(Way::Replacement))
    }

    /// The two cannot be on at once.
    pub(crate) fn excludes(self, other: Self) -> bool {
        self == other || self.way().is_some() && self.way() == other.way()
    }

    /// It takes back nothing: it is over once it is done.
    pub(super) const fn is_instant(self) -> bool {
        matches!(self, Self::Compact | Self::Defragment | Self::Snapshot)
    }

    /// A fault of this kind.
    pub(super) fn nemesis(self) -> Box<dyn Nemesis> {
        let partition = |shape| -> Box<dyn Nemesis> { Box::new(Partition::new(shape)) };
        match self {
            Self::PartitionLeader => partition(Shape::Leader),
            Self::PartitionHalves => partition(Shape::Halves),
            Self::PartitionBridge => partition(Shape::Bridge),
            Self::PartitionRing => partition(Shape::Ring),
            Self::PartitionOneWay => partition(Shape::OneWay),
            Self::PartitionPairs => partition(Shape::Pairs),
            Self::Loss => Box::new(Storminess::new(Bad::Loss)),
            Self::Delay => Box::new(Storminess::new(Bad::Delay)),
            Self::Reorder => Box::new(Storminess::new(Bad::Reorder)),
            Self::Kill => Box::new(Kill::default()),
            Self::Pause => Box::new(Pause::default()),
            Self::Clock => Box::new(Clock::default()),
            Self::DiskFull => Box::new(Full::default()),
            Self::SlowSync => Box::new(SlowSync::default()),
            Self::FailSync => Box::new(FailSync::default()),
            Self::PowerLoss => Box::new(Power::default()),
            Self::Flip => Box::new(Rot::new(Damage::Flip)),
            Self::Truncate => Box::new(Rot::new(Damage::Truncate)),
            Self::Member => Box::new(Membership::default()),
            Self::Compact => Box::new(Upkeep::new(Work::Compact)),
            Self::Defragment => Box::new(Upkeep::new(Work::Defragment)),
            Self::Snapshot => Box::new(Upkeep::new(Work::Snapshot)),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn what_a_machine_lacks_is_left_out_and_said() {
        let bare = Means {
            disks: false,
            clocks: false,
            ..Means::all(Product::Keelson)
        };
        assert!(Kind::PowerLoss.unfit(bare).unwrap().contains("/dev/fuse"));
        assert!(Kind::Clock.unfit(bare).unwrap().contains("libfaketime"));
        assert_eq!(Kind::Kill.unfit(bare), None);
        assert!(
            Kind::ALL
                .iter()
                .all(|kind| kind.unfit(Means::all(Product::Keelson)).is_none())
        );
    }

    #[test]
    fn every_kind_is_listed_in_order_and_called_the_same_everywhere() {
        assert_eq!(Kind::ALL, Kind::value_variants());
        assert!(Kind::ALL.is_sorted());
        for kind in Kind::ALL {
            let value = kind.to_possible_value().unwrap();
            assert_eq!(value.get_name(), kind.name());
        }
    }
}
