"""What readers fetch: bytes over HTTP for parts of a release, measured on one that is made for it by our writer.

    python -m tools.bench.read_bytes [--megabytes 60]

Two bounds. *Labels alone* stay within 1 % of a repository that holds media. *States of one task* (ids from `trajectories`,
then a filter on `trajectory_id`) stay within twice the bytes that those columns take in the row groups that hold them. The
other lines say what else costs; the last column is the share of the repository.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tools.bench.counting_hub import REPOSITORY, serving
from tools.bench.made_release import Size, make_release, task_of

STATES = ("trajectory_id", "step", "state")
SMALL_BLOCKS = {"hf": {"block_size": 65_536}}
"""fsspec fetches 5 MB ahead at each jump unless it is told a smaller block."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One way to read a part: rows and bytes that came, requests, and the bytes it may be held against (0: none)."""

    name: str
    rows: int
    fetched: int
    requests: int
    needed: int = 0


def main(argv: Sequence[str] | None = None) -> None:
    """Make a release, read parts of it, print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=float, default=60, help="size of the release (default 60)")
    parser.add_argument("--read", metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.read:
        print(json.dumps([asdict(found) for found in read_parts(Path(arguments.read))]), flush=True)
        os._exit(0)  # prefetching threads of a stream may abort the interpreter while it shuts down
    with tempfile.TemporaryDirectory() as temporary:
        make_release(Path(temporary), Size.of(arguments.megabytes))
        total = repository_bytes(Path(temporary))
        print(f"a release of {total / 1e6:.1f} MB\n")
        print("| what is read | rows | MB | requests | of what it needs | of the repository |\n|---|---|---|---|---|---|")
        for found in measure(Path(temporary)):
            ratio = f"{found.fetched / found.needed:.2f}" if found.needed else ""
            share = f"{100 * found.fetched / total:.2f} %"
            print(f"| {found.name} | {found.rows:,} | {found.fetched / 1e6:.2f} | {found.requests} | {ratio} | {share} |")


def measure(folder: Path) -> list[Measure]:
    """Read parts of a release over HTTP, one after the other, in a process of their own."""
    with serving(folder) as hub, tempfile.TemporaryDirectory() as home:
        env = os.environ | {"HF_ENDPOINT": hub.endpoint, "HF_HOME": home, "HF_HUB_OFFLINE": "0"}
        command = [sys.executable, "-m", "tools.bench.read_bytes", "--read", str(folder)]
        done = subprocess.run(command, env=env, check=True, stdout=subprocess.PIPE, text=True)
    return [Measure(**found) for found in json.loads(done.stdout.splitlines()[-1])]


def read_parts(folder: Path) -> Iterator[Measure]:
    """What `measure` tells, read from the Hub that `HF_ENDPOINT` names."""
    task = task_of(0)
    steps = {"columns": list(STATES)}
    screens = {"columns": ["trajectory_id", "step", "action_name"]}
    small = {"storage_options": SMALL_BLOCKS}
    yield read("labels: `motion`", "motion")
    yield read("labels: `robot_labels`", "robot_labels")
    yield read("two columns of `trajectories`", "trajectories", columns=["trajectory_id", "task_id"])
    found = batches("trajectories", columns=["trajectory_id"], filters=[("task_id", "==", task)])
    ids = [i for batch in found for i in batch["trajectory_id"].to_pylist()]
    needed = column_bytes(folder / "robot_steps", STATES, ids)
    steps_of_task = {**steps, "filters": [("trajectory_id", "in", ids)]}
    yield read(f"states of one task ({len(ids)} episodes)", "robot_steps", needed, **steps_of_task)
    yield read("the same in blocks of 64 kB", "robot_steps", needed, **steps_of_task, **small)
    needed = column_bytes(folder / "robot_steps", STATES)
    yield read("states of all", "robot_steps", needed, **steps)
    needed = column_bytes(folder / "gui_steps", screens["columns"])
    yield read("`gui_steps` without screenshots", "gui_steps", needed, **screens)
    yield read("the same in blocks of 64 kB", "gui_steps", needed, **screens, **small)


def read(name: str, config: str, needed: int = 0, **how: Any) -> Measure:
    """Read all rows of a config; `how` goes to `load_dataset`."""
    before = _count()
    rows = sum(len(batch) for batch in batches(config, **how))
    after = _count()
    return Measure(name, rows, after["fetched"] - before["fetched"], after["requests"] - before["requests"], needed)


def batches(config: str, **how: Any) -> Iterator[Any]:
    """A config as a stream of Arrow tables."""
    from datasets import load_dataset  # of the extra `load`; HF_ENDPOINT must be set before

    stream = load_dataset(REPOSITORY, config, split="train", streaming=True, **how)
    yield from stream.with_format("arrow").iter(batch_size=10_000)


def _count() -> dict[str, int]:
    with urlopen(f"{os.environ['HF_ENDPOINT']}/_count") as answer:
        found: dict[str, int] = json.load(answer)
    return found


def column_bytes(folder: Path, columns: Sequence[str], ids: Sequence[str] | None = None) -> int:
    """Bytes of some columns in the row groups that hold rows of some trajectories, or in all of them."""
    found = 0
    for path in sorted(folder.glob("*.parquet")):
        file = pq.ParquetFile(path)
        for number in range(file.num_row_groups):
            if ids is not None:
                held = file.read_row_group(number, columns=["trajectory_id"])["trajectory_id"]
                if not pc.any(pc.is_in(held, value_set=pa.array(ids, held.type))).as_py():
                    continue
            group = file.metadata.row_group(number)
            chunks = [group.column(i) for i in range(group.num_columns)]
            found += sum(chunk.total_compressed_size for chunk in chunks if chunk.path_in_schema.split(".")[0] in columns)
    return found


def repository_bytes(folder: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


if __name__ == "__main__":
    main()
