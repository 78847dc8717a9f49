"""What our Parquet writer costs: files of media, ours against bare pyarrow with the same settings, side by side.

    python -m tools.bench.write_speed [--megabytes 200] [--pairs 5]

*From tables*: row groups that are in memory are written. *From packs*: media are read from a workspace's pack, embedded and
written, as the release job does; bare pyarrow reads the same bytes with one open file. MB are bytes of media.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.io.media import MediaReader, MediaWriter
from pipelines.io.parquet import MEDIA_GROUP_BYTES, write_parquet
from pipelines.stages.release import embedded_groups
from schemas.arrow import columns_of, published_schema, stored_schema, table_from_columns

IMAGE_BYTES = 300_000
NAME = "images"
COLUMNS = columns_of(NAME)
SCHEMA = published_schema(NAME, COLUMNS)


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=200, help="media of one file (default 200)")
    parser.add_argument("--pairs", type=int, default=5, help="measurements of each, in turn (default 5)")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        rows, media = make_images(folder, round(arguments.megabytes * 1e6 / IMAGE_BYTES))
        groups = list(embedded_groups(rows, NAME, COLUMNS, media))
        size = rows.num_rows * IMAGE_BYTES / 1e6
        print(f"{rows.num_rows} images of {IMAGE_BYTES / 1e3:.0f} kB in {len(groups)} row groups, {arguments.pairs} pairs")
        compare(
            "from tables",
            lambda path: write_parquet(path, SCHEMA, groups, COLUMNS),
            lambda path: write_bare(path, groups),
            folder,
            size,
            arguments.pairs,
        )
        groups = []
        compare(
            "from packs",
            lambda path: write_parquet(path, SCHEMA, embedded_groups(rows, NAME, COLUMNS, media), COLUMNS),
            lambda path: write_bare(path, bare_groups(rows, media, folder)),
            folder,
            size,
            arguments.pairs,
        )


def compare(
    name: str, ours: Callable[[Path], object], bare: Callable[[Path], object], folder: Path, megabytes: float, pairs: int
) -> None:
    """Write with both in turn and print medians and the median ratio of their speeds. The first pair warms up."""
    found = []
    for pair in range(pairs + 1):
        if pair % 2:  # each goes first in half of the pairs
            found.append((_seconds(ours, folder / "ours.parquet"), _seconds(bare, folder / "bare.parquet")))
        else:
            found.append((_seconds(bare, folder / "bare.parquet"), _seconds(ours, folder / "ours.parquet"))[::-1])
    if (folder / "ours.parquet").read_bytes() != (folder / "bare.parquet").read_bytes():
        raise AssertionError("the two files differ: the settings are not the same")
    for number, clock in enumerate(("wall", "CPU")):
        speeds = [(megabytes / a[number], megabytes / b[number]) for a, b in found[1:]]
        medians = [statistics.median(column) for column in zip(*speeds, strict=True)]
        ratio = statistics.median(a / b for a, b in speeds)
        print(
            f"{name}, {clock} time: ours {medians[0]:5.0f} MB/s, bare pyarrow {medians[1]:5.0f} MB/s, ours / bare {ratio:.2f}",
            flush=True,
        )


def make_images(folder: Path, count: int) -> tuple[pa.Table, MediaReader]:
    """Rows of `images` as a workspace stores them, and the pack of noise that holds their media."""
    random = np.random.default_rng(0)
    writer = MediaWriter(folder, "pack")
    keys = [writer.add(random.bytes(IMAGE_BYTES), ".jpeg") for _ in range(count)]
    values = {
        "trajectory_id": [f"made/{i // 100:06d}" for i in range(count)],
        "stream": ["front"] * count,
        "frame": [i % 100 for i in range(count)],
        "image": keys,
        "sha256": keys,
    }
    return table_from_columns(stored_schema(NAME, COLUMNS), values, count), MediaReader(str(folder), writer.added)


def bare_groups(rows: pa.Table, media: MediaReader, folder: Path) -> Iterator[pa.Table]:
    """The same row groups with nothing but pyarrow and one open file."""
    size = -(-MEDIA_GROUP_BYTES // IMAGE_BYTES)
    place = rows.column_names.index("image")
    with (folder / "pack").open("rb") as pack:
        for start in range(0, rows.num_rows, size):
            group = rows.slice(start, size)
            keys = group["image"].to_pylist()
            data = []
            for key in keys:
                pack.seek(media.entries[key].offset)
                data.append(pack.read(IMAGE_BYTES))
            paths = [f"{key}.jpeg" for key in keys]
            images = pa.StructArray.from_arrays(
                [pa.array(data, pa.binary()), pa.array(paths)], fields=list(SCHEMA.field("image").type)
            )
            columns = group.columns
            columns[place] = images
            yield pa.Table.from_arrays(columns, schema=SCHEMA)


def write_bare(path: Path, groups: Any) -> None:
    """Write row groups with pyarrow's writer and the settings of `write_parquet`, spelled out."""
    others = [name for name in SCHEMA.names if name != "image"]
    with pq.ParquetWriter(
        path,
        SCHEMA,
        version="2.6",
        compression={**dict.fromkeys(others, "zstd"), "image.bytes": "none", "image.path": "none"},
        compression_level=dict.fromkeys(others, 3),
        use_dictionary=others,
        write_statistics=others,
        write_page_index=True,
        write_page_checksum=True,
        use_content_defined_chunking=True,
    ) as writer:
        for group in groups:
            writer.write_table(group, row_group_size=group.num_rows)


def _seconds(write: Callable[[Path], object], path: Path) -> tuple[float, float]:
    """Wall and CPU seconds of writing a new file; nothing waits for the disk before, so that no run pays for another."""
    path.unlink(missing_ok=True)
    os.sync()
    wall, cpu = time.perf_counter(), time.process_time()
    write(path)
    return time.perf_counter() - wall, time.process_time() - cpu


if __name__ == "__main__":
    main()
