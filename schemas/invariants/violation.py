"""What a broken rule is, and how the checks look at tables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..tables import STEP_TABLES

Tables = Mapping[str, pa.Table]


@dataclass(frozen=True, slots=True)
class Violation:
    """A broken rule: stable `code`, `message` with place and remedy, and the rows it is about."""

    code: str
    message: str
    trajectory_id: str | None = None
    annotation_id: str | None = None


Check = Callable[[Tables], Iterator[Violation]]


def step_tables(tables: Tables) -> list[str]:
    """The step tables that are there."""
    return [name for name in STEP_TABLES.values() if name in tables]


def runs(table: pa.Table) -> list[tuple[str, slice]]:
    """(trajectory_id, rows) of each run of equal ids."""
    if not table.num_rows:
        return []
    encoded = pc.run_end_encode(table["trajectory_id"].combine_chunks())
    ends = encoded.run_ends.to_pylist()
    return [
        (value, slice(start, end)) for value, start, end in zip(encoded.values.to_pylist(), [0, *ends[:-1]], ends, strict=True)
    ]


def floats(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """A numeric column as float64; null is NaN."""
    return np.asarray(column.cast(pa.float64()).to_numpy(zero_copy_only=False))


def outside(table: pa.Table, column: str, words: Sequence[str]) -> Iterator[Violation]:
    """`word_unknown` for each row whose value is outside a closed vocabulary."""
    found = table[column]
    bad = pc.and_(found.is_valid(), pc.invert(pc.is_in(found, value_set=pa.array(words))))
    names = ["trajectory_id", column, *(["annotation_id"] if "annotation_id" in table.column_names else [])]
    for row in table.select(names).filter(bad).to_pylist():
        message = f"{row['trajectory_id'] or row.get('annotation_id')}: {column} {row[column]!r} is none of {', '.join(words)}"
        yield Violation("word_unknown", message, row["trajectory_id"], row.get("annotation_id"))


def lengths(tables: Tables) -> dict[str, int]:
    """trajectory_id → num_steps, where it is stated."""
    header = tables["trajectories"]
    stated = zip(header["trajectory_id"].to_pylist(), header["num_steps"].to_pylist(), strict=True)
    return {trajectory_id: steps for trajectory_id, steps in stated if steps is not None}
