"""What Beam costs: the same functions over the same shards, in a plain loop and in a fused chain.

    python -m tools.bench.beam_tax [--pairs 5] [--cpu-seconds 60] [--options --direct_running_mode=multi_processing]

Each measurement is a process of its own, the two in turn. Start-up (imports, an empty pipeline) is measured apart. The
work is the ingest of ARC traces (copies of the examples), which runs in the process itself: parse, check, write Parquet.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from pipelines.engine.launch import Launch, run_chain
from pipelines.io.store import Store
from pipelines.recipe import Recipe
from pipelines.stages.ingest import Ingest

TRACES = Path(__file__).resolve().parents[2] / "examples" / "data" / "arc"
CALIBRATION_TRACES = 200, 1_000
SHARD_STEPS = 2_000


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU and wall seconds of the start-up and of the work."""

    startup_cpu: float
    startup_wall: float
    cpu: float
    wall: float


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=int, default=5, help="measurements of each, in turn (default 5)")
    parser.add_argument("--cpu-seconds", type=float, default=60, help="work of one measurement (default 60 CPU seconds)")
    parser.add_argument("--options", nargs=argparse.REMAINDER, default=[], help="Beam options, last")
    parser.add_argument("--measure", nargs=2, metavar=("ENGINE", "FOLDER"), help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.measure:
        engine, folder = arguments.measure
        print(json.dumps(asdict(measure(engine, Path(folder), arguments.options))))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        per_trace = seconds_per_trace(folder)
        traces = int(arguments.cpu_seconds / per_trace) + 1
        copy_traces(folder, traces)
        print(f"{traces} traces, about {per_trace * traces:.0f} CPU seconds a measurement, {arguments.pairs} pairs", flush=True)
        compare(folder, arguments.pairs, arguments.options)


def seconds_per_trace(folder: Path) -> float:
    """CPU seconds that one more trace costs: the slope between two sizes, since the first traces pay for warming up."""
    seconds = []
    for traces in CALIBRATION_TRACES:
        copy_traces(folder, traces)
        seconds.append(_apart("loop", folder, []).cpu)
    return (seconds[1] - seconds[0]) / (CALIBRATION_TRACES[1] - CALIBRATION_TRACES[0])


def compare(folder: Path, pairs: int, options: Sequence[str]) -> None:
    """Measure both engines in turn and print medians and the median ratio."""
    costs: dict[str, list[Cost]] = {"loop": [], "beam": []}
    for pair in range(pairs):
        for engine, found in costs.items():
            found.append(_apart(engine, folder, options))
        loop, beam = costs["loop"][-1], costs["beam"][-1]
        print(f"pair {pair + 1}: CPU {loop.cpu:.2f} s and {beam.cpu:.2f} s, ratio {beam.cpu / loop.cpu:.3f}", flush=True)
    for name in ("cpu", "wall", "startup_cpu", "startup_wall"):
        values = {engine: [getattr(cost, name) for cost in found] for engine, found in costs.items()}
        ratio = statistics.median(b / a for a, b in zip(values["loop"], values["beam"], strict=True))
        medians = {engine: statistics.median(found) for engine, found in values.items()}
        print(f"{name:13} loop {medians['loop']:7.2f} s   beam {medians['beam']:7.2f} s   beam / loop {ratio:.3f}")


def measure(engine: str, folder: Path, options: Sequence[str]) -> Cost:
    """Ingest the traces of a folder with one engine, in this process."""
    began = _now()
    workspace = Path(tempfile.mkdtemp(dir=folder))
    recipe = Recipe.model_validate(
        {
            "name": "bench",
            "license": "cc0-1.0",
            "workspace": str(workspace),
            "sources": [{"name": "arc", "reader": "braingridgame", "uri": str(folder / "traces"), "license": "cc0-1.0"}],
            "shards": {"steps": SHARD_STEPS},
        }
    )
    job = Ingest(recipe, Store(str(workspace)))
    keys = job.plan().keys
    if engine == "beam":
        run_chain(Launch(job, (), tuple(options)))
    started = _now()
    if engine == "beam":
        run_chain(Launch(job, keys, tuple(options)))
    else:
        for key in keys:
            job.write(job.check(job.work(job.read(key))))
    ended = _now()
    shutil.rmtree(workspace)
    return Cost(started[0] - began[0], started[1] - began[1], ended[0] - started[0], ended[1] - started[1])


def copy_traces(folder: Path, number: int) -> None:
    """Fill `folder/traces` with copies of the examples' traces."""
    (folder / "traces").mkdir(exist_ok=True)
    originals = sorted(TRACES.glob("*.json"))
    for i in range(number):
        target = folder / "traces" / f"{i:06d}.json"
        if not target.exists():
            shutil.copy(originals[i % len(originals)], target)


def _apart(engine: str, folder: Path, options: Sequence[str]) -> Cost:
    """`measure` in a process of its own."""
    command = [sys.executable, "-m", __spec__.name, "--measure", engine, str(folder), "--options", *options]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return Cost(**json.loads(done.stdout.splitlines()[-1]))


def _now() -> tuple[float, float]:
    """CPU seconds of this process and its finished children, and wall seconds."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime, time.perf_counter()


if __name__ == "__main__":
    main()
