"""Cut episodes into chunks of 16 actions: python examples/consume/action_chunks.py [FOLDER or ORG/NAME]"""

import sys
from collections.abc import Iterator

import numpy as np
from datasets import load_dataset

place = sys.argv[1] if len(sys.argv) > 1 else "examples/out/quickstart/release"
CHUNK = 16


def chunks(states: np.ndarray, actions: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Per step: the state, the 16 actions from there on (the last one repeated), and which of them are real."""
    ahead = np.arange(len(actions))[:, None] + np.arange(CHUNK)
    yield from zip(states, actions[ahead.clip(max=len(actions) - 1)], ahead < len(actions), strict=True)


count = real = 0
for episode in load_dataset(place, "robot_trajectories", split="train", streaming=True):
    states, actions = (np.array(episode[name], dtype=np.float32) for name in ("states", "actions"))
    found = list(chunks(states, actions))
    count, real = count + len(found), real + sum(int(mask.sum()) for _, _, mask in found)
    state, chunk, _ = found[0]
    print(f"{episode['trajectory_id']}: {episode['instruction']!r}, state {state.shape}, chunk {chunk.shape}")
print(f"{count} chunks, {real} of {count * CHUNK} actions are real, the others pad")
