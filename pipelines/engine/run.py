"""Running a job from outside: plan, skip what is finished, build the rest in a watched child, fold the outcomes.

The child's deadline renews with every outcome; a worker that is gone while shards are missing ends the run with a sentence.
What was finished is kept.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from pipelines.engine.chains import Chains
from pipelines.engine.job import Job, finished, outcome_path
from pipelines.engine.launch import LOG, Launch
from pipelines.errors import RunError
from pipelines.shard import Outcome, Reject, ShardKey

PATIENCE_SECONDS = float(os.environ.get("CAIRN_PATIENCE", "900"))
"""Longest time without a new outcome. A shard is bounded, and one recording in it has ten minutes at most."""
GRACE_SECONDS = 5.0
"""How long a run may go on after a worker is gone: an orderly end takes less."""
LOCAL_PAUSE_SECONDS, REMOTE_PAUSE_SECONDS = 0.1, 2.0
"""Between two looks at the outcomes, at least."""
LISTING_SHARE = 20
"""A pause is at least so many times as long as a listing took: with 10,000 shards, looking must not be the work."""
_WORKER = "sdk_worker_main"


@dataclass(frozen=True, slots=True)
class JobResult:
    """What a job left: outcomes in the order of the plan, how many were built now, and all rejects.

    `missing`: planned shards that are not built, or were built of something else; after a run there are none. `changed`: ids of
    trajectories that were built anew because their source has changed.
    """

    job: str
    outcomes: tuple[Outcome, ...]
    built: int
    plan_rejects: tuple[Reject, ...]
    missing: int = 0
    changed: tuple[str, ...] = ()

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """Those of the plan, then those of the shards."""
        return self.plan_rejects + tuple(r for outcome in self.outcomes for r in outcome.rejects)


Watch = Callable[[str, int, int], None]
"""Called with (job, outcomes so far, outcomes in all)."""


def run_job(job: Job, options: Sequence[str] = (), watch: Watch = lambda *_: None, chains: Chains | None = None) -> JobResult:
    """Run a job to its end; needs the workspace lock. `chains`: of a command whose jobs share a process.

    Raises RunError where the chain stopped or a worker died; a second call goes on where it stopped.
    """
    plan = job.plan()
    present = job.store.sizes(job.folder)
    todo = tuple(key for key in plan.keys if _is_open(finished(job.store, job.name, key, present)))
    watch(job.name, len(plan.keys) - len(todo), len(plan.keys))
    if todo:
        for key in todo:
            job.store.delete(outcome_path(job.name, key.name))  # what it names is about to be replaced
        before = len(plan.keys) - len(todo)
        _build(job, todo, options, lambda done: watch(job.name, before + done, len(plan.keys)), chains)
    present = job.store.sizes(job.folder)
    outcomes = [finished(job.store, job.name, key, present) for key in plan.keys]
    missing = [key.name for key, outcome in zip(plan.keys, outcomes, strict=True) if outcome is None]
    if missing:
        raise RunError(f"{job.name}: {len(missing)} shards have no outcome, the first is {missing[0]}: run again to build them")
    built = {key.name for key in todo}
    changed = [o.facts["changed"] for o in outcomes if o is not None and o.name in built and "changed" in o.facts]
    names = tuple(name for one in changed for name in one.split("\n"))
    result = JobResult(job.name, tuple(o for o in outcomes if o is not None), len(todo), plan.rejects, changed=names)
    _sweep(job, result)
    return result


def _is_open(outcome: Outcome | None) -> bool:
    """Whether a key is to be built: it never was, or what it needed could not be reached (`facts["again"]` says what)."""
    return outcome is None or "again" in outcome.facts


def _sweep(job: Job, result: JobResult) -> None:
    """Delete what no outcome of the plan names any more."""
    keep = {outcome_path(result.job, outcome.name) for outcome in result.outcomes}
    keep |= {record.path for outcome in result.outcomes for record in outcome.files.values()}
    job.store.sweep(keep, (f"outcomes/{job.name}", job.folder))


def _build(
    job: Job, todo: tuple[ShardKey, ...], options: Sequence[str], watch: Callable[[int], None], chains: Chains | None
) -> None:
    """Have the chain run, and wait for its end. With options, which may name workers, it has a process of its own."""
    with job.store.scratch() as folder, Chains() as own:
        plan = folder / "plan.pickle"
        plan.write_bytes(pickle.dumps(Launch(job, todo, tuple(options))))
        with (own if options or chains is None else chains).running(plan) as process:
            _wait(process, plan, job, todo, watch)


def _wait(
    process: subprocess.Popen[bytes], plan: Path, job: Job, todo: Sequence[ShardKey], watch: Callable[[int], None]
) -> None:
    """Wait until the plan is gone, that is done. Raises RunError where its process fails, hangs, or loses a worker."""
    log = plan.with_name(LOG)
    paths = {outcome_path(job.name, key.name) for key in todo}
    pause = LOCAL_PAUSE_SECONDS if job.store.is_local else REMOTE_PAUSE_SECONDS
    workers: set[psutil.Process] = set()
    progressed, lost_since, done = time.monotonic(), None, 0
    seen: dict[str, int] = {}
    while plan.exists() and process.poll() is None:
        time.sleep(pause)
        listed = time.monotonic()
        before, seen = seen, job.store.sizes(f"outcomes/{job.name}")
        done, now = len(paths.intersection(seen)), time.monotonic()
        pause = max(pause, LISTING_SHARE * (now - listed))
        if seen != before:  # an outcome, or a shard that says it is alive
            progressed = now
            watch(done)
        workers |= _workers(process)
        lost = done < len(paths) and any(not _alive(worker) for worker in workers)
        lost_since = (lost_since or now) if lost else None
        if lost_since is not None and now - lost_since > GRACE_SECONDS:
            raise RunError(_unfinished(job, len(paths) - done, "a worker process died", log))
        if now - progressed > PATIENCE_SECONDS:
            raise RunError(_unfinished(job, len(paths) - done, f"nothing was finished for {PATIENCE_SECONDS:g} s", log))
    done = len(paths.intersection(job.store.list(f"outcomes/{job.name}")))
    watch(done)
    if plan.exists():
        reason = f"the pipeline ended with {_ending(process.returncode)}"
        raise RunError(_unfinished(job, len(paths) - done, reason, log))


def _unfinished(job: Job, missing: int, reason: str, log: Path) -> str:
    """The sentence that ends a run; what the chain said is kept whole in the workspace's log."""
    if log.exists():
        job.store.put_bytes(f"log/{job.name}-failed.log", log.read_bytes())
    tail = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-12:] if log.exists() else []
    said = "".join(f"\n    {line}" for line in tail)
    return (
        f"{job.name}: {reason}; {missing} shards have no outcome. What is finished is kept: run the same command again.{said}"
    )


def _ending(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def _workers(process: subprocess.Popen[bytes]) -> set[psutil.Process]:
    try:
        children = psutil.Process(process.pid).children(recursive=True)
        return {child for child in children if _WORKER in " ".join(_command(child))}
    except psutil.NoSuchProcess:
        return set()


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except (psutil.NoSuchProcess, psutil.ZombieProcess, psutil.AccessDenied):
        return []


def _alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
