"""Read rows as they arrive, nothing is stored: python examples/consume/stream.py [FOLDER or ORG/NAME]"""

import sys
from itertools import islice

from datasets import Image, load_dataset

place = sys.argv[1] if len(sys.argv) > 1 else "examples/out/quickstart/release"

screens = load_dataset(place, "gui_steps", split="train", streaming=True)
screens = screens.cast_column("screenshot", Image(decode=False))  # the PNG's bytes; leave this out for PIL images

for row in islice(screens, 5):
    size = len(row["screenshot"]["bytes"]) if row["screenshot"] else 0
    print(f"{row['trajectory_id']} step {row['step']}: {row['action_name']} at {row['point']}, screenshot of {size} bytes")
