# The menu. The work itself stands in cargo xtask, in deploy/ and in the programs.
SHELL := /bin/bash
.ONESHELL:
.SHELLFLAGS := -euo pipefail -c
.PHONY: help up test bench bench-api sim jepsen fuzz lint gen

help: ## Show this menu
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1	\2/' | expand -t 18

up: ## Install what is needed, build, and start store and apiserver; Ctrl-C stops them (ARGS="--members 3" for three members)
	@deploy/setup.sh build
	. deploy/env.sh
	cargo build --locked --release --package keelson
	exec "$$CARGO_TARGET_DIR/release/keelson" up $(ARGS)

test: ## Run every test, with real etcd clients; installs what they need
	@deploy/setup.sh test
	. deploy/env.sh
	cargo build --locked --profile sim --package store-sim
	"$$CARGO_TARGET_DIR/sim/keelson-sim" many --count 1500
	"$$CARGO_TARGET_DIR/sim/keelson-sim" many --count 60 --twice
	"$$CARGO_TARGET_DIR/sim/keelson-sim" planted
	cargo nextest run --locked --workspace --no-fail-fast
	cargo build --locked --package keelson --package jepsen
	"$$CARGO_TARGET_DIR/debug/keelson-jepsen" matrix --budget 3m --time 15s --out "$$CARGO_TARGET_DIR/jepsen"

bench: ## Compare with etcd under load, in under 20 minutes; writes benches/results (ARGS="--only put" for less)
	@deploy/setup.sh test
	. deploy/env.sh
	cargo build --locked --release --package keelson --package benches
	exec "$$CARGO_TARGET_DIR/release/keelson-bench" compare $(ARGS)

bench-api: ## Compare the apiserver with a kube-apiserver, in 25 minutes; writes benches/results/apiserver (ARGS="--rounds 1 --only lists" for less)
	@deploy/setup.sh test
	. deploy/env.sh
	cargo build --locked --release --package keelson --package benches
	exec deploy/bench-api.sh $(or $(ARGS),--duration 3s --rounds 1)

sim: ## Simulate clusters under faults: one seed (SEED=7), or many (ARGS="--first 2000 --count 100000")
	@deploy/setup.sh build
	. deploy/env.sh
	cargo build --locked --profile sim --package store-sim
	exec "$$CARGO_TARGET_DIR/sim/keelson-sim" $(if $(SEED),one $(SEED),many) $(ARGS)

jepsen: ## Break real clusters, three and five members in network namespaces, and judge what clients saw (needs root)
	@deploy/setup.sh test
	. deploy/env.sh
	cargo build --locked --release --package keelson --package jepsen
	exec "$$CARGO_TARGET_DIR/release/keelson-jepsen" $(or $(ARGS),matrix --budget 30m)

fuzz: ## Give one decoder noise with libFuzzer: TARGET=messages FOR=600 (needs a nightly compiler and cargo-fuzz)
	@. deploy/env.sh
	command -v cargo-fuzz >/dev/null || { echo "make fuzz: cargo-fuzz is missing (rustup toolchain install nightly && cargo install cargo-fuzz)"; exit 1; }
	target=$(or $(TARGET),messages)
	work="$$KEELSON_CACHE/fuzz"
	mkdir -p "$$work/$$target" "$$work/found/$$target" "store/fuzz/corpus/$$target"
	cargo run --locked --quiet --package store-fuzz --example seeds -- "$$work" "$$target"
	# Linking with LTO takes minutes, and gains little here.
	export CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
	cargo +nightly fuzz run --fuzz-dir store/fuzz --target-dir "$$work/target" --features libfuzzer "$$target" \
	  "$$work/$$target" "store/fuzz/corpus/$$target" -- -max_total_time=$(or $(FOR),60) -max_len=131072 -timeout=25 \
	  -rss_limit_mb=2048 -artifact_prefix="$$work/found/$$target/"

lint: ## Format, clippy, layers, tidy, generated parts
	@deploy/setup.sh test
	. deploy/env.sh
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --quiet -- -D warnings
	cargo xtask layers
	cargo xtask tidy
	cargo xtask gen --check
	if command -v cargo-deny >/dev/null; then cargo deny --locked check bans licenses sources; else echo "lint: cargo-deny is not installed, licences were not checked (cargo install cargo-deny)"; fi

gen: ## Write the generated parts of the documents
	@. deploy/env.sh
	cargo xtask gen
