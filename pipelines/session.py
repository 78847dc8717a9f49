"""One command from start to end: the workspace lock, the jobs in order, the ratio of rejects, the manifest, the log."""

from __future__ import annotations

import os
import platform
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pipelines.engine.chains import Chains
from pipelines.engine.job import Job, finished, outcome_path, read_outcome
from pipelines.engine.lock import LOCK, workspace_lock
from pipelines.engine.options import check_options
from pipelines.engine.run import JobResult, Watch, run_job
from pipelines.errors import ConfigurationError, DataError
from pipelines.io.store import Store
from pipelines.recipe import Recipe
from pipelines.release.assemble import Published, assemble, private_prefixes, scrubbed
from pipelines.review.account import MANIFEST, read_states
from pipelines.stages.ingest import Ingest
from pipelines.stages.propose import Propose
from pipelines.stages.release import Release

OWNER = "workspace.json"
"""Whose workspace it is."""
_QUIET: Watch = lambda *_: None  # noqa: E731 - the type is the point


@dataclass(frozen=True)
class Session:
    """A recipe, its workspace, Beam's options, and who watches the progress."""

    recipe: Recipe
    options: tuple[str, ...] = ()
    watch: Watch = _QUIET
    chains: Chains = field(default_factory=Chains)

    @property
    def store(self) -> Store:
        """The workspace."""
        return Store(self.recipe.workspace_uri)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Check Beam's options, hold the workspace, sweep litter, and log the times of what happens inside."""
        check_options(self.options)
        refuse_foreign(self.store, self.recipe)
        with workspace_lock(self.store):
            self.store.put_json(OWNER, {"recipe": self.recipe.name})
            self.store.sweep(set(), ())
            began = time.time()
            try:
                with self.chains:
                    yield
            finally:
                stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(began))
                entry = {"host": platform.node(), "pid": os.getpid(), "began": stamp, "seconds": round(time.time() - began, 3)}
                self.store.put_json(f"log/{stamp}-{os.getpid()}.json", entry)

    def ingest(self) -> JobResult:
        """Read all sources."""
        return self._run(Ingest(self.recipe, self.store))

    def propose(self, ingested: JobResult) -> JobResult:
        """Ask all annotators about what was ingested."""
        return self._run(Propose(self.recipe, self.store, ingested.outcomes))

    def release(self, ingested: JobResult, proposed: JobResult) -> Published:
        """Build the release. Raises DataError where a source has too many rejects, or a part breaks a rule."""
        refuse_many_rejects(self.recipe, ingested)
        rejects = scrubbed(ingested.rejects + proposed.rejects, private_prefixes(self.recipe, self.store))
        job = Release(self.recipe, self.store, rejects, ingested.outcomes, proposed.outcomes)
        released = self._run(job)
        broken = [reject for outcome in released.outcomes for reject in outcome.rejects]
        if broken:
            raise DataError(f"no release: {len(broken)} rows break a rule, the first: {broken[0].code}: {broken[0].message}")
        return assemble(job, ingested, proposed, released)

    def last(self, job: Job) -> JobResult:
        """What a job left when it last ran, without running it."""
        plan = job.plan()
        present = self.store.sizes(job.folder)
        outcomes = [read_outcome(self.store, outcome_path(job.name, key.name)) for key in plan.keys]
        missing = sum(finished(self.store, job.name, key, present) is None for key in plan.keys)
        return JobResult(job.name, tuple(o for o in outcomes if o is not None), 0, plan.rejects, missing)

    def whole(self, job: Job) -> JobResult:
        """`last`, of a job that is to be built upon. Raises ConfigurationError where a shard of it is missing."""
        result = self.last(job)
        if result.missing:
            raise ConfigurationError(
                f"{job.name} is not finished (shards not built, or of inputs that have changed: {result.missing}): "
                f"run `cairn {job.name}` first, or `cairn run`, which does everything"
            )
        return result

    def write_manifest(self, results: Sequence[JobResult]) -> None:
        """Fold outcomes into `manifest.json`, with the states of what people review."""
        review = read_states(self.store)
        self.store.put_json(MANIFEST, {result.job: fold(result) for result in results} | ({"review": review} if review else {}))

    def _run(self, job: Job) -> JobResult:
        return run_job(job, self.options, self.watch, self.chains)


def refuse_foreign(store: Store, recipe: Recipe) -> None:
    """Raise ConfigurationError where the workspace is another recipe's, or holds files of nobody's recipe.

    A run deletes what its plan does not name, so it must be sure of the folder.
    """
    try:
        owner = store.read_json(OWNER)
        strange = [path for path in store.list("") if not path.startswith(LOCK)] if owner is None else []
    except (OSError, ValueError, ImportError) as error:
        raise ConfigurationError(f"workspace {store.root} cannot be used: {type(error).__name__}: {error}") from error
    if strange:
        raise ConfigurationError(
            f"workspace {store.root} holds files that are not Cairn's ({strange[0]}); name an empty folder"
        )
    if owner is not None and owner["recipe"] != recipe.name:
        raise ConfigurationError(
            f"workspace {store.root} belongs to the recipe {owner['recipe']!r}: give {recipe.name!r} a workspace of its own"
        )


def fold(result: JobResult) -> dict[str, Any]:
    """What a job made, in numbers: shards, rows by table, counts, rejects by source and code. Nothing of time or host."""
    rows: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    lacking: Counter[str] = Counter()
    for outcome in result.outcomes:
        for table, record in outcome.files.items():
            rows[table] += record.rows
        counts.update(outcome.counts)
        if outcome.counts.get("lacking"):
            lacking[outcome.facts["annotator"]] += outcome.counts["lacking"]
    rejects = Counter((reject.source_name, reject.code) for reject in result.rejects)
    return {
        "shards": len(result.outcomes),
        "rows": {table: n for table, n in sorted(rows.items()) if n},
        "counts": dict(sorted(counts.items())),
        "lacking": dict(sorted(lacking.items())),
        "rejects": [{"source": s, "code": c, "count": n} for (s, c), n in sorted(rejects.items())],
    }


def refuse_many_rejects(recipe: Recipe, ingested: JobResult) -> None:
    """Raise DataError where rejects / (rejects + trajectories) of a source is above its ratio; names sources and codes."""
    sentences = []
    for source in recipe.sources:
        codes = Counter(reject.code for reject in ingested.rejects if reject.source_name == source.name)
        refused = sum(codes.values())
        own = [o.counts for o in ingested.outcomes if o.facts["source"] == source.name]
        taken = sum(counts["trajectories"] + counts.get("tasks", 0) for counts in own)
        ratio = recipe.reject_ratio(source.name)
        if refused and refused / (refused + taken) > ratio:
            said = ", ".join(f"{code} {count}" for code, count in sorted(codes.items()))
            sentences.append(f"source {source.name!r}: {refused} of {refused + taken} were rejected ({said}), above {ratio:g}")
    if sentences:
        remedy = "mend the recordings, or raise max_reject_ratio of that source; `cairn status` lists them"
        raise DataError(f"no release: {'; '.join(sentences)}. {remedy[0].upper()}{remedy[1:]}")
    if not any(o.counts["trajectories"] for o in ingested.outcomes):
        raise DataError("no release: not one trajectory was taken; `cairn status` lists the rejects")
