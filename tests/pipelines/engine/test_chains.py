"""The process of the chains: one for all jobs of a command, another where it died, none when the command is over."""

from __future__ import annotations

import pickle
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from pipelines.engine import run
from pipelines.engine.chains import Chains
from pipelines.engine.job import outcome_path
from pipelines.engine.launch import Launch
from pipelines.engine.run import run_job
from pipelines.errors import RunError
from pipelines.io.store import Store
from pipelines.recipe import load_recipe
from pipelines.stages.ingest import Ingest
from pipelines.stages.propose import Propose
from tests.finished_runs import EXAMPLES


@pytest.fixture
def job(tmp_path: Path) -> Ingest:
    """The ingest of one trace."""
    (tmp_path / "arc").mkdir()
    shutil.copy(EXAMPLES / "data/arc/cut_out_crop.json", tmp_path / "arc")
    source = "{name: a, reader: braingridgame, uri: arc, license: mit}"
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text(f"name: t\nlicense: mit\nworkspace: out\nannotators: [arc.noop]\nsources: [{source}]\n")
    loaded = load_recipe(recipe)
    return Ingest(loaded, Store(loaded.workspace_uri))


def until(fact: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_jobs_share_a_process_that_ends_with_the_command(job: Ingest) -> None:
    with Chains() as chains:
        ingested = run_job(job, chains=chains)
        first = chains._process
        assert first is not None
        proposed = run_job(Propose(job.recipe, job.store, ingested.outcomes), chains=chains)
        assert chains._process is first
        assert (ingested.built, proposed.built) == (1, 1)
        children = psutil.Process(first.pid).children(recursive=True)
    assert first.returncode == 0
    psutil.wait_procs(children, timeout=10)
    assert not any(child.is_running() for child in children)


def test_a_process_that_died_between_two_jobs_is_replaced(job: Ingest, tmp_path: Path) -> None:
    (key,) = job.plan().keys
    plan = tmp_path / "a plan\nwith an odd name.pickle"
    with Chains() as chains:
        plan.write_bytes(pickle.dumps(Launch(job, (key,), ())))
        with chains.running(plan) as first:
            until(lambda: not plan.exists())
        first.kill()
        first.wait()
        job.store.delete(outcome_path(job.name, key.name))
        assert run_job(job, chains=chains).built == 1
        assert chains._process is not first


def test_a_chain_that_fails_ends_its_process_and_its_words_are_kept(job: Ingest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "Launch", lambda job, keys, options: Launch(job, tuple(key.name for key in keys), options))
    with (
        pytest.raises(RunError, match=r"ingest: the pipeline ended with exit code 1; 1 shards have no outcome"),
        Chains() as chains,
    ):
        run_job(job, chains=chains)
    assert b"Traceback" in job.store.read_bytes("log/ingest-failed.log")
