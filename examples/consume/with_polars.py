"""Query with Polars: python examples/consume/with_polars.py [FOLDER or ORG/NAME]"""

import os
import sys

import fsspec
import polars as pl

place = sys.argv[1] if len(sys.argv) > 1 else "examples/out/quickstart/release"

fs, root = fsspec.url_to_fs(place if os.path.isdir(place) else f"hf://datasets/{place}")  # …/NAME@v0.1.0 names a version


def scan(pattern: str) -> pl.LazyFrame:
    """A lazy table over the files of a config; only the columns and row groups asked for are fetched."""
    return pl.scan_parquet([fs.open(path) for path in sorted(fs.glob(f"{root}/{pattern}"))])


segments = scan("segments/motion/train-*.parquet").select("trajectory_id", "label", "start", "end")
steps = scan("robot_steps/train-*.parquet").select("trajectory_id", "step", pl.col("state").list.last())
inside = (pl.col("start") <= pl.col("step")) & (pl.col("step") < pl.col("end"))
joined = steps.join(segments, on="trajectory_id").filter(inside)
found = joined.group_by("label").agg(pl.len().alias("steps"), pl.col("state").mean()).sort("label")
for label, count, state in found.collect().iter_rows():
    print(f"{label}: {count} steps, gripper at {state:.4f} on average")

# Polars' own client needs no fsspec, but always talks to huggingface.co (not run here):
#     pl.scan_parquet("hf://datasets/ORG/NAME/segments/motion/train-*.parquet")
