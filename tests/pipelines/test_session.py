"""Between the jobs: how many rejects are too many, and what the manifest says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.engine.job import put_outcome, read_outcome
from pipelines.engine.run import JobResult
from pipelines.errors import DataError
from pipelines.io.store import Store
from pipelines.recipe import Recipe, load_recipe
from pipelines.session import fold, refuse_many_rejects
from pipelines.shard import FileRecord, Outcome, Reject

NAMES = ("a", "a-b", "a.b")


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[..., Recipe]:
    """A recipe with the sources a, a-b and a.b."""

    def make(ratio: float = 0.05, own: float | None = None) -> Recipe:
        further = "" if own is None else f", max_reject_ratio: {own}"
        lines = [
            f"  - {{name: {name}, reader: lerobot, uri: x, license: mit{further if name == 'a' else ''}}}" for name in NAMES
        ]
        head = f"name: t\nlicense: mit\nworkspace: out\nmax_reject_ratio: {ratio}\nsources:\n"
        (tmp_path / "r.yaml").write_text(head + "\n".join(lines))
        return load_recipe(tmp_path / "r.yaml")

    return make


def ingested(source: str, taken: int, codes: tuple[str, ...] = (), shard: str = "0") -> Outcome:
    rejects = tuple(Reject("read", source, f"{i}.x", str(i), code, "it is broken") for i, code in enumerate(codes))
    return Outcome(f"{source}-{shard}", "f", {}, rejects, {"trajectories": taken, "steps": 9 * taken}, {"source": source})


def result(*outcomes: Outcome, plan: tuple[Reject, ...] = ()) -> JobResult:
    return JobResult("ingest", outcomes, 0, plan)


def test_no_reject_is_not_too_many(recipe: Callable[..., Recipe]) -> None:
    refuse_many_rejects(recipe(ratio=0), result(ingested("a", 1)))


def test_rejects_up_to_the_ratio_are_taken_and_one_more_is_not(recipe: Callable[..., Recipe]) -> None:
    refuse_many_rejects(recipe(0.1), result(ingested("a", 9, ("x",))))
    with pytest.raises(DataError) as error:
        refuse_many_rejects(recipe(0.1), result(ingested("a", 8, ("x",))))
    assert error.value.exit_code == 1
    assert "source 'a': 1 of 9 were rejected (x 1), above 0.1" in str(error.value)
    assert "Mend the recordings, or raise max_reject_ratio" in str(error.value)


def test_all_sources_and_codes_are_named(recipe: Callable[..., Recipe]) -> None:
    with pytest.raises(DataError) as error:
        refuse_many_rejects(
            recipe(), result(ingested("a", 1, ("y", "x", "y")), ingested("a-b", 100), ingested("a.b", 0, ("z",)))
        )
    assert "source 'a': 3 of 4 were rejected (x 1, y 2)" in str(error.value)
    assert "source 'a.b': 1 of 1 were rejected (z 1)" in str(error.value)
    assert "'a-b'" not in str(error.value)


def test_sources_whose_names_begin_alike_are_counted_apart(recipe: Callable[..., Recipe]) -> None:
    many = [ingested("a-b", 500), ingested("a.b", 500)]
    with pytest.raises(DataError, match="source 'a': 1 of 2 were"):
        refuse_many_rejects(recipe(), result(ingested("a", 1, ("x",)), *many))
    refuse_many_rejects(recipe(), result(ingested("a", 60, ("x",), "0"), ingested("a", 60, shard="1"), *many))


def test_what_the_plan_refused_counts(recipe: Callable[..., Recipe]) -> None:
    gone = Reject("plan", "a", "x", None, "source_missing", "it is not there")
    with pytest.raises(DataError, match=r"source 'a': 1 of 1 were rejected \(source_missing 1\)"):
        refuse_many_rejects(recipe(), result(ingested("a-b", 100), plan=(gone,)))


def test_a_sources_own_ratio_wins(recipe: Callable[..., Recipe]) -> None:
    refuse_many_rejects(recipe(0.0, own=0.5), result(ingested("a", 1, ("x",))))
    with pytest.raises(DataError, match="above 0"):
        refuse_many_rejects(recipe(0.5, own=0.0), result(ingested("a", 99, ("x",))))


def test_a_release_of_nothing_is_refused(recipe: Callable[..., Recipe]) -> None:
    for nothing in (result(), result(ingested("a", 0)), result(ingested("a", 0, ("x",)))):
        with pytest.raises(DataError, match="not one trajectory was taken"):
            refuse_many_rejects(recipe(1.0), nothing)


def test_the_manifest_counts_rows_rejects_and_what_annotators_lacked() -> None:
    def record(name: str, rows: int) -> FileRecord:
        return FileRecord(name, rows, 1, 1, "")

    def proposed(annotator: str, source: str, lacking: int) -> Outcome:
        files = {"segments": record("s", 3), "media/x": record("m", 0)}
        counts = {"lacking": lacking, "proposed_for": 1}
        return Outcome(f"{source}-0.{annotator}", "f", files, (), counts, {"source": source, "annotator": annotator})

    refused = Reject("propose", "a", "x", None, "annotator_failed", "it failed")
    folded = fold(
        JobResult("propose", (proposed("arc.noop", "a.b", 2), proposed("arc.noop", "a-b", 1), proposed("arc.replay", "a", 0)), 0, (refused,))
    )  # fmt: skip
    assert folded == {
        "shards": 3,
        "rows": {"segments": 9},
        "counts": {"lacking": 3, "proposed_for": 3},
        "lacking": {"arc.noop": 3},
        "rejects": [{"source": "a", "code": "annotator_failed", "count": 1}],
    }
    assert fold(JobResult("propose", (), 0, ())) == {"shards": 0, "rows": {}, "counts": {}, "lacking": {}, "rejects": []}


def test_an_outcome_comes_back_as_it_was_put(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    given = put_outcome(store, "ingest", ingested("a-b", 3, ("x",)))
    assert read_outcome(store, "outcomes/ingest/a-b-0.json") == given


def test_an_outcome_of_another_version_does_not_count(tmp_path: Path) -> None:
    store = Store(str(tmp_path))
    whole = ingested("a", 1).to_json()
    for torn in ({k: v for k, v in whole.items() if k != "facts"}, whole | {"rejects": [{"what": 1}]}, [], {"name": 3}):
        store.put_json("outcomes/ingest/a.json", torn)
        assert read_outcome(store, "outcomes/ingest/a.json") is None
