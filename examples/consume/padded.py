"""Pad ragged ARC grids to arrays of one size: python examples/consume/padded.py [FOLDER or ORG/NAME]"""

import sys

import numpy as np
from datasets import load_dataset

place = sys.argv[1] if len(sys.argv) > 1 else "examples/out/quickstart/release"
EMPTY = 10  # no colour: colours are 0 to 9, and 0 is one of them


def pad(grids: list[list[list[int]]], rows: int = 30, columns: int = 30) -> np.ndarray:
    """len(grids) x rows x columns, uint8: each grid at the top left, EMPTY where it has no cell (so `!= EMPTY` is its mask).

    Raises ValueError for a grid that is larger: nothing is cut off (people resize up to 100x100, tasks stay within 30x30).
    """
    padded = np.full((len(grids), rows, columns), EMPTY, np.uint8)
    for place, grid in zip(padded, grids, strict=True):
        if len(grid) > rows or len(grid[0]) > columns:
            raise ValueError(f"a grid of {len(grid)}x{len(grid[0])} does not fit {rows}x{columns}")
        place[: len(grid), : len(grid[0])] = grid
    return padded


for row in load_dataset(place, "arc_sequences", split="train", streaming=True):
    states = pad(row["states"])
    cells = int((states != EMPTY).sum())
    print(f"{row['trajectory_id']}: states {states.shape}, {cells} cells of grids, return {row['returns_to_go'][0]:g}")
