#!/usr/bin/env bash
# Builds the kube-apiserver that ours is compared with, from Debian's source package, since none is packaged compiled. Takes
# five minutes on two cores and 2 GB for a while; prints where it is. Needs Debian 12 (bookworm), whose compiler it takes.
#
# It is 1.20.2, the last whose whole source Debian has (bookworm); the later packages hold kubectl alone.
set -euo pipefail
cd "$(dirname "$0")/.."

version=1.20.2
go=1.19
tools="${KEELSON_CACHE:-$HOME/.cache/keelson}/tools"
folder="$tools/peer/with-reflect2"
binary="$folder/kube-apiserver-$version"
if [ -x "$binary" ]; then
    echo "$binary"
    exit 0
fi

sudo=$([ "$(id -u)" = 0 ] || echo sudo)
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "golang-$go-go" make rsync curl \
    golang-github-modern-go-reflect2-dev >/dev/null

scratch=$(mktemp -d)
trap 'chmod -R u+w "$scratch"; rm -rf "$scratch"' EXIT
site=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' | grep -m 1 '/debian$')
mkdir -p "$scratch/lists/partial" "$scratch/go/src/k8s.io/kubernetes" "$folder"
echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $site bookworm main" >"$scratch/list"
options=(-qq -o "Dir::Etc::sourcelist=$scratch/list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$scratch/lists")
options+=(-o APT::Sandbox::User=root)
apt-get "${options[@]}" update
(cd "$scratch" && apt-get "${options[@]}" source --download-only kubernetes)
tar -C "$scratch/go/src/k8s.io/kubernetes" --strip-components 1 -xf "$scratch"/kubernetes_*.orig.tar.gz
# Its own reflect2 1.0.1 faults on maps when compiled by Go 1.18 or later; 1.0.2 is the same without that.
reflect2=github.com/modern-go/reflect2
rsync -a --delete "/usr/share/gocode/src/$reflect2/" "$scratch/go/src/k8s.io/kubernetes/vendor/$reflect2/"

# As upstream's own build calls it, which wants a version where there is no git.
export PATH="/usr/lib/go-$go/bin:$PATH" GOPATH="$scratch/go" GOCACHE="$scratch/cache" GO111MODULE=off CGO_ENABLED=0 GOFLAGS=
export KUBE_GIT_VERSION="v$version" KUBE_GIT_COMMIT=archive KUBE_GIT_TREE_STATE=archive KUBE_GIT_MAJOR=1 KUBE_GIT_MINOR=20
(cd "$scratch/go/src/k8s.io/kubernetes" && make WHAT=cmd/kube-apiserver GOLDFLAGS="-s -w") >&2
mv "$scratch/go/src/k8s.io/kubernetes/_output/local/bin/linux/$(dpkg --print-architecture)/kube-apiserver" "$binary"
echo "$binary"
