//! Crash points of the store.
