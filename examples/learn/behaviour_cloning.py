"""Predict a person's next operation on an ARC grid: python examples/learn/behaviour_cloning.py [FOLDER or ORG/NAME [STEPS]]"""

import sys

import numpy as np
from datasets import load_dataset

place, steps = (*sys.argv[1:], *("examples/out/quickstart/release", "50000")[len(sys.argv) - 1 :])[:2]
words, parts = [], []
for split in ("train", "test"):  # dealt by task: no task is in both
    rows = [row for row in load_dataset(place, "arc_transitions", split=split) if row["arcle_operation"] is not None]
    words = words or sorted({row["operation"] for row in rows})  # edits, copies and submissions
    x, y, owner = [], [], ""
    for row in rows:
        cells, grid = np.full((30, 30), 10), np.array(row["state"])[:30, :30]  # the state; colour 10 is outside of it
        cells[: grid.shape[0], : grid.shape[1]] = grid
        before, owner = y[-1] if row["trajectory_id"] == owner else -1, row["trajectory_id"]  # the operation before it
        x.append(np.append(np.eye(11)[cells].reshape(5, 6, 5, 6, 11).mean((1, 3)), np.eye(len(words) + 1)[before]))
        y.append(words.index(row["operation"]) if row["operation"] in words else -1)
    parts += [np.array(x), np.array(y)]
rng, (x, y, x_test, y_test) = np.random.default_rng(0), parts
w, v = rng.normal(0, 0.05, (x.shape[1], 64)), np.zeros((64, len(words)))  # one hidden layer, softmax, gradient descent
for _ in range(int(steps)):  # about a minute
    some = rng.integers(0, len(x), 256)
    odds = np.exp((hidden := np.maximum(x[some] @ w, 0)) @ v)
    error = (odds / odds.sum(1, keepdims=True) - np.eye(len(words))[y[some]]) / 256
    v, w = v - 0.2 * hidden.T @ error, w - 0.2 * x[some].T @ ((error @ v.T) * (hidden > 0))
right, most = (np.maximum(x_test @ w, 0) @ v).argmax(1) == y_test, y_test == np.bincount(y).argmax()
print(f"{right.mean():.1%} of {len(right)} operations on tasks never seen are right; the most frequent one: {most.mean():.1%}")
