#!/bin/sh
# Makes an environment of its own for MediaPipe (its 0.10.14 wheel brings its models along), for:
#   smile-gate bench --facemesh .facemesh/bin/python
set -eu
folder=${1:-.facemesh}
python3.11 -m venv "$folder"
"$folder/bin/pip" install --quiet "mediapipe==0.10.14" "numpy==1.26.4" "opencv-contrib-python<4.12"
"$folder/bin/python" -c "import mediapipe; print('mediapipe', mediapipe.__version__)"
