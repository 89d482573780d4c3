#!/usr/bin/env bash
# Compares `keelson apiserver` on its store with kube-apiserver on etcd under load; what is given goes to keelson-bench api:
#
#     deploy/bench-api.sh --only lists --list-pods 10000
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/env.sh

peer=$(deploy/peer.sh | tail -n 1)
etcd="$KEELSON_CACHE/tools/etcd-newest/usr/bin"
[ -x "$etcd/etcd" ] || { echo "$0: $etcd/etcd is missing; deploy/setup.sh test fetches it" >&2; exit 1; }
"$etcd/etcd" --version
# By their names alone, which is how the report then shows them.
export PATH="$CARGO_TARGET_DIR/release:${peer%/*}:$etcd:$PATH"
# Some of the lines do not replace the report of all.
results=benches/results/apiserver
[[ " $* " != *" --only"[\ =]* ]] || results=benches/results/only
mkdir -p "$results"

url='http://127.0.0.1'
store="--data-dir={folder}/store --listen-client-urls=$url:{store-port} --advertise-client-urls=$url:{store-port}
  --listen-peer-urls=$url:{store-peer-port} --initial-advertise-peer-urls=$url:{store-peer-port}
  --initial-cluster=default=$url:{store-peer-port} --quota-backend-bytes=8589934592"
api="--etcd-servers=$url:{store-port} --secure-port={port} --bind-address=127.0.0.1 --tls-cert-file={cert}
  --tls-private-key-file={key} --client-ca-file={ca} --token-auth-file={token-file}
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file={cert}
  --service-account-signing-key-file={key} --authorization-mode=RBAC --service-cluster-ip-range=10.96.0.0/16
  --disable-admission-plugins=ServiceAccount"
exec keelson-bench api --name keelson --peer-name "${peer##*/}" \
    --server-command "keelson apiserver $api" --store-command "keelson store $store" \
    --peer-command "${peer##*/} $api" --peer-store-command "etcd $store" \
    --json "$results/runs.json" --out "$results/report.md" "$@"
