"""MediaPipe FaceMesh over saved frames; run by a Python that has mediapipe, see facemesh.sh.

Prints one JSON object: CPU milliseconds a frame (all its threads), and its peak memory.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import mediapipe
import numpy as np

WARM_UP = 8


def main(path: str) -> None:
    """Measure FaceMesh with its default tracking on the frames (n, h, w, 3) BGR in ``path``."""
    frames = np.load(path, mmap_mode="r")
    times, found = [], 0
    with mediapipe.solutions.face_mesh.FaceMesh(max_num_faces=1, refine_landmarks=False) as mesh:
        for image in frames:
            rgb = np.ascontiguousarray(image[:, :, ::-1])
            begun = time.process_time()
            result = mesh.process(rgb)
            times.append((time.process_time() - begun) * 1000)
            found += bool(result.multi_face_landmarks)
    status = Path("/proc/self/status").read_text().splitlines()
    peak = next(line for line in status if line.startswith("VmHWM:"))
    counted = np.array(times[WARM_UP:])
    print(
        json.dumps(
            {
                "mean": float(counted.mean()),
                "p50": float(np.median(counted)),
                "found": found / len(times),
                "peak_mb": int(peak.split()[1]) / 1024,
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1])
