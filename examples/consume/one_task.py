"""Read the steps of one task: python examples/consume/one_task.py [FOLDER or ORG/NAME] [TASK_ID]

Rows are sorted by trajectory_id, so a filter on it skips the row groups that hold other trajectories.
"""

import sys

from datasets import load_dataset

place = sys.argv[1] if len(sys.argv) > 1 else "examples/out/quickstart/release"
task = sys.argv[2] if len(sys.argv) > 2 else "lift-the-red-cube-bee7f4a8"

trajectories = load_dataset(place, "trajectories", split="train", columns=["trajectory_id", "task_id", "instruction"])
chosen = trajectories.filter(lambda row: row["task_id"] == task)
print(f"{task}: {chosen[0]['instruction']!r}, {len(chosen)} of {len(trajectories)} trajectories")

how = {
    "columns": ["trajectory_id", "step", "state"],
    "filters": [("trajectory_id", "in", chosen["trajectory_id"][:])],
    "storage_options": {"hf": {"block_size": 65_536}},  # or fsspec fetches 5 MB ahead at each jump
}
steps = load_dataset(place, "robot_steps", split="train", streaming=True, **how)
for row in steps:
    if row["step"] == 0:
        print(f"{row['trajectory_id']} starts at {[round(x, 3) for x in row['state']]}")
