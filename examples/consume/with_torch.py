"""A PyTorch DataLoader over a stream, with resume: python examples/consume/with_torch.py [FOLDER or ORG/NAME]

For resume with workers take torchdata's StatefulDataLoader: a plain DataLoader fetches ahead then.
"""

import sys

import torch
from datasets import IterableDataset, load_dataset
from torch.utils.data import DataLoader

place = sys.argv[1] if len(sys.argv) > 1 else "examples/out/quickstart/release"


def open_stream() -> IterableDataset:
    """States and actions as float tensors."""
    found = load_dataset(place, "robot_steps", split="train", streaming=True, columns=["state", "action"])
    return found.with_format("torch")


stream = open_stream()
batches = iter(DataLoader(stream, batch_size=16))
first = [next(batches) for _ in range(3)]
checkpoint = stream.state_dict()  # torch.save it beside the model
del batches  # closes its file
again = open_stream()
again.load_state_dict(checkpoint)
rest = list(DataLoader(again, batch_size=16))
states, actions = (torch.cat([batch[name] for batch in first + rest]) for name in ("state", "action"))
print(f"{len(first)} + {len(rest)} batches: states {tuple(states.shape)} {states.dtype}, actions sum to {actions.sum():.3f}")
