#!/bin/sh
# Train the shipped model again: teachers, the network that they teach three times, its files, its card.
# Usage: sh models/reproduce.sh SMILES_FOLDER GENKI_FOLDER KEPT_OUT_LIST RUNS_FOLDER
# Some two hours on two cores. What was trained already isn't trained again.
# Never yet run from its first line to its last in one go: each step was run by itself.
set -eu
test $# -eq 4 || { sed -n '3p' "$0" >&2; exit 2; }
smiles=$1 genki=$2 list=$3 runs=$4
here=$(dirname "$0")
sets="--data $smiles --kept-out $list --data $genki"
common="$sets --schedule cosine --split-seed 11"

smile-gate train $common --arch gate-teacher --epochs 24 --seed 11 --no-recheck --out "$runs/teacher-1"
smile-gate train $common --arch gate-teacher --epochs 16 --seed 12 --no-recheck --out "$runs/teacher-2"
smile-gate train $common --arch gate-teacher --epochs 16 --seed 13 --mixing 0.4 --out "$runs/teacher-3"
smile-gate train $common --arch gate-net --epochs 40 --seed 11 --no-recheck \
  --teacher "$runs/teacher-1/best.keras" --out "$runs/first"
smile-gate train $common --arch gate-net --epochs 12 --seed 14 --learning-rate 0.0012 --trust 0.7 \
  --start "$runs/first/best.keras" --teacher "$runs/teacher-2/best.keras" \
  --teacher "$runs/teacher-3/best.keras" --out "$runs/second"
# Needs pip and npm and their registries; without them leave it and the last --opinions out.
test -f "$runs/opinions.csv" || smile-gate opinions $sets --split-seed 11 --fetch \
  --networks "$runs/outside" --out "$runs/opinions.csv"
smile-gate train $common --arch gate-net --epochs 24 --seed 21 --learning-rate 0.002 --trust 0.75 \
  --smoothing 0.02 --start "$runs/second/last.keras" --teacher "$runs/teacher-1/best.keras" \
  --teacher "$runs/teacher-2/best.keras" --teacher "$runs/teacher-3/best.keras" \
  --opinions "$runs/opinions.csv" --out "$runs/gate-net"
smile-gate export --run "$runs/gate-net" --out "$runs/smile.tflite" --card "$here/MODEL_CARD.md"
cp "$runs/smile.tflite" "$runs/smile.json" "$here/"
smile-gate compare $sets --epochs 5 --out "$runs/comparison.json" --card "$here/MODEL_CARD.md"
smile-gate card $sets --card "$here/MODEL_CARD.md"
