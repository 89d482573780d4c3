# Sourced before every cargo: where builds and fetched tools are, and which RocksDB is linked.
#
# Debian bookworm ships RocksDB 7.8 as a static library, and linking it costs seconds where compiling RocksDB costs
# ten minutes on two cores (deploy/adr/0003-rocksdb.md). Anywhere else the crate compiles its own copy.
export KEELSON_CACHE="${KEELSON_CACHE:-$HOME/.cache/keelson}"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$KEELSON_CACHE/target}"
export PATH="$HOME/.cargo/bin:$PATH:$KEELSON_CACHE/tools/bin:$KEELSON_CACHE/tools/debian/usr/bin"

case "$(dpkg-query -W -f '${Version}' librocksdb-dev 2>/dev/null)" in
7.8.*)
    export ROCKSDB_LIB_DIR="/usr/lib/$(gcc -print-multiarch)"
    export ROCKSDB_INCLUDE_DIR=/usr/include
    export ROCKSDB_STATIC=1
    ;;
*)
    # RocksDB 7.9 relies on headers that newer compilers no longer include by themselves.
    export CXXFLAGS="${CXXFLAGS:--include cstdint}"
    ;;
esac
# bindgen's libclang comes without headers of its own; the compiler's do.
export BINDGEN_EXTRA_CLANG_ARGS="-I$(gcc -print-file-name=include)"
