"""Every number that a card may state, counted again from the shards with pyarrow alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import duckdb
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

    def current(self) -> list[Row]:
        return [row for layer in self.layers for row in self.layer(layer)]

    def outcomes(self, domain: str) -> Counter[str]:
        words = {True: "success", False: "failure", None: "unknown"}
        return Counter(words[row["success"]] for row in self.domains[domain])

    def lengths(self, domain: str) -> tuple[int, float, int]:
        steps = [row["num_steps"] for row in self.domains[domain]]
        return min(steps), median(steps), max(steps)


class Chunks:
    """The bytes of column chunks, as DuckDB reads them from the footers, and which trajectories each row group really holds."""

    def __init__(self, shards: Shards) -> None:
        self.root = shards.root
        sizes = "SELECT row_group_id, split_part(path_in_schema, ', ', 1), total_compressed_size FROM parquet_metadata(?)"
        with duckdb.connect() as database:
            self.sizes = {name: database.execute(sizes, [str(self.root / name)]).fetchall() for name in shards.names}

    def bytes(self, names: list[str], columns: list[str] | None = None, ids: set[str] | None = None) -> int:
        """Of some columns, in the row groups whose range of ids has one of `ids` in it."""
        found = 0
        for name in names:
            groups = None if ids is None else self._groups_of(name, ids)
            found += sum(
                size
                for group, column, size in self.sizes[name]
                if (columns is None or column in columns) and (groups is None or group in groups)
            )
        return found

    def footer(self, name: str) -> int:
        """Bytes of the footer: a file ends with it, with its length, and with `PAR1`."""
        with (self.root / name).open("rb") as file:
            file.seek(-8, 2)
            return int.from_bytes(file.read(4), "little") + 8

    def _groups_of(self, name: str, ids: set[str]) -> set[int]:
        file = pq.ParquetFile(self.root / name)
        held = [file.read_row_group(i, ["trajectory_id"])["trajectory_id"].to_pylist() for i in range(file.num_row_groups)]
        return {i for i, own in enumerate(held) if any(min(own) <= one <= max(own) for one in ids)}
