"""Read some columns only: python examples/consume/columns.py [FOLDER or ORG/NAME]

`columns=` while loading a stream is what saves bytes; `.select_columns()` afterwards fetches everything first.
"""

import sys

import numpy as np
from datasets import load_dataset

place = sys.argv[1] if len(sys.argv) > 1 else "examples/out/quickstart/release"

steps = load_dataset(place, "robot_steps", split="train", streaming=True, columns=["trajectory_id", "state"])

count, total = 0, np.zeros(0)
for batch in steps.with_format("arrow").iter(batch_size=1000):  # Arrow tables: many times faster than rows
    states = np.stack(batch["state"].to_numpy(zero_copy_only=False))
    count, total = count + len(states), (total if count else 0) + states.sum(axis=0, dtype=np.float64)
print(f"columns {list(steps.features)}, {count} steps, mean state {np.round(total / count, 4).tolist()}")
