"""Stop in a stream and go on later: python examples/consume/resume.py [FOLDER or ORG/NAME]

Exact without `.shuffle()`: what a shuffle buffer holds is lost on resume.
"""

import json
import sys
from itertools import islice

from datasets import load_dataset

place = sys.argv[1] if len(sys.argv) > 1 else "examples/out/quickstart/release"
COLUMNS = ["trajectory_id", "step"]

stream = load_dataset(place, "robot_steps", split="train", streaming=True, columns=COLUMNS)
first = [(row["trajectory_id"], row["step"]) for row in islice(stream, 50)]
checkpoint = json.dumps(stream.state_dict())  # a small dict: write it beside the model's checkpoint

again = load_dataset(place, "robot_steps", split="train", streaming=True, columns=COLUMNS)
again.load_state_dict(json.loads(checkpoint))
rest = [(row["trajectory_id"], row["step"]) for row in again]
print(f"{len(first)} rows to {first[-1]}, then {len(rest)} rows from {rest[0]} to {rest[-1]}")
print(f"{len({*first, *rest})} different rows")
