"""A release read trajectory by trajectory, from its folder alone: whoever has the folder can export it.

Only the ids of a table are read to find rows; a row group is in memory at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import DataError
from pipelines.io.parquet import open_parquet
from pipelines.release.place import MANIFEST
from schemas.tables import KINDS
from schemas.vocabularies import SPLITS

_OF_NONE = -1
"""The code of a row that is about a task, and so about no single trajectory."""


@dataclass(frozen=True, slots=True)
class _Run:
    """Rows `[start, stop)` of a file that belong to one trajectory."""

    file: Path
    start: int
    stop: int


@dataclass
class Released:
    """The folder of a release. Raises DataError where it is none."""

    folder: Path
    _runs: dict[str, dict[str, list[_Run]]] = field(default_factory=dict)
    _open: dict[Path, pq.ParquetFile] = field(default_factory=dict)
    _group: dict[tuple[Path, tuple[int, ...], tuple[str, ...] | None], pa.Table] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (self.folder / MANIFEST).is_file() or not self._files("trajectories"):
            raise DataError(
                f"{self.folder} is no release: it has no {MANIFEST} and trajectories/; `cairn run` makes one in the workspace"
            )

    @cached_property
    def headers(self) -> list[dict[str, Any]]:
        """Rows of `trajectories` with their `split`, in order of split (train, validation, test) and id; JSON as values."""
        found = []
        for file in self._files("trajectories"):
            split = file.name.rsplit("-", 3)[0]
            for row in open_parquet(file).read().to_pylist():
                said = {key: orjson.loads(row[key]) for key in ("completeness", "extras") if row[key] is not None}
                found.append(row | said | {"split": split})
        order = {split: number for number, split in enumerate(SPLITS)}
        return sorted(found, key=lambda row: (order.get(row["split"], len(order)), row["split"], row["trajectory_id"]))

    def rows(self, table: str, trajectory_id: str, columns: Sequence[str] | None = None) -> pa.Table | None:
        """The rows of a trajectory in a table (`robot_steps`, `segments/subtask`, …) in stored order; None where there are none."""
        runs = self._of(table).get(trajectory_id, [])
        parts = [self._read(run, columns) for run in runs]
        return pa.concat_tables(parts) if parts else None

    def counts(self, table: str) -> Mapping[str, int]:
        """trajectory_id → rows in a table."""
        return {key: sum(run.stop - run.start for run in runs) for key, runs in self._of(table).items()}

    @property
    def layers(self) -> list[str]:
        """Folders of annotations, `kind/layer`."""
        return sorted(f"{kind}/{f.name}" for kind in KINDS for f in self.folder.glob(f"{kind}/*") if f.is_dir())

    @cached_property
    def card(self) -> str:
        """The text of the release's own card; empty where there is none."""
        path = self.folder / "README.md"
        return path.read_text(encoding="utf-8") if path.is_file() else ""

    def _files(self, table: str) -> list[Path]:
        return sorted((self.folder / table).glob("*.parquet"))

    def _of(self, table: str) -> dict[str, list[_Run]]:
        if table not in self._runs:
            found: dict[str, list[_Run]] = {}
            for file in self._files(table):
                ids = open_parquet(file).read(columns=["trajectory_id"])["trajectory_id"].combine_chunks().dictionary_encode()
                codes = ids.indices.fill_null(_OF_NONE).to_numpy(zero_copy_only=False)
                starts = [0, *(np.flatnonzero(np.diff(codes)) + 1).tolist(), len(codes)] if len(codes) else []
                for start, stop in pairwise(starts):
                    if codes[start] != _OF_NONE:
                        found.setdefault(ids.dictionary[int(codes[start])].as_py(), []).append(_Run(file, start, stop))
            self._runs[table] = found
        return self._runs[table]

    def _read(self, run: _Run, columns: Sequence[str] | None) -> pa.Table:
        if run.file not in self._open:
            self._open[run.file] = open_parquet(run.file)
        file = self._open[run.file]
        sizes = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
        starts = np.concatenate([[0], np.cumsum(sizes)]).astype(int)
        groups = tuple(i for i in range(len(sizes)) if starts[i] < run.stop and starts[i + 1] > run.start)
        key = run.file, groups, None if columns is None else tuple(columns)
        if key not in self._group:
            for stale in [other for other in self._group if other[0].parent == run.file.parent]:
                del self._group[stale]  # one row group per table is in memory
            self._group[key] = file.read_row_groups(list(groups), columns=None if columns is None else list(columns))
        return self._group[key].slice(run.start - int(starts[groups[0]]), run.stop - run.start)
