//! Paths that the HTTP/2 library refuses, written as paths that it takes.
//!
//! They lead to nothing: the router finds no method there, and names the path that was meant in its answer.

use std::fmt::Write;

/// Where the paths that do not begin with a slash are found.
const ODD: &str = "/keelson.odd-path/";
/// What is kept of such a path. Long enough to be recognised, and far from what the library takes as a path.
const MAX_KEPT: usize = 4096;

/// A path that the library takes, for one that it does not.
pub(super) fn taken(path: &[u8]) -> Vec<u8> {
    let mut taken = ODD.to_owned();
    for byte in path.iter().take(MAX_KEPT) {
        // A string takes whatever is written.
        let _ = write!(taken, "{byte:02x}");
    }
    taken.into_bytes()
}

/// The path that was meant, if this is one of those.
pub(crate) fn meant(path: &str) -> Option<Vec<u8>> {
    let digits = path.strip_prefix(ODD)?.as_bytes();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_comes_back_as_it_was_meant() {
        for path in [&b"etcdserverpb.KV/Put"[..], b"", b"*", &[0xff, b' ', b'"']] {
            let taken = String::from_utf8(taken(path)).unwrap();
            assert!(http::uri::PathAndQuery::try_from(&*taken).is_ok(), "{taken}");
            assert_eq!(meant(&taken).as_deref(), Some(path));
        }
        for path in ["/etcdserverpb.KV/Put", "/keelson.odd-path/0g", "/keelson.odd-path"] {
            assert_eq!(meant(path), None, "{path}");
        }
        let long = taken(&vec![b'a'; 60_000]);
        assert!(http::uri::PathAndQuery::try_from(&*long).is_ok());
    }
}
