"""A release made in process from what a reader gave: the same builders as the release job, without plan, splits, card and views."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.io.parquet import write_parquet
from pipelines.release.place import MANIFEST
from pipelines.release.products import products, sort_rows, widen
from pipelines.stages.release import embedded_groups
from schemas.arrow import columns_of, published_schema, stored_schema
from schemas.views import VIEWS


def released(found: Any, folder: Path, native: dict[str, str]) -> Path:
    """Write the trajectories of a `ReadSource` as the folder of a release, all in split `train`."""
    shutil.rmtree(folder, ignore_errors=True)
    names = {name for tables in found.trajectories.values() for name in tables}
    joined = {}
    for name in names:
        schema = stored_schema(name, columns_of(name, native if name == "robot_steps" else None))
        parts = [widen(tables[name], schema) for tables in found.trajectories.values() if name in tables]
        joined[name] = sort_rows(pa.concat_tables(parts).combine_chunks(), columns_of(name, None))
    for product in products(native):
        if product.name in VIEWS or not set(product.base) & names:
            continue
        rows = product.build({name: joined[name] for name in product.needs if name in joined})
        if rows.num_rows:
            rows = sort_rows(rows, product.columns)
            path = folder / product.name / "train-00000-of-00001.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            groups = embedded_groups(rows, product.table, product.columns, found.media)
            write_parquet(path, published_schema(product.table, product.columns), groups, product.columns)
    (folder / MANIFEST).write_text("")
    return folder
