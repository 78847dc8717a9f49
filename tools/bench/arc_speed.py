"""What ARC traces cost: our jobs against the one public converter of ARCTraj, on the same rows.

    python -m tools.bench.arc_speed [--rows 50000] [--folder FOLDER] [--parts speed memory bytes others]

Rows are made (`tools.recorders.arctraj`) and match ARCTraj's in length, sizes of grids and floating cells. *Ours* is what
`cairn run` does with each shard, without Beam: ingest, then replay both ways, success, no-ops, object actions, components,
similarity and the state graph, each read from and written to typed Parquet in a workspace. The *baseline*
(`tools.bench.arc_baseline`) is what is known of the converter's output: padded states in one pickle, nothing replayed; it
gets at most 10,000 rows. Each measurement is a process of its own, with its workers; CPU seconds are those of all of them,
and of imports and a first small shard apart (start-up).
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from pipelines.engine.job import Job
from pipelines.io.store import Store
from pipelines.recipe import Recipe
from pipelines.shard import Outcome, ShardKey
from pipelines.stages.ingest import Ingest
from pipelines.stages.propose import Propose
from pipelines.stages.release import Release
from schemas.views import VIEWS
from tools.bench.arc_baseline import convert
from tools.recorders.arctraj import made_tasks, made_traces, write_rows

TASKS = Path(__file__).resolve().parents[3] / "shared" / "data" / "arc" / "arc_agi_1" / "training"
ANNOTATORS = (
    "arc.replay",
    "arc.success",
    "arc.noop",
    "arc.object_actions",
    "arc.components",
    "arc.progress",
    "arc.state_graph",
)
BASELINE_ROWS = 10_000
MEMORY_ROWS = 10_000, 100_000
WARM_ROWS = 40
OTHERS_ROWS = 2_000
PARTS = ("speed", "memory", "bytes", "others")


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one measurement: rows, CPU seconds of all processes, wall seconds, megabytes of the largest process, bytes written.

    `startup`: CPU seconds before. `of_jobs`: CPU seconds per job and annotator.
    """

    rows: int
    cpu: float
    wall: float
    megabytes: float
    written: int
    startup: float
    of_jobs: Mapping[str, float] = field(default_factory=dict)

    def line(self, name: str) -> str:
        """The measurement in a line."""
        return (
            f"{name:24} {self.rows:7} rows  {self.cpu:7.1f} CPU s  {self.wall:7.1f} s wall  {self.rows / self.cpu:6.0f} rows/CPU s"
            f"  {self.rows / self.wall:6.0f} rows/s  {self.megabytes:5.0f} MB  start-up {self.startup:.1f} CPU s"
        )


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=50_000, help="rows of the measurements of speed (default 50000)")
    parser.add_argument("--tasks", type=Path, default=TASKS, help="folder of ARC-AGI-1's training tasks")
    parser.add_argument("--folder", type=Path, help="where made rows are kept for another time")
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--measure", nargs=3, metavar=("WHAT", "ROWS_FILE", "OPTIONS"), help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    if given.measure:
        what, rows_file, options = given.measure
        cost = _MEASURES[what](Path(rows_file), given.tasks, **json.loads(options))
        print(json.dumps(asdict(cost)))
        return
    if not given.tasks.is_dir():
        parser.error(f"{given.tasks} is no folder: name the folder of ARC-AGI-1's training tasks with --tasks")
    with tempfile.TemporaryDirectory() as temporary:
        bench = Bench(given.folder or Path(temporary), given.tasks)
        for part in given.parts:
            getattr(bench, part)(*([given.rows] if part == "speed" else []))


@dataclass(frozen=True)
class Bench:
    """The measurements, each printed as it is made. `folder` holds made rows, `tasks` are what they are made of."""

    folder: Path
    tasks: Path

    def speed(self, rows: int) -> None:
        """Ours with one and two processes against the baseline, in turn."""
        base = self.apart("baseline", min(rows, BASELINE_ROWS))
        print(base.line("baseline"), flush=True)
        for processes in (1, 2):
            ours = self.apart("ours", rows, processes=processes)
            again = self.apart("baseline", min(rows, BASELINE_ROWS))
            print(ours.line(f"ours, {processes} process(es)"), flush=True)
            print(again.line("baseline"), flush=True)
            cpu = (ours.rows / ours.cpu) / ((base.rows / base.cpu + again.rows / again.cpu) / 2)
            wall = (ours.rows / ours.wall) / ((base.rows / base.wall + again.rows / again.wall) / 2)
            print(f"  ours / baseline: {cpu:.2f} rows per CPU second (at least 1.5), {wall:.2f} rows per second (of two: 3)")
            for job, seconds in ours.of_jobs.items():
                print(f"    {job:22} {1e3 * seconds / ours.rows:6.3f} CPU ms a trajectory")
            base = again

    def memory(self) -> None:
        """Peak memory of one process at two sizes."""
        peaks = [self.apart("ours", rows, processes=1).megabytes for rows in MEMORY_ROWS]
        grown = f"{peaks[0]:.0f} MB at {MEMORY_ROWS[0]} rows, {peaks[1]:.0f} MB at {MEMORY_ROWS[1]}"
        print(
            f"memory of a process: {grown}: {100 * (peaks[1] / peaks[0] - 1):+.1f} % (at most 500 MB, below 10 %)", flush=True
        )

    def bytes(self) -> None:
        """What is written, against the baseline's pickle."""
        base = self.apart("baseline", BASELINE_ROWS)
        for name, least in (("steps", 100), ("release", 40), ("release with views", 0)):
            ours = self.apart("written", BASELINE_ROWS, counted=name)
            share = (base.written / base.rows) / (ours.written / ours.rows)
            print(
                f"{name}: {ours.written / ours.rows:.0f} bytes a trajectory, the baseline {base.written / base.rows:.0f}:"
                f" 1/{share:.1f}" + (f" (at most 1/{least})" if least else ""),
                flush=True,
            )

    def others(self) -> None:
        """What every annotator of ARC costs."""
        cost = self.apart("others", OTHERS_ROWS)
        for job, seconds in cost.of_jobs.items():
            print(f"{job:24} {1e3 * seconds / cost.rows:7.3f} CPU ms a trajectory", flush=True)

    def apart(self, what: str, rows: int, **options: Any) -> Cost:
        """One measurement in a process of its own."""
        made = self.folder / f"{rows}.csv"
        if not made.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            write_rows(made, (trace.row() for trace in made_traces(made_tasks(self.tasks), rows)))
        command = [sys.executable, "-m", "tools.bench.arc_speed", "--tasks", str(self.tasks)]
        command += ["--measure", what, str(made), json.dumps(options)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        return Cost(**json.loads(done.stdout.splitlines()[-1]))


def measure_baseline(rows_file: Path, tasks: Path) -> Cost:
    """The baseline in this process."""
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(temporary, "out.pickle")
        startup, cpu, wall = time.process_time(), time.process_time(), time.perf_counter()
        rows = convert(rows_file, tasks, out)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        return Cost(rows, cpu, wall, _peak(), out.stat().st_size, startup)


def measure_ours(rows_file: Path, tasks: Path, processes: int = 1, annotators: Sequence[str] = ANNOTATORS) -> Cost:
    """Our jobs, in so many worker processes."""
    with workspace(rows_file, tasks, annotators) as recipe:
        done = run(recipe, processes)
        return done.cost(sum(record.bytes for outcome in done.outcomes for record in outcome.files.values()))


def measure_written(rows_file: Path, tasks: Path, counted: str) -> Cost:
    """Bytes of `arc_steps` and the verdicts of replay in the workspace (`steps`), or of a release of these layers, its
    `annotation_history` and (but for `release with views`) its views apart: they say the same once more.
    """
    with workspace(rows_file, tasks, ANNOTATORS) as recipe:
        done = run(recipe, 1)
        if counted == "steps":
            steps = [o.files["arc_steps"].bytes for o in done.outcomes if "arc_steps" in o.files]
            verdicts = [o.files["checks"].bytes for o in done.outcomes if o.facts.get("annotator") == "arc.replay"]
            return done.cost(sum(steps) + sum(verdicts))
        job = Release(recipe, Store(recipe.workspace))
        files = [record for key in job.plan().keys for record in _built(job, key).files.items()]
        apart = {"annotation_history"} if counted == "release with views" else {"annotation_history", *VIEWS}
        return done.cost(sum(record.bytes for name, record in files if name not in apart))


def measure_others(rows_file: Path, tasks: Path) -> Cost:
    """Every annotator of ARC."""
    from annotators.protocol import annotator_names

    return measure_ours(rows_file, tasks, 1, [name for name in annotator_names() if name.startswith("arc.")])


_MEASURES: dict[str, Callable[..., Cost]] = {
    "baseline": measure_baseline,
    "ours": measure_ours,
    "written": measure_written,
    "others": measure_others,
}


@dataclass(slots=True)
class Done:
    """What a run of our jobs left and cost."""

    outcomes: list[Outcome] = field(default_factory=list)
    cpu: float = 0
    wall: float = 0
    megabytes: float = 0
    startup: float = 0
    of_jobs: dict[str, float] = field(default_factory=lambda: defaultdict(float))

    def cost(self, written: int) -> Cost:
        """As a cost, with the bytes that count."""
        rows = sum(outcome.counts.get("trajectories", 0) for outcome in self.outcomes)
        return Cost(rows, self.cpu, self.wall, self.megabytes, written, self.startup, dict(self.of_jobs))


def run(recipe: Recipe, processes: int) -> Done:
    """Ingest and propose in worker processes that are started and warm."""
    store = Store(recipe.workspace)
    done = Done()
    warm = str(Path(recipe.workspace).parent / "warm")
    with ProcessPoolExecutor(processes, get_context("spawn"), _warm_up, (warm,)) as pool:
        done.startup = sum(pool.map(_started, range(processes)))
        cpu, wall = time.process_time(), time.perf_counter()
        for job in (Ingest(recipe, store), Propose(recipe, store)):
            for worked in pool.map(_work, [(job, keys) for keys in _groups(job)]):
                done.outcomes += worked.outcomes
                done.cpu += sum(worked.of_jobs.values())
                done.megabytes = max(done.megabytes, worked.megabytes)
                for name, seconds in worked.of_jobs.items():
                    done.of_jobs[name] += seconds
        own = time.process_time() - cpu
        done.cpu, done.wall = done.cpu + own, time.perf_counter() - wall
        done.of_jobs["plans"] = own
    return done


def _groups(job: Job) -> list[list[ShardKey]]:
    """The keys of a job; those of one shard together, as a worker that takes one after another gets them."""
    groups: dict[str, list[ShardKey]] = defaultdict(list)
    for key in job.plan().keys:
        groups[key.spec.get("shard", key.name)].append(key)
    return list(groups.values())


def _work(todo: tuple[Job, list[ShardKey]]) -> Done:
    """Build some keys of a job, in a worker."""
    job, keys = todo
    done = Done()
    for key in keys:
        began = time.process_time()
        done.outcomes.append(_built(job, key))
        done.of_jobs[key.spec.get("annotator", job.name)] += time.process_time() - began
    done.megabytes = _peak()
    return done


def _built(job: Job, key: ShardKey) -> Outcome:
    return job.write(job.check(job.work(job.read(key))))


def _warm_up(folder: str) -> None:
    """A worker's first shard: what is imported and compiled once is no part of the measurement."""
    job = pickle.loads(Path(folder, "job.pickle").read_bytes())
    with tempfile.TemporaryDirectory() as temporary:
        recipe = job.recipe.model_copy(update={"workspace": temporary})
        store = Store(temporary)
        outcomes = tuple(_built(Ingest(recipe, store), key) for key in Ingest(recipe, store).plan().keys)
        propose = Propose(recipe, store, outcomes)
        for key in propose.plan().keys:
            _built(propose, key)


def _started(_: int) -> float:
    """CPU seconds of a worker so far; it waits, so that each worker is asked once."""
    time.sleep(1.0)
    return time.process_time()


@contextmanager
def workspace(rows_file: Path, tasks: Path, annotators: Sequence[str]) -> Iterator[Recipe]:
    """A recipe for the rows of a file, with a workspace that is there for the time of the block, and a small one to warm up."""
    with tempfile.TemporaryDirectory(dir=rows_file.parent) as temporary:
        folder = Path(temporary)
        (folder / "rows").mkdir()
        os.link(rows_file, folder / "rows" / "traces.csv")
        (folder / "warm").mkdir()
        (folder / "few").mkdir()
        with rows_file.open("rb") as source, (folder / "few" / "traces.csv").open("wb") as few:
            few.writelines(source.readline() for _ in range(WARM_ROWS + 1))
        warm = Ingest(_recipe(folder / "few", folder / "warm", tasks, annotators), Store(str(folder / "warm")))
        (folder / "warm" / "job.pickle").write_bytes(pickle.dumps(warm))
        yield _recipe(folder / "rows", folder / "workspace", tasks, annotators)
        shutil.rmtree(folder / "workspace", ignore_errors=True)


def _recipe(rows: Path, place: Path, tasks: Path, annotators: Sequence[str]) -> Recipe:
    source = {
        "name": "arctraj",
        "reader": "arctraj",
        "uri": str(rows),
        "license": "cc0-1.0",
        "options": {"tasks": str(tasks)},
    }
    return Recipe.model_validate(
        {
            "name": "bench",
            "license": "cc0-1.0",
            "workspace": str(place),
            "sources": [source],
            "annotators": list(annotators),
        }
    )


def _peak() -> float:
    """Megabytes that this process held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
