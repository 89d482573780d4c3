//! The mark that every written object carries: which run wrote it, and when that was due.

use std::io::Write as _;
use std::time::{Duration, Instant};

/// The annotation that holds it.
pub(crate) const ANNOTATION: &str = "keelson-bench-due";
/// Hexadecimal digits of a stamp: eight of the run, sixteen of the nanoseconds.
pub(crate) const DIGITS: usize = RUN_DIGITS + 16;
const RUN_DIGITS: usize = 8;

/// Who wrote, and when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// The run; objects of another one are not waited for.
    pub(crate) run: u32,
    /// Nanoseconds since the [`Clock`] began.
    pub(crate) nanoseconds: u64,
}

impl Stamp {
    /// Appends its digits.
    pub(crate) fn write(self, to: &mut Vec<u8>) {
        // Writing to a Vec cannot fail.
        let _ = write!(to, "{:08x}{:016x}", self.run, self.nanoseconds);
    }

    /// Reads its digits; nothing if they are none.
    pub(crate) fn read(digits: &[u8]) -> Option<Self> {
        let (run, nanoseconds) = digits.split_at_checked(RUN_DIGITS)?;
        Some(Self {
            run: u32::try_from(number(run)?).ok()?,
            nanoseconds: number(nanoseconds)?,
        })
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    let digit = |value: u64, one: &u8| Some(value << 4 | u64::from((*one as char).to_digit(16)?));
    digits.iter().try_fold(0, digit)
}

/// What nanoseconds of stamps count from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    epoch: Instant,
}

impl Clock {
    /// Begins now.
    pub(crate) fn start() -> Self {
        Self { epoch: Instant::now() }
    }

    /// The stamp of what is due then.
    pub(crate) fn stamp(self, run: u32, due: Instant) -> Stamp {
        Stamp {
            run,
            nanoseconds: self.nanoseconds(due),
        }
    }

    /// How long ago that was.
    pub(crate) fn since(self, stamp: Stamp, now: Instant) -> Duration {
        Duration::from_nanos(self.nanoseconds(now).saturating_sub(stamp.nanoseconds))
    }

    /// Nanoseconds from the beginning to then.
    pub(crate) fn nanoseconds(self, then: Instant) -> u64 {
        u64::try_from(then.saturating_duration_since(self.epoch).as_nanos()).unwrap_or(u64::MAX)
    }

    /// When so many nanoseconds had passed.
    pub(crate) fn at(self, nanoseconds: u64) -> Instant {
        self.epoch + Duration::from_nanos(nanoseconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_is_read_as_it_was_written() {
        for stamp in [
            Stamp::default(),
            Stamp {
                run: 7,
                nanoseconds: 123_456_789,
            },
            Stamp {
                run: u32::MAX,
                nanoseconds: u64::MAX,
            },
        ] {
            let mut digits = Vec::new();
            stamp.write(&mut digits);
            assert_eq!(digits.len(), DIGITS);
            assert_eq!(Stamp::read(&digits), Some(stamp));
        }
        assert_eq!(Stamp::read(b"000000070000000000000g00"), None);
        assert_eq!(Stamp::read(b"0007"), None);
    }

    #[test]
    fn time_passes_from_a_stamp() {
        let clock = Clock::start();
        let due = Instant::now();
        let stamp = clock.stamp(1, due);
        assert_eq!(
            clock.since(stamp, due + Duration::from_millis(3)),
            Duration::from_millis(3)
        );
        assert_eq!(clock.since(stamp, clock.epoch), Duration::ZERO);
        assert_eq!(clock.at(stamp.nanoseconds), due);
    }
}
