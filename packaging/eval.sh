#!/usr/bin/env bash
# Accuracy on the development data: the figures of docs/benchmarks.md.
set -euo pipefail
bin=$1
data=${RECTO_DATA:-../shared/data}
[ -d "$data" ] || { echo "no development data in $data: set RECTO_DATA"; exit 1; }
readings=${READINGS:-$(mktemp -d)}
run() { echo; echo "\$ recto eval $*"; "$bin" eval --misses "${MISSES:-0}" --readings "$readings" "$@"; }
# vendors never seen, vendors confirmed, and what another confirmed document of its vendor brings
run --type receipt --folds 5 "$data/sroie"
run --type receipt --folds 5 --random "$data/sroie"
"$bin" eval --type receipt --folds 5 --readings "$readings" --json "$data/sroie" > "$readings/before.json"
run --type receipt --folds 5 --confirm 1 --compare "$readings/before.json" "$data/sroie"
run --type order --rasterise --folds 5 "$data/vrdu_adbuy"
run --type invoice --rasterise --folds 5 "$data/einvoice"
run --type invoice --rasterise --folds 5 --only layout=business_layout "$data/einvoice"
run --type receipt --rasterise --folds 5 "$data/my_receipts"
# the rules alone
run --type receipt --model none "$data/sroie"
run --type receipt --model none --rasterise "$data/my_receipts"
run --type invoice --model none --rasterise "$data/einvoice"
run --type invoice --model none --rasterise --only layout=business_layout "$data/einvoice"
run --type order --model none --rasterise "$data/vrdu_adbuy"
run --type contract --model none "$data/kleister_nda"
run --type contract --model none --rasterise "$data/kleister_nda"
run --type contract --folds 5 "$data/kleister_nda"
# exact sources
run "$data/einvoice"
run "$data/mrz"
run --type generic "$data/barcodes"
