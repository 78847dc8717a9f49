"""Grids of a column as numpy arrays that share its memory."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Grid = npt.NDArray[np.uint8]
"""Rows x columns of colours; read-only."""


def grids_of(column: pa.ChunkedArray) -> list[Grid | None]:
    """A column list<list<uint8>> as arrays that share its memory; None for null. Raises ValueError for a ragged grid."""
    grids: list[Grid | None] = []
    for chunk in column.chunks:
        valid = chunk.is_valid().to_numpy(zero_copy_only=False)
        rows = chunk.values
        outer = np.asarray(chunk.offsets)
        inner = np.asarray(rows.offsets)
        cells = np.asarray(rows.values)
        heights, lengths = np.diff(outer), np.diff(inner)
        widths = (
            np.where(heights > 0, lengths[np.minimum(outer[:-1], max(len(lengths) - 1, 0))], 0) if len(lengths) else heights * 0
        )
        shown = lengths[outer[0] : outer[-1]]
        if not np.array_equal(np.repeat(widths, heights), shown):
            raise ValueError("a grid is ragged: its rows have different lengths")
        starts = inner[outer[:-1]]
        for is_grid, start, height, width in zip(
            valid.tolist(), starts.tolist(), heights.tolist(), widths.tolist(), strict=True
        ):
            grids.append(cells[start : start + height * width].reshape(height, width) if is_grid else None)
    return grids
