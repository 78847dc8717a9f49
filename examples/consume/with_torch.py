"""A PyTorch DataLoader over a stream, with resume: python examples/consume/with_torch.py [FOLDER or ORG/NAME]

With workers, take torchdata's StatefulDataLoader, which keeps a state per worker; a plain DataLoader fetches ahead then.
"""

import sys

from datasets import IterableDataset, load_dataset
from torch.utils.data import DataLoader

place = sys.argv[1] if len(sys.argv) > 1 else "examples/out/quickstart/release"


def open_stream() -> IterableDataset:
    """States and actions as float tensors."""
    columns = ["state", "action"]
    return load_dataset(place, "robot_steps", split="train", streaming=True, columns=columns).with_format("torch")


stream = open_stream()
batches = iter(DataLoader(stream, batch_size=16))
first = [next(batches) for _ in range(3)]
checkpoint = stream.state_dict()  # after three batches: torch.save it beside the model
del batches  # closes its file

again = open_stream()
again.load_state_dict(checkpoint)
rest = list(DataLoader(again, batch_size=16))
print(f"batch {tuple(first[0]['state'].shape)} {first[0]['state'].dtype}, {len(first)} batches, then {len(rest)}")
print(f"{sum(len(b['state']) for b in first + rest)} rows, actions sum to {sum(b['action'].sum().item() for b in first + rest):.3f}")
