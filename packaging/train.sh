#!/usr/bin/env bash
# Trains the field models that are shipped, from the labelled folders whose licence allows it.
set -euo pipefail
bin=$1
data=${RECTO_DATA:-../shared/data}
out=node/extract/types/models
[ -d "$data" ] || { echo "no labelled data in $data: set RECTO_DATA"; exit 1; }
train() { echo; echo "\$ recto train $*"; "$bin" train --rasterise ${READINGS:+--readings "$READINGS"} "$@"; }
train --type receipt --licence "CC BY 4.0 (SROIE, ICDAR 2019),CC0" --out $out/receipt.model "$data/sroie" "$data/my_receipts"
train --type invoice --licence "Apache-2.0,MIT,BSD" --out $out/invoice.model "$data/einvoice" "$data/parsee_invoices" "$data/invoice2data"
train --type order --licence "public record, labels MIT" --out $out/order.model "$data/vrdu_adbuy"
