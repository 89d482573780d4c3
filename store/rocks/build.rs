//! Links the compression libraries which a system's static `librocksdb.a` leaves open.

use std::env;
use std::path::Path;

/// What Debian's and Fedora's static RocksDB refer to. LZ4, which our tables use, comes with the rocksdb crate, so that
/// every build reads what another wrote.
const LIBRARIES: [&str; 4] = ["snappy", "zstd", "bz2", "z"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=ROCKSDB_LIB_DIR");
    println!("cargo:rerun-if-env-changed=ROCKSDB_STATIC");
    // Without these the rocksdb crate builds its own copy, or links the shared library, which knows what it needs.
    let (Ok(folder), Some(_)) = (env::var("ROCKSDB_LIB_DIR"), env::var_os("ROCKSDB_STATIC")) else {
        return;
    };
    println!("cargo:rustc-link-search=native={folder}");
    for library in LIBRARIES {
        let archive = Path::new(&folder).join(format!("lib{library}.a"));
        // Whole, because these come before RocksDB on the linker's command line: GNU ld would find no use for them yet.
        let kind = if archive.exists() {
            "static:+whole-archive"
        } else {
            "dylib"
        };
        println!("cargo:rustc-link-lib={kind}={library}");
    }
}
