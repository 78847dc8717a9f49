"""What a release publishes: facts, layers, history and views, each with the stored tables it is made from.

A product is one folder of the release. How it is built is a pure function of stored tables; the release job decides which
trajectories go into which file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.release.current import current_rows, follow, with_times
from pipelines.release.verdicts import LAYER as SUCCESS
from pipelines.release.verdicts import with_success
from pipelines.release.views import ViewTables, view_module
from schemas.arrow import columns_of, stored_schema, table_from_rows
from schemas.layers import Layer, layers
from schemas.tables import ENVELOPE, HISTORY, KINDS, STEP_TABLES, TABLES
from schemas.types import Column
from schemas.views import VIEWS

Tables = Mapping[str, pa.Table]
Needs = Mapping[str, tuple[str, ...] | None]
"""Stored table → columns that are read; None = all."""

REFERENCES = {"links": ("source", "destination"), "segments": ("parent",), "alternatives": ("region",)}
"""Kind → its columns that name other annotations."""
_STATE = ("annotation_id", "trajectory_id", "task_id", "layer", "supersedes", "status", "created_at", "submission")

FACTS = ("trajectories", *STEP_TABLES.values(), "videos", "images", "gui_trees")
UNSPLIT = ("tasks", "action_specs", "rejects", "runs")
"""Tables about no trajectory: one split, `train`, since a loader asks for one."""

_BATCH = 4096
"""Annotations that are Python objects at once: one of them is kilobytes then."""

_TIMES: Needs = {
    "trajectories": ("trajectory_id", "num_steps", "duration"),
    **dict.fromkeys(STEP_TABLES.values(), ("trajectory_id", "step", "timestamp")),
}


@dataclass(frozen=True)
class Product:
    """One published folder.

    `name` is the folder (`segments/motion`), `table` the schema's name, `base` the stored table that says which
    trajectories it covers and how large they are (`layers` narrows it), `needs` what `build` reads.
    """

    name: str
    table: str
    columns: tuple[Column, ...]
    base: tuple[str, ...]
    layers: frozenset[str] | None
    needs: Needs
    build: Callable[[Tables], pa.Table]
    reads: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Stored kind → the layers whose files are read; absent = all."""

    @property
    def stored(self) -> pa.Schema:
        """Schema of what `build` returns: packed columns hold a sha256."""
        return stored_schema(self.table, self.columns)


def products(native: Mapping[str, str]) -> list[Product]:
    """All products. `native`: the union of the sources' further columns of `robot_steps`."""
    return [*_facts(native), *_layers(), _history(), *_views()]


def sort_rows(table: pa.Table, columns: tuple[Column, ...]) -> pa.Table:
    """Sorted by trajectory, step or start and annotation_id, then by the string and integer columns in order, nulls last."""
    first = [name for name in ("trajectory_id", "step", "start", "annotation_id") if name in table.column_names]
    rest = [c.name for c in columns if c.type in ("string", "int32") and c.name in table.column_names and c.name not in first]
    if not table.num_rows or not (first or rest):
        return table
    order = pc.sort_indices(table, sort_keys=[(name, "ascending") for name in (*first, *rest)], null_placement="at_end")
    return table.take(order)


def widen(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """A stored table with the columns of another source's shards added as nulls, in the order of `schema`."""
    arrays = [table[f.name] if f.name in table.column_names else pa.nulls(table.num_rows, f.type) for f in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def merge_tasks(table: pa.Table) -> pa.Table:
    """One row per task_id and collection: of each column the first value that is not null.

    Two collections may give one id to two tasks, so their rows stay apart; a row without a collection joins the first.
    """
    merged: dict[tuple[str, str | None], dict[str, Any]] = {}
    first: dict[str, str | None] = {}
    for row in sort_rows(table, TABLES["tasks"]).to_pylist():  # nulls last: a collection comes before none
        collection = first.setdefault(row["task_id"], row["collection"]) if row["collection"] is None else row["collection"]
        first.setdefault(row["task_id"], collection)
        kept = merged.setdefault((row["task_id"], collection), row)
        for name, value in row.items():
            if kept[name] is None:
                kept[name] = value
    rows = [row | {"extras": _parsed(row["extras"])} for row in merged.values()]
    return table_from_rows(table.schema, rows)


def _facts(native: Mapping[str, str]) -> list[Product]:
    found = []
    for name in FACTS:
        columns = columns_of(name, native if name == "robot_steps" else None)
        schema = stored_schema(name, columns)
        needs: Needs = {name: None} | ({"checks": None} if name == "trajectories" else {})
        reads = {"checks": frozenset({SUCCESS})}
        found.append(Product(name, name, columns, (name,), None, needs, _fact_builder(name, schema), reads))
    return found


def _fact_builder(name: str, schema: pa.Schema) -> Callable[[Tables], pa.Table]:
    if name == "trajectories":
        return lambda tables: with_success(widen(tables[name], schema), _of_layer("checks", SUCCESS, tables))
    return lambda tables: widen(tables[name], schema)


def _layers() -> list[Product]:
    return [
        Product(
            f"{layer.kind}/{layer.name}",
            layer.kind,
            columns_of(layer.kind),
            (layer.kind,),
            frozenset({layer.name}),
            {**_referred(layer.kind), layer.kind: None, **_TIMES},
            _layer_builder(layer.kind, layer.name),
        )
        for layer in layers().values()
    ]


def _referred(kind: str) -> Needs:
    """What is read of all kinds to follow the references of one; nothing where its rows name no others."""
    return dict.fromkeys(KINDS, _STATE) if kind in REFERENCES else {}


def _layer_builder(kind: str, layer: str) -> Callable[[Tables], pa.Table]:
    def build(tables: Tables) -> pa.Table:
        rows = _of_layer(kind, layer, tables)
        if kind in REFERENCES:
            rows = follow(rows, REFERENCES[kind], [tables[name] for name in KINDS if name in tables])
        return with_times(rows, tables["trajectories"], [tables[name] for name in STEP_TABLES.values() if name in tables])

    return build


def _of_layer(kind: str, layer: str, tables: Tables) -> pa.Table:
    """The current rows of one layer; an empty table where nothing was said."""
    if kind not in tables:
        return stored_schema(kind, columns_of(kind)).empty_table()
    return current_rows(kind, tables[kind].filter(pc.equal(tables[kind]["layer"], layer)))


def _history() -> Product:
    needs: dict[str, tuple[str, ...] | None] = {**dict.fromkeys(KINDS), **_TIMES}
    return Product("annotation_history", "annotation_history", HISTORY, tuple(KINDS), None, needs, _build_history)


def _build_history(tables: Tables) -> pa.Table:
    schema = stored_schema("annotation_history", HISTORY)
    found = [schema.empty_table()]
    steps = [tables[name] for name in STEP_TABLES.values() if name in tables]
    for kind in KINDS:
        if kind in tables:
            timed = with_times(tables[kind], tables["trajectories"], steps)
            found += [_history_rows(kind, batch.to_pylist()) for batch in timed.to_batches(max_chunksize=_BATCH)]
    return pa.concat_tables(found).combine_chunks()


def _history_rows(kind: str, rows: list[dict[str, Any]]) -> pa.Table:
    payload = KINDS[kind]
    json_columns = {column.name for column in payload if column.type == "Json"}
    history = []
    for row in rows:
        said = {c.name: row[c.name] for c in payload if row[c.name] is not None}
        said |= {name: _parsed(said[name]) for name in json_columns & said.keys()}
        history.append({c.name: row[c.name] for c in ENVELOPE} | {"kind": kind, "payload": said})
    return table_from_rows(stored_schema("annotation_history", HISTORY), history)


def _views() -> list[Product]:
    found = []
    for view in VIEWS.values():
        module = view_module(view.name)
        base = (module.BASE,) if isinstance(module.BASE, str) else tuple(module.BASE)
        shown = _shown(view.name)
        of = frozenset(shown) if set(base) <= set(KINDS) else None
        kinds = {declared.kind for declared in shown.values()}
        needs = {**module.NEEDS, **dict.fromkeys(sorted(kinds))}
        reads = {kind: frozenset(name for name, declared in shown.items() if declared.kind == kind) for kind in kinds}
        found.append(Product(view.name, view.name, view.columns, base, of, needs, _view_builder(view.name), reads))
    return found


def _shown(name: str) -> dict[str, Layer]:
    """The layers that a view reads: those that become a column of it, and those that its module names."""
    named = [layers()[other] for other in getattr(view_module(name), "LAYERS", ())]
    return {declared.name: declared for declared in (*(layer for layer, _ in VIEWS[name].layer_columns), *named)}


def _view_builder(name: str) -> Callable[[Tables], pa.Table]:
    def build(tables: Tables) -> pa.Table:
        shown = {declared.name: _of_layer(declared.kind, declared.name, tables) for declared in _shown(name).values()}
        derived: pa.Table = view_module(name).derive(ViewTables(tables, shown))
        return derived

    return build


def _parsed(text: str | None) -> object:
    return None if text is None else orjson.loads(text)
