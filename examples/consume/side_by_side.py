"""Steps and their labels side by side: python examples/consume/side_by_side.py [FOLDER or ORG/NAME]

`robot_labels` has one row per row of `robot_steps`, in its order, and one column per layer: no key, no join.
"""

import sys

from datasets import concatenate_datasets, load_dataset

place = sys.argv[1] if len(sys.argv) > 1 else "examples/out/quickstart/release"

steps = load_dataset(place, "robot_steps", split="train")
labels = load_dataset(place, "robot_labels", split="train")
both = concatenate_datasets([steps, labels], axis=1)  # for streams: zip(steps, labels)

print(f"{len(both)} rows, {len(steps.column_names)} + {len(labels.column_names)} columns: {', '.join(labels.column_names)}")
closing = both.filter(lambda row: row["motion"] == "close")
for row in closing.select_columns(["trajectory_id", "step", "state", "motion"]):
    print(f"{row['trajectory_id']} step {row['step']}: gripper at {row['state'][-1]:.4f}, motion {row['motion']}")
