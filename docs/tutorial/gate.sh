#!/usr/bin/env bash
# Is the second search template worse than the first? Measured on the tutorial's shop, at the OpenSearch that
# FUSERANK_OPENSEARCH_NODES names (default http://127.0.0.1:9200). Exit 0: no; 4: yes, and the reports say where.
#   docs/tutorial/gate.sh BEFORE.mustache AFTER.mustache [FOLDER for runs and reports]
set -euo pipefail
before=$1 after=$2 out=${3:-runs/gate}

rm -rf "$out"
npx tsx docs/tutorial/make-shop.ts "$out"
npx fuserank index "$out/products.ndjson" --alias tutorial --id-field id --text-fields title,description,brand,material,category \
  --brand-field brand --category-field category --price-field price --quiet

measure() { # TEMPLATE RUN
  npx fuserank evaluate --index tutorial --queries "$out/queries.csv" --judgments "$out/judgments.csv" \
    --config first-phase --template "$1" --out "$2" --quiet
}
measure "$before" "$out/before.run"
measure "$after" "$out/after.run"

npx fuserank compare "$out/before.run" "$out/after.run" \
  --fail-if "ndcg@10<-0.005" --fail-if "losses>0.1:>10%" \
  --report "html=$out/report.html" --report "md=$out/report.md" --report "junit=$out/gate.xml"
