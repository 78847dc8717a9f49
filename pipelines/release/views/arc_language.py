"""What people wrote about ARC traces, beside the grids that it is about.

Every layer of ARC that holds texts gives rows: `rule` and `intent`, the words of a `sub_goal`, the descriptions that LARC's
people wrote. What only a machine said is not among them; what a person confirmed or mended is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from pipelines.release.views import ViewTables, run_offsets, view_schema
from schemas.arrow import table_from_columns
from schemas.layers import layers

BASE = ("texts", "segments")
LAYERS = tuple(name for name, layer in layers().items() if layer.domain == "arc" and layer.kind in BASE)
NEEDS = {
    "arc_steps": ("trajectory_id", "step", "action_kind", "action_name", "task_id", "test_index", "grid_before", "grid_after")
}

_PEOPLE = ("human", "import")
_CONFIRMED = ("accepted", "corrected")


def derive(given: ViewTables) -> pa.Table:
    """A row per text; its grids are null where none of its steps shows one."""
    if "arc_steps" not in given.tables:  # the texts are about robots or screens
        return view_schema("arc_language").empty_table()
    steps = given.tables["arc_steps"]
    ids, offsets = run_offsets(steps["trajectory_id"])
    bounds = {i: (int(first), int(end)) for i, first, end in zip(ids, offsets[:-1], offsets[1:], strict=True)}
    written = [text for name in LAYERS for row in given.layers[name].to_pylist() for text in _texts(row)]
    written = [text for text in written if text["trajectory_id"] in bounds]
    shows = {name: steps[name].is_valid().to_pylist() for name in ("grid_before", "grid_after")}
    kinds, names = steps["action_kind"].to_pylist(), steps["action_name"].to_pylist()
    places: dict[str, list[int | None]] = {"first": [], "last": [], "any": []}
    operations = []
    for text in written:
        begin, end = bounds[text["trajectory_id"]]
        rows = range(begin, end) if text["start"] is None else range(begin + text["start"], begin + text["end"])
        places["any"].append(rows[0])
        places["first"].append(next((row for row in rows if shows["grid_before"][row]), None))
        places["last"].append(next((row for row in reversed(rows) if shows["grid_after"][row]), None))
        operations.append([names[row] for row in rows if kinds[row] == "grid_op"])
    at = {name: pa.array(rows, pa.int64()) for name, rows in places.items()}
    columns = {
        **{name: [text[name] for text in written] for name in _SAID},
        "task_id": steps["task_id"].take(at["any"]),
        "test_index": steps["test_index"].take(at["first"]),
        "state": steps["grid_before"].take(at["first"]),
        "next_state": steps["grid_after"].take(at["last"]),
        "operations": operations,
    }
    return table_from_columns(view_schema("arc_language"), columns, len(written))


_SAID = ("trajectory_id", "start", "end", "layer", "channel", "text", "producer_type", "annotation_id")


def _texts(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The texts of one annotation that a person wrote or confirmed, with the steps that each is about."""
    if row["producer_type"] not in _PEOPLE and row["status"] not in _CONFIRMED:
        return
    base = {name: row.get(name) for name in _SAID}
    if "texts" not in row:
        if row["text"]:
            yield base | {"channel": None}
        return
    texts, steps = row["texts"] or [], row["steps"] or []
    for place, text in enumerate(texts):
        if text and len(texts) > 1 and place < len(steps):  # a series: each text is about its own step
            yield base | {"text": text, "start": steps[place], "end": steps[place] + 1}
        elif text:
            yield base | {"text": text}
