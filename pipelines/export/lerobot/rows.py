"""The rows of one episode as LeRobot's data files have them, and the schema of those files.

Vectors are fixed-size lists, as lerobot writes them. `timestamp` is frame_index / fps: LeRobot's clock is even by its own
rule (lerobot#3513). Where a recording's times are not, they are kept beside it as `cairn.timestamp`, float64.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa

from pipelines.export.lerobot.layout import BOOKKEEPING, Column, Layout, even
from pipelines.formats.lerobot.features import EVENTS, PERSISTENT
from pipelines.formats.lerobot.fields import POSES, TIMES
from pipelines.formats.lerobot.language import EVENTS_TYPE, PERSISTENT_TYPE, events_array, persistent_array
from schemas.types import MEDIA

_LANGUAGE_ROW = {name: {"dtype": "string", "_type": "Value"} for name in ("role", "content", "style")}
_TAIL = {"camera": {"dtype": "string", "_type": "Value"}, "tool_calls": {"feature": {"_type": "Json"}, "_type": "List"}}
_LANGUAGE_FEATURES = {
    PERSISTENT: _LANGUAGE_ROW | {"timestamp": {"dtype": "float32", "_type": "Value"}} | _TAIL,
    EVENTS: _LANGUAGE_ROW | _TAIL,
}


def features_of(layout: Layout, language: bool, texts: Sequence[str] = ()) -> dict[str, dict[str, Any]]:
    """`features` of info.json but for videos: columns, `texts` (columns of words), pictures, moving cameras, bookkeeping, language."""
    found = {column.name: column.declared for column in layout.columns}
    found |= {name: {"dtype": "string", "shape": [1], "names": None} for name in texts}
    found |= {
        layout.images[s["name"]]: {
            "dtype": "image",
            "shape": [s["height"], s["width"], 1 if s["kind"] == "depth" else 3],
            "names": ["height", "width", "channels"],
        }
        for s in layout.streams
        if s["name"] in layout.images
    }
    found |= {f"{POSES}{_camera(layout, name)}": {"dtype": "float64", "shape": [16], "names": None} for name in layout.moving}
    if layout.times:
        found[TIMES] = {"dtype": "float64", "shape": [1], "names": None}
    for name in BOOKKEEPING:
        found[name] = {"dtype": "float32" if name == "timestamp" else "int64", "shape": [1], "names": None}
    if language:
        found |= {name: {"dtype": "language", "shape": [1], "names": None} for name in (PERSISTENT, EVENTS)}
    return found


def schema_of(features: Mapping[str, Mapping[str, Any]], list_type: str) -> pa.Schema:
    """The Arrow schema of the data files, with their Hugging Face features; `list_type`: `List`, or `Sequence` for readers of old."""
    said: dict[str, Any] = {}
    fields = []
    for name, feature in features.items():
        if feature["dtype"] == "video":
            continue
        if feature["dtype"] == "language":
            fields.append(pa.field(name, PERSISTENT_TYPE if name == PERSISTENT else EVENTS_TYPE))
            said[name] = {"feature": _LANGUAGE_FEATURES[name], "_type": "List"}
        elif feature["dtype"] == "image":
            fields.append(pa.field(name, MEDIA))
            said[name] = {"_type": "Image"}
        else:
            fields.append(pa.field(name, _arrow(feature)))
            said[name] = _feature(feature, list_type)
    return pa.schema(fields, metadata={b"huggingface": json.dumps({"info": {"features": said}}).encode()})


def episode_table(
    layout: Layout,
    schema: pa.Schema,
    steps: pa.Table,
    episode: int,
    first_index: int,
    task_indices: Sequence[int],
    pictures: Mapping[str, Sequence[dict[str, Any] | None]],
    persistent: Sequence[Mapping[str, Any]],
    texts: Mapping[str, Sequence[str]],
) -> pa.Table:
    """One episode's rows in the data files' schema; `pictures` and `texts` by feature, `first_index` the place of its first row."""
    rows = steps.num_rows
    number = np.arange(rows)
    found: dict[str, pa.Array] = {
        "timestamp": pa.array(timestamps(steps, layout.fps), pa.float32()),
        "frame_index": pa.array(number, pa.int64()),
        "episode_index": pa.array(np.full(rows, episode), pa.int64()),
        "index": pa.array(first_index + number, pa.int64()),
        "task_index": pa.array(task_indices, pa.int64()),
    }
    for column in layout.columns:
        found[column.name] = _stored(steps[column.column].combine_chunks(), column, schema.field(column.name).type)
    for name, words in texts.items():
        found[name] = pa.array(words, pa.string())
    for name, cells in pictures.items():
        found[name] = pa.array(cells, MEDIA)
    if layout.times:
        found[TIMES] = steps["timestamp"].combine_chunks()
    for name in layout.moving:
        place = [stream["name"] for stream in layout.streams].index(name)
        field = f"{POSES}{_camera(layout, name)}"
        poses = [None if cameras is None else cameras[place] for cameras in steps["camera_poses"].to_pylist()]
        found[field] = pa.array(poses, schema.field(field).type)
    if PERSISTENT in schema.names:
        found[PERSISTENT] = persistent_array(persistent, rows)
        said = steps[EVENTS].to_pylist() if EVENTS in steps.column_names else [None] * rows
        found[EVENTS] = events_array([None if text is None else orjson.loads(text) for text in said])
    return pa.Table.from_arrays([found[name] for name in schema.names], schema=schema)


def timestamps(steps: pa.Table, fps: float) -> npt.NDArray[np.float32]:
    """The rows' timestamps: as recorded where they are even, which LeRobot's must be, else frame_index / fps."""
    recorded = steps["timestamp"].to_pylist()
    if even(recorded, fps):
        return np.asarray(recorded, np.float64).astype(np.float32)
    return (np.arange(steps.num_rows) / fps).astype(np.float32)


def _stored(column: pa.Array, feature: Column, type_: pa.DataType) -> pa.Array:
    """A column as its feature: a list of one is the number, a vector a list of fixed size."""
    if feature.shape == (1,) and pa.types.is_list(column.type):
        return column.flatten()
    if pa.types.is_fixed_size_list(type_):
        return pa.FixedSizeListArray.from_arrays(column.flatten(), feature.shape[0])
    return column.cast(type_)


def _arrow(feature: Mapping[str, Any]) -> pa.DataType:
    leaf = {"float32": pa.float32(), "float64": pa.float64(), "bool": pa.bool_()}.get(feature["dtype"])
    found = leaf if leaf is not None else pa.type_for_alias(feature["dtype"])
    shape = list(feature["shape"])
    if shape == [1]:
        return found
    if len(shape) == 1:
        return pa.list_(found, shape[0])
    for _ in shape:
        found = pa.list_(found)
    return found


def _feature(feature: Mapping[str, Any], list_type: str) -> dict[str, Any]:
    value = {"dtype": feature["dtype"], "_type": "Value"}
    shape = list(feature["shape"])
    if shape == [1]:
        return value
    if len(shape) == 1:
        return {"feature": value, "length": shape[0], "_type": list_type}
    return {"shape": shape, "dtype": feature["dtype"], "_type": f"Array{len(shape)}D"}


def _camera(layout: Layout, stream: str) -> str:
    return layout.videos.get(stream) or layout.images[stream]
