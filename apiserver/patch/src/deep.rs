//! Documents as deep as they come, for tests.

use apiserver_api::tree::{MAX_DEPTH, Tree, parse};

/// As many objects in each other as are read, each under the same name; the innermost one is `end`.
pub(crate) fn document(name: &str, end: &str) -> Tree {
    let levels = MAX_DEPTH - 1;
    let text = format!("{}{end}{}", format!("{{{name:?}:").repeat(levels), "}".repeat(levels));
    parse(text.as_bytes()).unwrap().tree
}

/// Runs a test with the stack that a build without optimization needs for such documents; an optimized one needs less than
/// a megabyte for every walk.
pub(crate) fn with_stack(test: fn()) {
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(test);
    thread.unwrap().join().unwrap();
}
