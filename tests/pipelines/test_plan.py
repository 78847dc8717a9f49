"""The plan of ingest: shards are cut by cost, and an insertion moves the borders near it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import pytest

from pipelines.plan import cut, plan_ingest, plan_source, ref_cost
from pipelines.recipe import Recipe, Shards, load_recipe
from pipelines.shard import Ref, SourceFile
from pipelines.sources import Source, reader

ITEMS = 20_000


def cost(item: str) -> float:
    """Between 1/400 and 1/50 of a bound, from the name alone."""
    return random.Random(item).uniform(0.0025, 0.02)


def runs(items: Sequence[str], costs: Callable[[str], float] = cost) -> list[tuple[str, ...]]:
    return list(cut(items, costs, lambda item: item))


def greedy(items: Sequence[str]) -> list[tuple[str, ...]]:
    """Packing to the bound without hashes."""
    found: list[list[str]] = [[]]
    filled = 0.0
    for item in items:
        if found[-1] and filled + cost(item) > 1:
            found.append([])
            filled = 0.0
        found[-1].append(item)
        filled += cost(item)
    return [tuple(run) for run in found]


def rebuilt(before: Sequence[tuple[str, ...]], after: Sequence[tuple[str, ...]]) -> float:
    """The share of runs that were not there before."""
    return len(set(after) - set(before)) / len(after)


@pytest.fixture(scope="module")
def items() -> list[str]:
    return [f"episode_{i:06d}" for i in range(ITEMS)]


def test_runs_hold_all_items_in_order_and_no_more_than_the_bound(items: list[str]) -> None:
    found = runs(items)
    assert list(chain.from_iterable(found)) == items
    assert max(sum(map(cost, run)) for run in found) <= 1 + 1e-9
    fills = [sum(map(cost, run)) for run in found[:-1]]
    assert min(fills) > 0.2  # a hash closes no run that is nearly empty
    assert sum(fills) / len(fills) > 0.5


def test_an_item_above_the_bound_is_alone() -> None:
    weights = {"a": 0.1, "b": 7.0, "c": 0.1, "d": 0.1}
    found = runs(list(weights), lambda item: weights[item])
    assert ("b",) in found
    assert list(chain.from_iterable(found)) == ["a", "b", "c", "d"]


def test_items_of_exactly_the_bound_are_alone_and_nothing_gives_no_run() -> None:
    assert runs(["a", "b"], lambda _: 1.0) == [("a",), ("b",)]
    assert runs(["a"], lambda _: 0.0) == [("a",)]
    assert runs([]) == []


def test_the_same_items_are_cut_the_same(items: list[str]) -> None:
    assert runs(items) == runs(list(items))


def test_1_percent_appended_rebuilds_at_most_3_percent(items: list[str]) -> None:
    more = [f"episode_{ITEMS + i:06d}" for i in range(ITEMS // 100)]
    assert 0 < rebuilt(runs(items), runs([*items, *more])) <= 0.03


def test_1_percent_inserted_rebuilds_much_less_than_greedy_packing(items: list[str]) -> None:
    chosen = random.Random(7).sample(range(ITEMS), ITEMS // 100)
    grown = sorted([*items, *(f"episode_{i:06d}_b" for i in chosen)])
    ours, theirs = rebuilt(runs(items), runs(grown)), rebuilt(greedy(items), greedy(grown))
    assert ours < 0.75
    assert theirs > 0.9
    assert ours < 0.8 * theirs


def test_one_insertion_moves_only_nearby_borders(items: list[str]) -> None:
    before = runs(items)
    moved = [len(set(runs([*items[:at], "new", *items[at:]])) - set(before)) for at in range(100, ITEMS, 2000)]
    assert sum(moved) / len(moved) <= 4
    assert max(moved) <= 12


def test_a_ref_costs_what_is_nearest_to_its_bound() -> None:
    ref = Ref("a", (SourceFile("file:///a", "a", 50, ""), SourceFile("file:///b", "b", 50, "")), steps=30)
    assert ref_cost(ref, Shards(bytes=1000, steps=100)) == 0.3
    assert ref_cost(ref, Shards(bytes=200, steps=100)) == 0.5
    assert ref_cost(Ref("a", ()), Shards()) > 0


@pytest.fixture
def recipe(tmp_path: Path) -> Callable[..., Recipe]:
    def make(count: int = 3, **changes: str) -> Recipe:
        data = tmp_path / "data"
        data.mkdir(exist_ok=True)
        for i in range(count):
            if not (data / f"{i}.json").exists():
                (data / f"{i}.json").write_text("{}")
        values = {"name": "s", "license": "mit", "options": "{}"} | changes
        path = tmp_path / "recipe.yaml"
        path.write_text(
            f"name: t\nlicense: mit\nworkspace: out\nshards: {{bytes: 4}}\nsources:\n"
            f"  - {{name: {values['name']}, reader: braingridgame, uri: data, license: {values['license']}, "
            f"options: {values['options']}}}\n"
        )
        return load_recipe(path)

    return make


def test_a_shard_is_named_by_its_content_and_a_changed_file_changes_its_fingerprint_alone(
    recipe: Callable[..., Recipe], tmp_path: Path
) -> None:
    before = plan_ingest(recipe()).keys
    assert [key.spec["source"] for key in before] == ["s"] * len(before)
    changed = tmp_path / "data" / before[0].refs[0].files[0].name
    changed.write_text("{} ")
    after = plan_ingest(recipe()).keys
    assert [key.name for key in after] == [key.name for key in before]
    assert [a.fingerprint == b.fingerprint for a, b in zip(before, after, strict=True)] == [False] + [True] * (len(before) - 1)


def test_licence_and_options_change_fingerprints_and_no_name(recipe: Callable[..., Recipe]) -> None:
    before = plan_ingest(recipe()).keys
    for changes in ({"license": "cc0-1.0"}, {"options": "{agent_type: script}"}):
        after = plan_ingest(recipe(**changes)).keys
        assert [key.name for key in after] == [key.name for key in before]
        assert not {key.fingerprint for key in after} & {key.fingerprint for key in before}


def test_names_of_shards_differ_where_sources_have_dashes_and_dots(recipe: Callable[..., Recipe]) -> None:
    names = {key.name for name in ("a", "a-b", "a.b", "a-b.c") for key in plan_ingest(recipe(name=name)).keys}
    assert len(names) == 4 * len(plan_ingest(recipe()).keys)


def source(uri: Path | str, of: str = "braingridgame") -> Source:
    return Source("s", of, str(uri), "mit", None, reader(of).options())


def test_a_source_that_is_not_there_is_one_reject(tmp_path: Path) -> None:
    refs, (reject,) = plan_source(source(tmp_path / "nowhere"))
    assert not refs
    assert (reject.stage, reject.source_name, reject.code) == ("plan", "s", "source_missing")


def test_a_source_without_recordings_is_one_reject(tmp_path: Path) -> None:
    refs, (reject,) = plan_source(source(tmp_path))
    assert (refs, reject.code) == ([], "source_empty")
    (tmp_path / "LICENSE").write_text("x")
    refs, (reject,) = plan_source(source(tmp_path))
    assert (refs, reject.code) == ([], "source_empty")
    assert "check the pattern or the folder" in reject.message


def test_a_source_of_another_format_is_one_reject(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x")
    refs, rejects = plan_source(source(tmp_path, "lerobot"))
    assert not refs
    assert [reject.stage for reject in rejects] == ["plan"]


def test_two_recordings_of_one_native_id_are_a_ref_and_a_reject(tmp_path: Path) -> None:
    for name in ("a.json", "a.JSON"):
        (tmp_path / name).write_text("{}")
    refs, rejects = plan_source(source(tmp_path))
    ids = [ref.native_id for ref in refs]
    assert len(ids) == len(set(ids))
    assert all(reject.code == "native_id_clash" for reject in rejects)


def test_one_bad_source_does_not_stop_the_plan_of_another(recipe: Callable[..., Recipe], tmp_path: Path) -> None:
    recipe()
    path = tmp_path / "recipe.yaml"
    path.write_text(path.read_text() + "  - {name: gone, reader: lerobot, uri: nowhere, license: mit}\n")
    plan = plan_ingest(load_recipe(path))
    assert {key.spec["source"] for key in plan.keys} == {"s"}
    assert [(reject.source_name, reject.code) for reject in plan.rejects] == [("gone", "source_missing")]
