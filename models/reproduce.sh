#!/bin/sh
# Train the shipped model again: teachers, the network that they teach twice, its files, its card.
# Usage: sh models/reproduce.sh SMILES_FOLDER GENKI_FOLDER KEPT_OUT_LIST RUNS_FOLDER
# About an hour and a half on two cores. What was trained already isn't trained again.
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
  --teacher "$runs/teacher-3/best.keras" --out "$runs/gate-net"
smile-gate export --run "$runs/gate-net" --last --out "$runs/smile.tflite" --card "$here/MODEL_CARD.md"
cp "$runs/smile.tflite" "$runs/smile.json" "$here/"
smile-gate compare $sets --epochs 5 --out "$runs/comparison.json" --card "$here/MODEL_CARD.md"
smile-gate card $sets --card "$here/MODEL_CARD.md"
