"""LeRobot's language columns: what people and models said about an episode, as rows of text.

`language_persistent` holds the same list in every row: statements that hold from their timestamp until the next of their
style. `language_events` holds a list only in the row at whose time something was said. The exact Arrow types are those of
lerobot (`src/lerobot/datasets/language.py`, v0.6): a writer that leaves them to inference gives another type per file
(`list<null>` where nothing happened), and readers then fail on the second file.

Statements of the style `subtask` become annotations of the layer of that name; what has no layer stays as it was said, in
`extras.language_persistent` and the column `language_events`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from annotators.annotation import Annotation
from pipelines.sources import Rejected

LAYER_OF_STYLE: Mapping[str, str] = {"subtask": "subtask"}
"""Style of `language_persistent` → the layer that holds its statements, as text over the steps for which they hold."""
STYLES = ("subtask", "plan", "memory", "motion", "task_aug")
"""Styles of `language_persistent`; `interjection`, `vqa`, `trace` and none are events."""
WITH_CAMERA = ("vqa", "trace")
"""Styles whose rows name a camera; rows of all others name none."""

_EVENT = [
    pa.field("role", pa.string(), nullable=False),
    pa.field("content", pa.string()),
    pa.field("style", pa.string()),
    pa.field("camera", pa.string()),
    pa.field("tool_calls", pa.list_(pa.json_())),
]
EVENTS_TYPE = pa.list_(pa.struct(_EVENT))
PERSISTENT_TYPE = pa.list_(pa.struct([*_EVENT[:3], pa.field("timestamp", pa.float32(), nullable=False), *_EVENT[3:]]))


def said_rows(column: pa.Array | pa.ChunkedArray) -> list[list[dict[str, Any]]]:
    """Rows of a language column as plain values, whatever type its writer's inference gave; tool calls as objects."""
    return [[_plain(one) for one in said or ()] for said in column.to_pylist()]


def check_cameras(rows: Iterable[Mapping[str, Any]], cameras: Iterable[str], name: str) -> None:
    """Refuse a row whose style needs a camera and names none, or the reverse. Raises Rejected (`language_camera`)."""
    known = set(cameras)
    for row in rows:
        style, camera = row.get("style"), row.get("camera")
        if style in WITH_CAMERA and camera not in known:
            message = f"{name}: a statement of style {style} names the camera {camera!r}; it should name one of {sorted(known)}"
            raise Rejected("language_camera", message, {"style": style})
        if style not in WITH_CAMERA and camera is not None:
            message = f"{name}: a statement of style {style} names the camera {camera!r}; only {' and '.join(WITH_CAMERA)} do"
            raise Rejected("language_camera", message, {"style": style})


def annotations_of(rows: Sequence[Mapping[str, Any]], times: npt.NDArray[np.float64]) -> list[Annotation]:
    """Statements that a layer holds, over the steps `[start, end)` for which they hold; `times` as recorded, seconds."""
    found = []
    for style, layer in LAYER_OF_STYLE.items():
        of_style = sorted((row for row in rows if row.get("style") == style), key=lambda row: float(row["timestamp"]))
        starts = [int(np.argmin(np.abs(times - float(row["timestamp"])))) for row in of_style]
        ends = [*starts[1:], len(times)][: len(starts)]
        for row, start, end in zip(of_style, starts, ends, strict=True):
            if end > start and row.get("content"):
                attributes = {key: row[key] for key in ("role", "tool_calls") if row.get(key) is not None}
                payload = {"text": row["content"], "attributes": attributes}
                found.append(Annotation(layer, payload, start=start, end=end))
    return found


def events_array(rows: Sequence[Sequence[Mapping[str, Any]] | None]) -> pa.Array:
    """`language_events` of exactly LeRobot's type, also where nothing was said."""
    return _typed([rows_of or [] for rows_of in rows], EVENTS_TYPE)


def persistent_array(rows: Sequence[Mapping[str, Any]], steps: int) -> pa.Array:
    """`language_persistent` of exactly LeRobot's type: one list, repeated for every step."""
    return pa.concat_arrays([_typed([rows], PERSISTENT_TYPE)] * steps) if steps else _typed([], PERSISTENT_TYPE)


def _typed(rows: Sequence[Sequence[Mapping[str, Any]]], type_: pa.ListType) -> pa.Array:
    """Built as text and cast: JSON inside a list cannot be made from Python values."""
    fields = [type_.value_type.field(i) for i in range(type_.value_type.num_fields)]
    text = [pa.field(f.name, pa.list_(pa.string()) if f.name == "tool_calls" else f.type, f.nullable) for f in fields]
    values = [[{f.name: _text(row.get(f.name), f.name) for f in fields} for row in said] for said in rows]
    return pa.array(values, pa.list_(pa.struct(text))).cast(type_)


def _text(value: Any, name: str) -> Any:
    return [json.dumps(call, sort_keys=True) for call in value] if name == "tool_calls" and value is not None else value


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    calls = row.get("tool_calls")
    kept = {key: value for key, value in row.items() if value is not None and key != "tool_calls"}
    if calls is not None:
        kept["tool_calls"] = [json.loads(call) if isinstance(call, (str, bytes)) else call for call in calls]
    return kept
