"""Every number that a card may state, counted again from the shards with pyarrow alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import pyarrow.parquet as pq

Row = dict[str, Any]


@dataclass(frozen=True)
class Shards:
    """The Parquet files of a release."""

    root: Path

    @cached_property
    def names(self) -> list[str]:
        return sorted(p.relative_to(self.root).as_posix() for p in self.root.rglob("*.parquet"))

    def matching(self, pattern: str) -> list[Path]:
        return [self.root / name for name in self.names if fnmatch(name, pattern)]

    def rows(self, folder: str, *columns: str) -> list[Row]:
        """The rows of a folder, each with its split."""
        found = []
        for path in self.matching(f"{folder}/*.parquet"):
            split = path.name.split("-")[0]
            found += [{**row, "split": split} for row in pq.read_table(path, columns=list(columns) or None).to_pylist()]
        return found

    def layer(self, name: str) -> list[Row]:
        folders = {path.rsplit("/", 1)[0] for path in self.names if path.split("/")[-2] == name and path.count("/") == 2}
        return [row for folder in sorted(folders) for row in self.rows(folder)]

    @cached_property
    def layers(self) -> list[str]:
        """Layers with files, and those that only the history knows."""
        there = {name.split("/")[1] for name in self.names if name.count("/") == 2}
        return sorted(there | {row["layer"] for row in self.history})

    @cached_property
    def trajectories(self) -> list[Row]:
        return self.rows("trajectories")

    @cached_property
    def domains(self) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        for row in self.trajectories:
            found.setdefault(row["domain"], []).append(row)
        return found

    @cached_property
    def history(self) -> list[Row]:
        return self.rows("annotation_history")

    @cached_property
    def states(self) -> dict[str, Row]:
        """Each annotation in its last state."""
        order = sorted(self.history, key=lambda r: (r["created_at"] is not None, str(r["created_at"]), r["submission"] or ""))
        return {row["annotation_id"]: row for row in order}

    def fates(self, layer: str) -> dict[tuple[str, str], Counter[str]]:
        """(producer, version) of machines → what became of their rows."""
        replaced = {row["supersedes"] for row in self.states.values() if row["supersedes"] and row["status"] != "rejected"}
        found: dict[tuple[str, str], Counter[str]] = {}
        for name, row in self.states.items():
            if row["layer"] == layer and row["producer_type"] != "human":
                word = "corrected" if name in replaced else row["status"] if row["annotator"] else "proposed"
                found.setdefault((row["producer"], row["producer_version"]), Counter())[word] += 1
        return found

    def history_of(self, layer: str) -> str:
        """A trajectory that somebody said something about in a layer."""
        return next(str(row["trajectory_id"]) for row in self.history if row["layer"] == layer)

    def current(self) -> list[Row]:
        return [row for layer in self.layers for row in self.layer(layer)]

    def outcomes(self, domain: str) -> Counter[str]:
        words = {True: "success", False: "failure", None: "unknown"}
        return Counter(words[row["success"]] for row in self.domains[domain])

    def lengths(self, domain: str) -> tuple[int, float, int]:
        steps = [row["num_steps"] for row in self.domains[domain]]
        return min(steps), median(steps), max(steps)
