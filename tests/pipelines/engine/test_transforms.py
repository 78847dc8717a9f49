"""Beam's skin: a shard comes through its coder, and in a run nobody asks the coder to encode."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pipelines.engine.job import outcome_path, read_outcome
from pipelines.engine.launch import Launch, run_chain
from pipelines.engine.transforms import ShardCoder
from pipelines.io.store import Store
from pipelines.recipe import load_recipe
from pipelines.shard import Ref, Reject, Shard, ShardKey, SourceFile
from pipelines.stages.ingest import Ingest
from schemas.arrow import columns_of, stored_schema, table_from_rows

ARC = Path(__file__).resolve().parents[3] / "examples" / "data" / "arc"
SHARDS = 24


def shard(rows: int) -> Shard:
    schema = stored_schema("arc_steps", columns_of("arc_steps"))
    table = table_from_rows(schema, [{"trajectory_id": "a/ü", "step": i, "action_args": {"i": i}} for i in range(rows)])
    key = ShardKey("a-1", "f", (Ref("n", (SourceFile("file:///x", "x", 3, "s"),), "{}", 2),), {"source": "a"})
    reject = Reject("read", "a", "x", None, "broken", "it is broken", {"at": [1]})
    return Shard(key, {"arc_steps": table, "empty": table.slice(0, 0)}, (reject,), {"steps": rows})


def test_a_shard_comes_through_its_coder() -> None:
    given = shard(100)
    back = ShardCoder().decode(ShardCoder().encode(given))
    assert (back.key, back.rejects, back.counts) == (given.key, given.rejects, given.counts)
    assert back.tables.keys() == given.tables.keys()
    for name, table in given.tables.items():
        assert back.tables[name].equals(table)
        assert back.tables[name].schema.equals(table.schema, check_metadata=True)


def test_a_slice_does_not_carry_the_table_it_is_cut_from() -> None:
    whole = shard(20_000)
    part = Shard(whole.key, {"arc_steps": whole.tables["arc_steps"].slice(0, 10)})
    assert len(ShardCoder().encode(part)) < len(ShardCoder().encode(whole)) / 100


class Countable:
    """A table of which only the size may be asked."""

    nbytes = 12_345


def test_the_size_of_a_shard_is_known_without_its_rows() -> None:
    tables: Any = {"a": Countable(), "b": Countable()}
    assert ShardCoder().estimate_size(Shard(shard(0).key, tables)) == 2 * 12_345
    given = shard(1000)
    assert ShardCoder().estimate_size(given) == sum(table.nbytes for table in given.tables.values())


def test_the_coder_is_chosen_for_shards_and_never_for_keys() -> None:
    import apache_beam as beam

    assert isinstance(beam.coders.registry.get_coder(Shard), ShardCoder)
    assert not ShardCoder().is_deterministic()
    assert ShardCoder().to_type_hint() is Shard


def test_in_a_fused_run_no_shard_is_encoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    estimates: list[int] = []
    encode, estimate = ShardCoder.encode, ShardCoder.estimate_size
    monkeypatch.setattr(ShardCoder, "encode", lambda self, value: (calls.append(value.key.name), encode(self, value))[1])
    monkeypatch.setattr(ShardCoder, "estimate_size", lambda self, value: (estimates.append(1), estimate(self, value))[1])

    traces = sorted(ARC.glob("*.json"))
    (tmp_path / "data").mkdir()
    for i in range(SHARDS):
        shutil.copy(traces[i % len(traces)], tmp_path / "data" / f"{i:02d}.json")
    (tmp_path / "recipe.yaml").write_text(
        "name: t\nlicense: mit\nworkspace: out\nshards: {steps: 1}\n"
        "sources: [{name: a, reader: braingridgame, uri: data, license: mit}]\n"
    )
    recipe = load_recipe(tmp_path / "recipe.yaml")
    job = Ingest(recipe, Store(recipe.workspace_uri))
    keys = job.plan().keys
    assert len(keys) >= 20
    run_chain(Launch(job, keys, ()))

    outcomes = [read_outcome(job.store, outcome_path(job.name, key.name)) for key in keys]
    assert sum(outcome.counts["trajectories"] for outcome in outcomes if outcome) == SHARDS
    assert calls == []
    assert estimates  # Beam did ask, so the zero above is the coder's merit


def test_a_shard_of_no_table_comes_through() -> None:
    given = Shard(shard(0).key, {})
    assert ShardCoder().decode(ShardCoder().encode(given)) == given
    assert ShardCoder().estimate_size(given) == 0
