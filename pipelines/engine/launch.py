"""The process that runs one job's chain in Beam: `python -m pipelines.engine.launch PLAN`. Started and watched by `pipelines.engine.run`.

It dies with whoever started it: standard input is a pipe whose other end its parent holds, and when that closes, the whole
process group goes, workers and decode children too.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from pipelines.engine.job import Job
from pipelines.shard import ShardKey


@dataclass(frozen=True, slots=True)
class Launch:
    """What the process has to do: a job, the keys to build, and Beam's options."""

    job: Job
    keys: tuple[ShardKey, ...]
    options: tuple[str, ...]


def run_chain(launch: Launch) -> None:
    """Run the chain and wait for its end. Raises what the first failing shard raised."""
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


def die_with_parent() -> None:
    """Kill this process group when standard input closes, that is when the parent is gone."""

    def wait() -> None:
        while os.read(0, 1):  # not sys.stdin: its lock would be held while the interpreter shuts down
            pass
        os.killpg(os.getpgrp(), signal.SIGKILL)

    threading.Thread(target=wait, daemon=True, name="die-with-parent").start()


def main(argv: list[str]) -> int:
    """Run the plan in the file named first."""
    die_with_parent()
    launch: Launch = pickle.loads(Path(argv[0]).read_bytes())
    run_chain(launch)
    return 0


if __name__ == "__main__":
    from pipelines.engine import launch as by_its_own_name  # classes of `__main__` do not reach a worker

    sys.exit(by_its_own_name.main(sys.argv[1:]))
