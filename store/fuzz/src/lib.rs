//! Noise for every decoder of the store: one target each, with seeds, for libFuzzer and for a test.
//!
//! A target takes bytes as a stranger, a broken disk or a careless operator gives them, and leads them to a decoder. No
//! bytes may make it panic, loop or take memory without bound; and what it understood must come out the same when it is
//! written and read again. A target panics where that does not hold. Its seeds are made by the store's own encoders, so
//! that noise begins at what is valid. `tests/replay` runs seeds, the corpus in `corpus/<target>` and mutations of both
//! on a stable compiler; `fuzz_targets` are the same targets under libFuzzer.
//!
//! This crate must not know how a decoder works inside: it reaches decoders through what their crates offer to all, and
//! of formats it knows only what is written down as a format. Start reading at [`Target`], then at a small one,
//! [`targets::engine_batch`].

pub mod mutate;
pub mod pieces;
mod support;
pub mod targets;

/// Bytes of the longest input that mutations make; libFuzzer is given the same limit.
pub const LONGEST: usize = 1 << 17;

/// What became of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was refused where it was read.
    Refused,
    /// It got as far as a valid input gets; what is behind the reading was run with it.
    Understood,
}

impl Verdict {
    const fn of(understood: bool) -> Self {
        if understood { Self::Understood } else { Self::Refused }
    }
}

/// One thing that is given noise.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// As its module, its program and its corpus are called.
    pub name: &'static str,
    /// Takes one input.
    pub run: fn(&[u8]) -> Verdict,
    /// Valid inputs to begin with.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// How its inputs are put together.
    pub shape: mutate::Shape,
    /// Mutations that the test makes, by what one run costs.
    pub mutations: usize,
    /// Percent of the mutations that are understood at least: fewer, and noise no longer gets past the first check.
    pub understood: usize,
    /// Bytes that a run may hold at once, besides [`Self::PER_BYTE`] for each byte of its input.
    pub memory: usize,
}

impl Target {
    /// Bytes that a run may hold at once for each byte of its input: two bytes may be a message of many empty fields.
    pub const PER_BYTE: usize = 1024;

    /// The target of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Self> {
        targets::ALL.iter().find(|target| target.name == name)
    }
}
