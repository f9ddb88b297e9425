#!/bin/sh
# Train both shipped models again, and measure them for their cards.
# Usage: sh models/reproduce.sh PACKS_FOLDER RUNS_FOLDER
# PACKS_FOLDER holds what the packs unpack to: smiles/ genki/ eyes/ faces2/ eyes2/ and smiles-test.txt.
# No spaces in the names. Half an hour on two idle cores (it computes on one of them and varies the
# pictures on the other). What was trained already isn't trained again.
# PERCENT=5 in the environment tries the whole chain with 5 % of the epochs (at least one of each);
# its files and card, in RUNS_FOLDER, are good for nothing else.
set -eu
test $# -eq 2 || { sed -n '3p' "$0" >&2; exit 2; }
packs=$1 runs=$2
percent=${PERCENT:-100}
models=$(dirname "$0")
mkdir -p "$runs"
if [ "$percent" != 100 ]; then
  mkdir -p "$runs/models"
  cp "$models/MODEL_CARD.md" "$runs/models/"
  models=$runs/models
fi
some() { # some EPOCHS: as many as PERCENT leaves
  epochs=$(($1 * percent / 100))
  echo "$((epochs > 0 ? epochs : 1))"
}
faces=$packs/faces2
celeba="--data $faces/celebawild --data $faces/celeba109"
second="$celeba --data $faces/celeba64 --data $faces/ferplus --data $faces/hes --data $faces/yawdd"
first="--data $packs/smiles --kept-out $packs/smiles-test.txt --data $packs/genki"
list=$runs/faces2-test.txt

smile-gate model keep-out $second --out "$list"
train() { # train EPOCHS OPTION...
  epochs=$(some "$1")
  shift
  smile-gate model train $first $second --kept-out "$list" --opinions "$faces/opinions.csv" \
    --split-seed 11 --validation-share 0.08 --drawn 24000 --trust 0.75 --smoothing 0.02 \
    --epochs "$epochs" "$@"
}
train 10 --seed 31 --schedule plateau --learning-rate 0.003 --out "$runs/first"
train 24 --seed 32 --schedule cosine --learning-rate 0.0025 --start "$runs/first/last.keras" \
  --out "$runs/second"
train 6 --seed 33 --schedule cosine --learning-rate 0.0012 --start "$runs/second/best.keras" \
  --out "$runs/third"
smile-gate model export --run "$runs/third" --out "$runs/smile.tflite" --false-accepts 0.06 \
  --card "$models/MODEL_CARD.md"
cp "$runs/smile.tflite" "$runs/smile.json" "$runs/smile.npz" "$models/"

smile-gate model train --eyes "$packs/eyes" --eyes "$packs/eyes2/kaggle" \
  --eye-faces "$packs/eyes2/faces" --eye-faces "$packs/eyes2/smiling_open" \
  $first $celeba --kept-out "$list" --seed 1 --threshold 0.45 --epochs "$(some 30)" --out "$runs/eyes"
cp "$runs/eyes/eyes.tflite" "$runs/eyes/eyes.json" "$models/"

smile-gate model card $first $second --kept-out "$list" --model "$models/smile.tflite" \
  --stress smiles --stress genki --card "$models/MODEL_CARD.md"

# Smiles by age, sex and race: false rejects only, on faces that the smile model never learnt from.
mkdir -p "$runs/utk/utk"
ln -sfn "$(cd "$packs/eyes2/smiling_open" && pwd)" "$runs/utk/utk/smiling"
awk -F, 'NR == 1 { print "set,path,age,sex,race"; next }
  { age = $2 < 18 ? "under 18" : $2 < 60 ? "18 to 59" : "60 and over"
    print "utk,utk/smiling/" $1 "," age "," $3 "," $4 }' \
  "$packs/eyes2/smiling_open.csv" > "$runs/utk/labels.csv"
smile-gate model evaluate "$runs/utk/utk" --crops wide --framings one --by-trait \
  --model "$models/smile.tflite" | tee "$runs/utk.txt"
for set in eyes eyes2/kaggle; do
  smile-gate model evaluate "$packs/$set" --eyes single --kept-out-share 0.2 \
    --model "$models/eyes.tflite"
done
for set in faces smiling_open; do
  smile-gate model evaluate "$packs/eyes2/$set" --eyes faces --kept-out-share 0.2 \
    --model "$models/eyes.tflite"
done
for set in celebawild celeba109; do
  smile-gate model evaluate "$faces/$set" --eyes narrow --kept-out "$list" \
    --model "$models/eyes.tflite"
done
