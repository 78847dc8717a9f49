"""Two real releases, built by the `cairn` command: one that nobody reviewed, and its next version, reviewed in part."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from annotators.label_studio.rounds.acceptance import clopper_pearson
from annotators.label_studio.rounds.batch import BatchOutcome
from annotators.label_studio.rounds.report import Report, Score
from pipelines.io.store import Store
from pipelines.recipe import load_recipe
from pipelines.review.account import put_figures, put_states
from pipelines.review.outcome import put_resolved
from tests.command import cairn
from tests.finished_runs import made_once, run


@pytest.fixture(scope="session")
def first(with_small_files: Path) -> Path:
    """The folder with the recipe `quickstart.yaml` and its release below `out`. Nobody may change it."""
    return with_small_files / "finished"


@pytest.fixture(scope="session")
def second(with_small_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The next version: a layer less, a citation, and of the subtasks one confirmed, one corrected, one rejected, one added."""
    work = with_small_files / "work"  # where the first was made, since elsewhere it would be made again
    made_once(tmp_path_factory, "second", lambda _: _release_again(work))
    return work


def _release_again(folder: Path) -> None:
    recipe = folder / "quickstart.yaml"
    text = recipe.read_text().replace("version: 0.1.0", "version: 0.2.0").replace("arc.noop, ", "")
    recipe.write_text(text.replace("options: {}}", "citation: 'Cube, 2026: \"Lifting\"'}"))
    for verb in ("ingest", "propose"):
        done = cairn(verb, recipe)
        assert done.returncode == 0, done.stdout + done.stderr
    store = Store(str(folder / "out/quickstart"))
    assert put_resolved(load_recipe(recipe), store, reviewed_rows(folder / "out/quickstart")) == []
    put_states(store, {"clips": {"accepted": 2}})
    put_figures(store, [report()])
    run(recipe)


def reviewed_rows(workspace: Path) -> list[dict[str, Any]]:
    """What two people made of the proposed subtasks: the first accepted, the second reworded, the third rejected; one more."""
    rows = [row for f in sorted((workspace / "propose").rglob("*.parquet")) for row in _rows_of(f, "subtask")]
    rows.sort(key=lambda row: (row["trajectory_id"], row["start"]))
    by = {"annotator": "p1", "submission": "s1", "seconds": 30.0, "created_at": datetime(2026, 1, 2, tzinfo=UTC)}
    human = {"producer_type": "human", "producer": "review.clips", "producer_version": "1", "run": _run_of_people()}
    made = {**human, "annotator": "p2", "submission": "s2", "seconds": None, "annotation_id": None, "quality": "primary"}
    corrected = {**rows[1], **by, **made, "status": "corrected", "text": "reworded", "supersedes": rows[1]["annotation_id"]}
    last = {**rows[2], **by, "status": "rejected", "quality": "primary"}
    added = {**rows[2], **by, **made, "status": "accepted", "text": "lift it", "supersedes": None}
    from schemas.stored_rows import with_ids

    return [
        {**rows[0], **by, "status": "accepted", "quality": "primary"},
        *with_ids("segments", [corrected]),
        last,
        *with_ids("segments", [added]),
    ]


def _run_of_people() -> str:
    from annotators.annotation import Producer

    return str(Producer("human", "review.clips", "1").row["run"])


def _rows_of(file: Path, layer: str) -> list[dict[str, Any]]:
    if "layer" not in pq.read_schema(file).names:
        return []
    return [row for row in pq.read_table(file).to_pylist() if row["layer"] == layer]


def report() -> Report:
    """What was measured: people with each other, a producer against people, and the acceptance of a batch."""
    scores: Mapping[str, Any] = {"layer": "subtask", "measure": "boundary F1", "threshold": 0.8}
    return Report(
        project="clips",
        states={},
        fates=(),
        proposals=(Score(**scores, producer="robot.clips", against="people", value=0.75, n=8, items=2, agreed=0.5),),
        agreement=(
            Score(**scores, producer="", against="each other", value=0.875, n=16, items=4, agreed=1.0),
            Score(**scores, producer="", against="each other", value=0.0, n=0, items=0, agreed=0.0),
        ),
        times=(),
        people=(),
        drift=(),
        batches=(BatchOutcome("lift", 1, ("a", "b", "c"), ("a", "b"), clopper_pearson(1, 2), "again"),),
        bar=0.9,
        cap=900,
        blind="",
    )
