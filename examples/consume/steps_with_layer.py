"""Join steps with a layer of segments: python examples/consume/steps_with_layer.py [FOLDER or ORG/NAME] [LAYER]"""

import sys
from collections import Counter, defaultdict

from datasets import load_dataset

place = sys.argv[1] if len(sys.argv) > 1 else "examples/out/quickstart/release"
layer = sys.argv[2] if len(sys.argv) > 2 else "motion"

segments = defaultdict(list)  # trajectory_id → its segments; annotations are small, so they are held in memory
for row in load_dataset(place, layer, split="train", columns=["trajectory_id", "start", "end", "label", "depth"]):
    if row["start"] is not None:  # without a start: annotated, and nothing is there
        segments[row["trajectory_id"]].append(row)


def label_of(trajectory_id: str, step: int) -> str | None:
    """The label at a step; None where nobody annotated it. Intervals are half-open: [start, end)."""
    return next((s["label"] for s in segments[trajectory_id] if s["start"] <= step < s["end"]), None)


steps = load_dataset(place, "robot_steps", split="train", streaming=True, columns=["trajectory_id", "step"])
labels = Counter(label_of(row["trajectory_id"], row["step"]) for row in steps)
for label, count in sorted(labels.items(), key=str):
    print(f"{layer} {label}: {count} steps")
