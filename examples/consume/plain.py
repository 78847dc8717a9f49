"""Load a table and a layer with their types: python examples/consume/plain.py [FOLDER or ORG/NAME]"""

import sys

from datasets import load_dataset

place = sys.argv[1] if len(sys.argv) > 1 else "examples/out/quickstart/release"

trajectories = load_dataset(place, "trajectories", split="train")  # from the Hub also revision="v0.1.0"
motion = load_dataset(place, "motion", split="train")  # one layer; "segments" is all layers of the kind

print(f"{len(trajectories)} trajectories, {sum(trajectories['num_steps'])} steps")
print(f"started_at is {trajectories.features['started_at']}, state_names is {trajectories.features['state_names']}")
for row in motion.select(range(min(3, len(motion)))):
    print(f"{row['trajectory_id']} [{row['start']}, {row['end']}) {row['label']}, said by {row['producer']}, {row['status']}")
