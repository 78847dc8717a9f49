"""What the benchmark of writing compares is the same work: both ways give the same file."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from pipelines.io.parquet import write_parquet
from pipelines.stages.release import embedded_groups
from tools.bench.write_speed import COLUMNS, IMAGE_BYTES, NAME, SCHEMA, bare_groups, make_images, write_bare


def test_ours_and_bare_pyarrow_write_the_same_bytes(tmp_path: Path) -> None:
    rows, media = make_images(tmp_path, 150)
    ours, bare = tmp_path / "ours.parquet", tmp_path / "bare.parquet"
    write_parquet(ours, SCHEMA, embedded_groups(rows, NAME, COLUMNS, media), COLUMNS)
    write_bare(bare, bare_groups(rows, media, tmp_path))
    assert pq.read_metadata(ours).num_row_groups == 2
    assert ours.stat().st_size > 150 * IMAGE_BYTES
    assert ours.read_bytes() == bare.read_bytes()
