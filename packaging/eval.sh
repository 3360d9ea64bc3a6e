#!/usr/bin/env bash
# Accuracy on the development data: the figures of docs/benchmarks.md.
set -euo pipefail
bin=$1
data=${RECTO_DATA:-../shared/data}
[ -d "$data" ] || { echo "no development data in $data: set RECTO_DATA"; exit 1; }
run() { echo; echo "\$ recto eval $*"; "$bin" eval --misses "${MISSES:-0}" "$@"; }
run --type receipt "$data/sroie"
run --type receipt --rasterise "$data/my_receipts"
run "$data/einvoice"
run --type invoice --rasterise "$data/einvoice"
run "$data/mrz"
run --type generic "$data/barcodes"
run --type order --rasterise "$data/vrdu_adbuy"
