//! Noise for every decoder of the store: one target each, with seeds, for libFuzzer and for a test.
//!
//! A target takes bytes as a stranger, a broken disk or a careless operator gives them, and leads them to a decoder and
//! to what is behind it. No bytes may make it panic, loop or take memory without bound; and what it understood must come
//! out the same when it is written and read again. A target panics where that does not hold.
//!
//! Noise that ends at the first length or checksum proves nothing. So seeds are made by the store's own encoders, the
//! mutator changes single fields and mends the lengths around them ([`mutate::Shape`]), and a flag of an input lets its
//! target make checksums, signatures and frames right. Each target says whether an input was understood ([`Verdict`]),
//! and the test fails where a seed is not that should be, or too few of what is made of them.
//!
//! There are two ways to run the targets:
//!
//! * `cargo nextest run -p store-fuzz`: seeds, the files in `corpus/<target>`, and mutations of both, the same in every
//!   run, on a stable compiler; a minute of one core. For a long run: `KEELSON_FUZZ_TIMES=100 cargo test -p store-fuzz
//!   --test replay -- log_segments` makes a hundred times as many, and `KEELSON_FUZZ_SEED=7` others than usual.
//! * `make fuzz TARGET=log_segments FOR=600`: libFuzzer with the address sanitizer, which is led by what of the code was
//!   reached. The programs in `fuzz_targets` are for it; it needs a nightly compiler and cargo-fuzz. No test runs it.
//!
//! An input that goes wrong is copied to `corpus/<target>` under a name that says what it is; it is tried in every run
//! from then on. A new target is a module in `targets`, a row in its table, a program, and a line in the test.
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
    /// Inputs to begin with, valid ones and some that noise is made of although they are not.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// The numbers of those that are refused; all others are understood.
    pub refused: &'static [usize],
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

/// How many times as many mutations as usual a test makes: `KEELSON_FUZZ_TIMES`, or 1.
///
/// # Panics
/// Where the variable is no number.
pub fn times() -> usize {
    variable("KEELSON_FUZZ_TIMES").unwrap_or(1) as usize
}

/// What tells the mutations of this run from the usual ones: `KEELSON_FUZZ_SEED`, or 0.
///
/// # Panics
/// Where the variable is no number.
pub fn seed() -> u64 {
    variable("KEELSON_FUZZ_SEED").unwrap_or(0)
}

fn variable(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(support::must(name, text.parse()))
}
