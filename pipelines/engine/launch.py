"""The process that runs chains in Beam, one after the other: `python -m pipelines.engine.launch`, started by `pipelines.engine.chains`.

It is told on standard input which plans to run. It dies with whoever started it: when that pipe closes, the whole process
group goes, workers and decode children too.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from pipelines.engine.job import Job
from pipelines.shard import ShardKey

LOG = "run.log"
"""The file beside a plan that takes what its chain says."""
_CLOUDS = ("gcp.gcsfilesystem", "gcp.bigquery", "aws.s3filesystem", "azure.blobstoragefilesystem")
"""Modules of apache_beam.io that import the libraries of clouds where those are installed."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What the process has to do: a job, the keys to build, and Beam's options."""

    job: Job
    keys: tuple[ShardKey, ...]
    options: tuple[str, ...]


def run_chain(launch: Launch) -> None:
    """Run the chain and wait for its end. Raises what the first failing shard raised."""
    with _without_clouds(skipped=not launch.options):
        import apache_beam as beam
        from apache_beam.options.pipeline_options import PipelineOptions, SetupOptions, StandardOptions
        from apache_beam.runners.portability.fn_api_runner import FnApiRunner

        from pipelines.engine.options import LOCAL
        from pipelines.engine.transforms import chain

    options = PipelineOptions(list(launch.options))
    options.view_as(SetupOptions).save_main_session = False
    named = options.view_as(StandardOptions).runner
    runner = FnApiRunner() if named is None or named.rsplit(".", 1)[-1] == LOCAL else None
    with beam.Pipeline(runner=runner, options=options) as pipeline:
        chain(pipeline, launch.job, list(launch.keys))


@contextmanager
def _without_clouds(skipped: bool) -> Iterator[None]:
    """Where they are `skipped`, Beam is imported as where no library of a cloud is installed, which halves its time.

    Beam's own file systems are for runners that stage to a bucket; our files go through fsspec.
    """
    names = [name for cloud in _CLOUDS if skipped and (name := f"apache_beam.io.{cloud}") not in sys.modules]
    sys.modules.update(dict.fromkeys(names))  # type: ignore[arg-type]  # None: the import fails as for a module that is missing
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


def plans() -> Iterator[Path]:
    """The plans to run, as they are named on standard input: paths, each with a NUL after it; an empty one is the end.

    This process group is killed when standard input closes, that is when the parent is gone.
    """
    named: SimpleQueue[bytes] = SimpleQueue()

    def listen() -> None:
        said = b""
        while more := os.read(0, 4096):  # not sys.stdin: its lock would be held while the interpreter shuts down
            *whole, said = (said + more).split(b"\0")
            for name in whole:
                named.put(name)
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=listen, daemon=True, name="die-with-parent").start()
    while name := named.get():
        yield Path(os.fsdecode(name))


def run_plan(plan: Path) -> None:
    """Run the plan in a file, saying all in the log beside it; the file is deleted when all is done."""
    sys.stdout.flush()
    with plan.with_name(LOG).open("ab") as log:
        for stream in (1, 2):
            os.dup2(log.fileno(), stream)
    launch: Launch = pickle.loads(plan.read_bytes())
    run_chain(launch)
    plan.unlink()


def main() -> int:
    """Run all plans."""
    for plan in plans():
        run_plan(plan)
    return 0


if __name__ == "__main__":
    from pipelines.engine import launch as by_its_own_name  # classes of `__main__` do not reach a worker

    sys.exit(by_its_own_name.main())
