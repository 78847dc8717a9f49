"""Checks of what was said: the envelope, the layers' declarations, and the references between rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ..layers import layer, layers
from ..tables import KINDS
from ..vocabularies import LEVELS, PRODUCER_TYPES, QUALITIES, SHAPES, STATUSES
from .violation import Check, Tables, Violation, lengths, outside

_WORDS = {"segments": "label", "regions": "label", "checks": "outcomes", "verdicts": "value", "links": "relation"}
"""Kind → the column that holds words of the layer's vocabulary."""
_LINK = [
    "annotation_id",
    "trajectory_id",
    "layer",
    "source",
    "destination",
    "source_step",
    "destination_step",
    "relation",
    "producer_type",
]


def envelope_words_known(tables: Tables) -> Iterator[Violation]:
    """`word_unknown`: level, status, quality or producer type outside its vocabulary."""
    closed = (("level", LEVELS), ("status", STATUSES), ("quality", QUALITIES), ("producer_type", PRODUCER_TYPES))
    for _, table in _kinds(tables):
        for column, words in closed:
            yield from outside(table, column, words)
    if "regions" in tables:
        yield from outside(tables["regions"], "shape", SHAPES)


def layers_declared(tables: Tables) -> Iterator[Violation]:
    """`layer_undeclared`, `layer_kind`: a layer that nobody declared, or in another kind's table."""
    for kind, table in _kinds(tables):
        if all(name in layers() and layer(name).kind == kind for name in table["layer"].unique().to_pylist()):
            continue
        first: dict[str | None, str] = {}
        for name, annotation_id in zip(table["layer"].to_pylist(), table["annotation_id"].to_pylist(), strict=True):
            first.setdefault(name, annotation_id)
        for name, annotation_id in first.items():
            if name is None or name not in layers():
                remedy = "name one" if name is None else f"add schemas/layers/{name}.py"
                message = f"layer {name!r} of {annotation_id} in {kind} is declared nowhere; {remedy}"
                yield Violation("layer_undeclared", message, annotation_id=annotation_id)
            elif layer(name).kind != kind:
                message = f"layer {name!r} of {annotation_id} is declared as {layer(name).kind} and stands in {kind}"
                yield Violation("layer_kind", message, annotation_id=annotation_id)


def labels_in_vocabulary(tables: Tables) -> Iterator[Violation]:
    """`label_unknown`: a label (an outcome, a verdict, a relation) that is no word of its layer."""
    for kind, column in _WORDS.items():
        if kind not in tables:
            continue
        found = _with_unknown_words(tables[kind], column)
        for row in found.select(["annotation_id", "trajectory_id", "layer", column]).to_pylist():
            words = layer(row["layer"]).words if row["layer"] in layers() else None
            values = row[column] if isinstance(row[column], list) else [row[column]]
            unknown = [] if words is None else [v for v in values if v is not None and v not in words]
            if unknown:
                message = f"{_place(row)}: {unknown[0]!r} is no word of layer {row['layer']}, which has {', '.join(sorted(words or ()))}"
                yield Violation("label_unknown", message, row["trajectory_id"], row["annotation_id"])


def intervals_inside(tables: Tables) -> Iterator[Violation]:
    """`interval_outside`: not `0 <= start < end <= num_steps`, or half of an interval."""
    for _, table in _kinds(tables):
        found = table.filter(_intervals_to_look_at(table, tables["trajectories"]))
        num_steps = lengths(tables) if len(found) else {}
        for row in found.select(["annotation_id", "trajectory_id", "layer", "start", "end"]).to_pylist():
            start, end = row["start"], row["end"]
            if start is None and end is None:
                continue
            steps = num_steps.get(row["trajectory_id"], 2**31)
            if start is None or end is None or not 0 <= start < end <= steps:
                message = f"{_place(row)}: the interval [{start}, {end}) should be 0 <= start < end <= {steps} (num_steps)"
                yield Violation("interval_outside", message, row["trajectory_id"], row["annotation_id"])


def intervals_tile(tables: Tables) -> Iterator[Violation]:
    """`interval_overlap`, `interval_gap`: intervals of a layer lie as its tiling forbids.

    Machines tile each for itself. Where people reviewed a layer of a trajectory, their rows and those of the producers
    that they confirmed are one tiling: a correction stands in the place of the row it replaced.
    """
    names = ["annotation_id", "trajectory_id", "layer", "start", "end", "producer", "producer_type", "status", "stream"]
    tiled = pa.array([name for name in layers() if layer(name).tiling is not None], pa.string())
    for _, whole_table in _kinds(tables):
        table = whole_table.filter(pc.is_in(whole_table["layer"], value_set=tiled))
        if _tiles(table, tables["trajectories"]):
            continue
        num_steps = lengths(tables)
        groups: dict[tuple[str, str, str | None], list[dict[str, Any]]] = {}
        for row in table.select(names).to_pylist():
            whole = row["start"] is not None and row["end"] is not None
            if whole and row["layer"] in layers() and layer(row["layer"]).tiling is not None:
                groups.setdefault((row["trajectory_id"], row["layer"], row["stream"]), []).append(row)
        for (trajectory_id, name, _), rows in groups.items():
            for together in _tilings(rows):
                spans = sorted((row["start"], row["end"], row["annotation_id"]) for row in together)
                yield from _tiling_faults(trajectory_id, name, spans, num_steps.get(trajectory_id))


def boxes_inside(tables: Tables) -> Iterator[Violation]:
    """`box_outside`: a box that is empty, turned round, or not inside the frame size of its row."""
    if "regions" not in tables:
        return
    columns = ["annotation_id", "trajectory_id", "layer", "boxes", "frame_width", "frame_height"]
    for row in tables["regions"].select(columns).to_pylist():
        for box in row["boxes"] or []:
            width, height = row["frame_width"], row["frame_height"]
            if box is None:
                continue
            right = len(box) == 4 and None not in box and box[0] < box[2] and box[1] < box[3]
            if not right or box[0] < 0 or box[1] < 0 or (width and box[2] > width) or (height and box[3] > height):
                message = f"{_place(row)}: box {box} is not [x_min, y_min, x_max, y_max] inside {width} x {height} pixels"
                yield Violation("box_outside", message, row["trajectory_id"], row["annotation_id"])
                break


def series_parallel(tables: Tables) -> Iterator[Violation]:
    """`series_uneven`: the lists of a series have different lengths."""
    for kind, names in (
        ("texts", ("steps", "texts")),
        ("scalars", ("steps", "values", "n", "std")),
        ("codes", ("steps", "codes", "vectors")),
        ("checks", ("steps", "outcomes", "observed")),
        ("regions", ("frames", "points", "boxes", "masks", "visible", "interpolated")),
        ("traces", ("steps", "points", "rotations", "gripper", "valid")),
    ):
        if kind not in tables:
            continue
        found = tables[kind].filter(_uneven(tables[kind], names))
        for row in found.select(["annotation_id", "trajectory_id", "layer", *names]).to_pylist():
            sizes = {name: len(row[name]) for name in names if row[name] is not None}
            if len(set(sizes.values())) > 1:
                message = f"{_place(row)}: the lists {sizes} should be of one length"
                yield Violation("series_uneven", message, row["trajectory_id"], row["annotation_id"])


def annotations_have_owner(tables: Tables) -> Iterator[Violation]:
    """`owner_missing`: an annotation of a trajectory that is not there. `owner_none`: one of nothing."""
    ids = tables["trajectories"]["trajectory_id"].combine_chunks()
    for _, table in _kinds(tables):
        owned = pc.is_in(table["trajectory_id"], value_set=ids, skip_nulls=True)
        found = table.filter(pc.invert(owned))
        known = set(ids.to_pylist()) if len(found) else set()
        for row in found.select(["annotation_id", "trajectory_id", "task_id", "layer"]).to_pylist():
            if row["trajectory_id"] is None and row["task_id"] is None:
                yield Violation(
                    "owner_none", f"{_place(row)}: neither trajectory_id nor task_id is set", None, row["annotation_id"]
                )
            elif row["trajectory_id"] is not None and row["trajectory_id"] not in known:
                message = f"{_place(row)}: there is no such trajectory; its trajectory_id should be one of `trajectories`"
                yield Violation("owner_missing", message, row["trajectory_id"], row["annotation_id"])


def ids_unique(tables: Tables) -> Iterator[Violation]:
    """`annotation_twice`: one annotation_id on two rows."""
    for kind, table in _kinds(tables):
        counts = table["annotation_id"].value_counts()
        for entry in counts.filter(pc.greater(counts.field("counts"), 1)).to_pylist():
            message = f"{entry['values']} occurs {entry['counts']} times in {kind}: the same thing was said twice"
            yield Violation("annotation_twice", message, None, entry["values"])


def links_lead_somewhere(tables: Tables) -> Iterator[Violation]:
    """`link_dangling`, `link_cycle`: references to annotations that are not there, or that lead back to themselves."""
    nested = "segments" in tables and tables["segments"]["parent"].null_count < tables["segments"].num_rows
    if "links" not in tables and not nested:
        return
    known = {i for _, table in _kinds(tables) for i in table["annotation_id"].to_pylist()}
    if "links" in tables:
        edges: dict[str, list[str]] = {}
        for row in tables["links"].select(_LINK).to_pylist():
            for end in ("source", "destination"):
                if row[end] is None and row[f"{end}_step"] is not None:
                    continue  # a link between steps
                if row[end] is None and row["relation"] is None and row["producer_type"] == "human":
                    continue  # a person said that nothing is linked
                if row[end] not in known:
                    message = f"{_place(row)}: {end} {row[end]!r} is no annotation; it should be an annotation_id that is there"
                    yield Violation("link_dangling", message, row["trajectory_id"], row["annotation_id"])
            if row["source"] is not None and row["destination"] is not None:
                edges.setdefault(row["source"], []).append(row["destination"])
        yield from _cycles("links", edges)
    if "segments" in tables:
        parents: dict[str, list[str]] = {}
        for row in tables["segments"].select(["annotation_id", "trajectory_id", "layer", "parent"]).to_pylist():
            if row["parent"] is not None:
                parents.setdefault(row["annotation_id"], []).append(row["parent"])
                if row["parent"] not in known:
                    message = (
                        f"{_place(row)}: parent {row['parent']!r} is no annotation; it should be an annotation_id that is there"
                    )
                    yield Violation("link_dangling", message, row["trajectory_id"], row["annotation_id"])
        yield from _cycles("segments", parents)


ANNOTATION_CHECKS: tuple[Check, ...] = (
    envelope_words_known,
    layers_declared,
    labels_in_vocabulary,
    intervals_inside,
    intervals_tile,
    boxes_inside,
    series_parallel,
    annotations_have_owner,
    ids_unique,
    links_lead_somewhere,
)


def _with_unknown_words(table: pa.Table, column: str) -> pa.Table:
    """The rows whose words are not all of their layer's vocabulary."""
    bad = np.zeros(table.num_rows, np.bool_)
    for name in table["layer"].unique().to_pylist():
        words = layer(name).words if name in layers() else None
        if words is None:
            continue
        rows = np.flatnonzero(pc.equal(table["layer"], name).to_numpy())
        values = table[column].combine_chunks().take(pa.array(rows))
        owners = np.arange(len(rows))
        if pa.types.is_list(values.type):
            owners, values = pc.list_parent_indices(values).to_numpy(), values.flatten()
        known = pc.is_in(values, value_set=pa.array([*words, None], pa.string())).to_numpy(zero_copy_only=False)
        bad[rows[owners[~known]]] = True
    return table.filter(pa.array(bad))


def _numbers(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """A column of integers; -1 for null."""
    return np.asarray(pc.fill_null(column.cast(pa.int64()), -1).to_numpy())


def _steps_of(table: pa.Table, headers: pa.Table) -> npt.NDArray[np.int64]:
    """`num_steps` of the trajectory of each row; 2^31 where it is not stated."""
    place = pc.index_in(table["trajectory_id"], value_set=headers["trajectory_id"].combine_chunks())
    steps = headers["num_steps"].combine_chunks().take(place.combine_chunks())
    return np.asarray(pc.fill_null(steps.cast(pa.int64()), 2**31).to_numpy())


def _intervals_to_look_at(table: pa.Table, headers: pa.Table) -> pa.Array:
    """Which rows have an interval that is not `0 <= start < end <= num_steps`."""
    start, end = _numbers(table["start"]), _numbers(table["end"])
    none = table["start"].is_null().to_numpy() & table["end"].is_null().to_numpy()
    return pa.array(~none & ~((start >= 0) & (start < end) & (end <= _steps_of(table, headers))))


def _tiles(table: pa.Table, headers: pa.Table) -> bool:
    """Whether what machines said tiles everywhere, as the layers ask; False where people said something, too."""
    if not table.num_rows:
        return True
    if pc.any(pc.equal(table["producer_type"], "human")).as_py():
        return False
    table = table.filter(pc.and_(table["start"].is_valid(), table["end"].is_valid()))
    columns = [table[name].combine_chunks() for name in ("trajectory_id", "layer", "stream", "producer")]
    groups = [column.dictionary_encode(null_encoding="encode").indices.to_numpy() for column in columns]
    start, end, steps = _numbers(table["start"]), _numbers(table["end"]), _steps_of(table, headers)
    order = np.lexsort((end, start, *groups))
    start, end, steps, groups = start[order], end[order], steps[order], [group[order] for group in groups]
    names = columns[1].take(pa.array(order)).to_pylist()
    rules = {name: layer(name).tiling for name in set(names)}
    gaps, overlap = (np.array([getattr(rules[name], what) for name in names], np.bool_) for what in ("gaps", "overlap"))
    same = np.logical_and.reduce([group[1:] == group[:-1] for group in groups])
    first, last = np.append(True, ~same), np.append(~same, True)
    reached = np.where(first, 0, np.append(0, end[:-1]))
    wrong = (~overlap & (start < reached)) | (~gaps & ((start > reached) | (last & (end < steps) & (steps < 2**31))))
    return not bool((wrong | (overlap & ~gaps)).any())


def _uneven(table: pa.Table, names: Sequence[str]) -> pa.Array:
    """Which rows have lists of different lengths."""
    sizes = np.stack([_numbers(pc.list_value_length(table[name])) for name in names])
    known = sizes >= 0
    largest = np.where(known, sizes, 0).max(axis=0)
    return pa.array((known & (sizes != largest)).any(axis=0))


def _kinds(tables: Tables) -> list[tuple[str, pa.Table]]:
    return [(kind, tables[kind]) for kind in KINDS if kind in tables]


def _place(row: Mapping[str, object]) -> str:
    return f"{row['trajectory_id'] or row.get('task_id')}, layer {row['layer']}, {row['annotation_id']}"


def _tilings(rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows of one layer of one trajectory, by who tiled: each machine, and people with the machines they confirmed."""
    human = [row for row in rows if row["producer_type"] == "human"]
    of: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["producer_type"] != "human":
            of.setdefault(row["producer"], []).append(row)
    if not human:
        return list(of.values())
    confirmed = {name for name, own in of.items() if any(row["status"] != "proposed" for row in own)}
    together = [row for name, own in of.items() if name in confirmed or (not confirmed and len(of) == 1) for row in own]
    apart = [own for name, own in of.items() if name not in confirmed and (confirmed or len(of) > 1)]
    return [[*human, *together], *apart]


def _tiling_faults(trajectory_id: str, name: str, spans: list[tuple[int, int, str]], steps: int | None) -> Iterator[Violation]:
    tiling = layer(name).tiling
    assert tiling is not None
    reached = 0
    for start, end, annotation_id in spans:
        if start < reached and not tiling.overlap:
            message = f"{trajectory_id}: layer {name} overlaps itself at step {start} (the one before ends at {reached})"
            yield Violation("interval_overlap", message, trajectory_id, annotation_id)
        if start > reached and not tiling.gaps:
            message = f"{trajectory_id}: layer {name} leaves steps {reached} to {start} without an interval"
            yield Violation("interval_gap", message, trajectory_id, annotation_id)
        reached = max(reached, end)
    if steps is not None and reached < steps and not tiling.gaps:
        message = f"{trajectory_id}: layer {name} ends at step {reached} of {steps}"
        yield Violation("interval_gap", message, trajectory_id, spans[-1][2])


def _cycles(what: str, edges: Mapping[str, Sequence[str]]) -> Iterator[Violation]:
    """One violation per node on a cycle that is met first, by depth-first search without recursion."""
    done: set[str] = set()
    for origin in edges:
        path: list[str] = []
        on_path: set[str] = set()
        stack = [(origin, False)]
        while stack:
            node, leaving = stack.pop()
            if leaving:
                path.pop()
                on_path.discard(node)
                done.add(node)
            elif node in on_path:
                yield Violation(
                    "link_cycle", f"{what}: {' -> '.join([*path[path.index(node) :], node])} leads back to itself", None, node
                )
            elif node not in done:
                path.append(node)
                on_path.add(node)
                stack.append((node, True))
                stack.extend((target, False) for target in edges.get(node, ()))
