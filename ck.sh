#!/bin/bash
cd /work/h/kinds && . deploy/env.sh; export CARGO_TARGET_DIR=/work/h/kinds/target CARGO_BUILD_JOBS=2
/work/h/cargo "$@" --offline
