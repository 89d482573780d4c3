//! The machine as a whole: transcripts, laws that hold for every log, and who may do what.

mod arbitrary;
mod authz;
mod laws;
mod lifecycle;
mod parse;
mod show;
mod transcript;
