"""From the arrays of one episode to a trajectory, by a field map. The same for every format whose episodes are arrays by key.

A row is a step: row t holds what was seen before action t and that action, as the recorders of these formats write it. A
source without times has none here either: `timestamp` is null, and `fps` what the source or the recipe says.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.formats.arrays.cameras import calibrate, camera_keys, poses_per_step, store_camera
from pipelines.formats.arrays.fields import UNITS, Fields, parts_of
from pipelines.formats.arrays.places import Arrays, looked_up
from pipelines.formats.arrays.rotations import quaternions
from pipelines.formats.arrays.wrist import order_doubt
from pipelines.formats.task_ids import task_id
from pipelines.io.media import MediaWriter
from pipelines.sources import Rejected, Trajectory

Array = npt.NDArray[Any]

MAX_ARRAY_BYTES = 2 << 30
"""An array that is held in memory as a whole; pictures are read one by one."""
REGULAR = 1e-3
"""Intervals that differ by less than this share of the median are one rate."""


@dataclass
class _Found:
    """What the reading of one episode learns beside its rows."""

    used: set[str] = field(default_factory=set)
    absent: list[str] = field(default_factory=list)
    completeness: dict[str, Any] = field(default_factory=dict)


def episode_trajectory(
    arrays: Arrays,
    fields: Fields,
    media: MediaWriter,
    extras: Mapping[str, Any] | None = None,
    said: Mapping[str, Any] | None = None,
) -> Trajectory:
    """The trajectory of an episode. `said`: header columns that the recipe or an index states, which win; `extras` are added.

    Raises Rejected: `array_missing` where the episode has neither state nor action of the map, `length_mismatch` for arrays of
    different lengths, `rotation_unfit`, `timestamp_back`, and as `store_pictures`.
    """
    found = _Found()
    rows = _rows(arrays, fields)
    columns: dict[str, Any] = {"step": pa.array(np.arange(rows), pa.int32())}
    state, state_names = _joined(arrays, fields.state, fields.state_names, found)
    action, action_names = _joined(arrays, fields.action, fields.action_names, found)
    if state is None and action is None:
        raise Rejected(
            "array_missing",
            f"{arrays.native_id}: there is neither a state nor an action: none of {', '.join((*fields.state, *fields.action))} "
            f"is there; it holds {', '.join(arrays.names()) or 'no array'}: name them under `fields` in the recipe",
        )
    columns |= {"state": _vectors(state), "action": _vectors(action)}
    columns["action_kind"] = pa.repeat("control", rows) if action is not None else None
    columns |= _motion(arrays, fields, found)
    times = _times(arrays, fields, found)
    columns["timestamp"] = None if times is None else pa.array(times)
    columns |= _flags(arrays, fields, rows, found)
    for name, column in fields.columns.items():
        values = _values(arrays, column.key, found)
        columns[name] = None if values is None else _native(values, column.type)
    attributes = arrays.attributes()
    fps = _fps(times, _declared_fps(arrays, fields, attributes), found)
    streams, images, columns["camera_poses"] = _cameras(arrays, fields, times, fps, rows, media, found)
    found.completeness |= _order_doubt(columns, fields, streams)
    columns["frames"] = [[step] * len(streams) for step in range(rows)] if streams else None
    _note_the_rest(arrays, fields, found)
    header = _header(fields, attributes, fps, found) | {
        "state_names": state_names,
        "action_names": action_names,
        "streams": streams,
        "extras": {**_small(attributes, found), **(extras or {})},
        "completeness": found.completeness,
    }
    header |= {key: value for key, value in (said or {}).items() if value is not None}
    if header.get("instruction"):
        header["task_id"] = task_id(header["instruction"])
    tables: dict[str, Any] = {
        "robot_steps": columns,
        "images": images,
        "tasks": [{"task_id": header["task_id"], "domain": "robot", "instruction": header["instruction"]}]
        if header.get("instruction")
        else [],
    }
    return Trajectory(arrays.native_id, header, tables)


def _rows(arrays: Arrays, fields: Fields) -> int:
    """How many steps: the length that all mapped arrays share."""
    lengths: dict[str, int] = {}
    for place in (*fields.action, *fields.state, *_single_places(fields), *(c.key for c in fields.columns.values())):
        key = parts_of(place)[0]
        if not place.startswith("@") and key in arrays.names():
            lengths[key] = (*arrays.shape(key), 1)[0] if arrays.shape(key) else 1
    lengths |= {one.key: arrays.shape(one.key)[0] for one in camera_keys(arrays, fields.cameras)}
    if len(set(lengths.values())) > 1:
        told = ", ".join(f"{key} {length}" for key, length in sorted(lengths.items()))
        raise Rejected(
            "length_mismatch", f"{arrays.native_id}: its arrays have different numbers of steps: {told}", {"rows": lengths}
        )
    return next(iter(lengths.values()), 0)


def _single_places(fields: Fields) -> Iterator[str]:
    places = (fields.eef_position, fields.eef_rotation, fields.reward, fields.terminal, fields.timestamp)
    yield from (place for place in places if place)
    if fields.gripper:
        yield fields.gripper.key


def _values(arrays: Arrays, place: str, found: _Found) -> Array | None:
    """The numbers of a place, [T, …]; None (noted) where its array is not there or has too few dimensions."""
    key, part = parts_of(place)
    if key not in arrays.names():
        found.absent.append(place)
        return None
    found.used.add(key)
    size = int(np.prod(arrays.shape(key), dtype=np.float64)) if arrays.shape(key) else 1
    if size * 8 > MAX_ARRAY_BYTES:
        raise Rejected("array_too_large", f"{arrays.native_id}: {key} holds {size:,} values: it is no column of numbers")
    values = arrays.array(key)
    if part is None:
        return values
    flat = values.reshape(len(values), -1)
    if part.stop > flat.shape[1]:
        raise Rejected("array_missing", f"{arrays.native_id}: {place}: {key} has {flat.shape[1]} dimensions")
    return flat[:, part]


def _joined(
    arrays: Arrays, places: Sequence[str], names: Sequence[str] | None, found: _Found
) -> tuple[Array | None, list[str] | None]:
    """Places side by side as float [T, D], and a name per dimension: those of the map, else the places spelled out."""
    parts: list[Array] = []
    spelled: list[str] = []
    for place in places:
        values = _values(arrays, place, found)
        if values is not None:
            flat = values.reshape(len(values), -1)
            key, part = parts_of(place)
            first = part.start if part else 0
            spelled += [f"{key}[{first + i}]" if flat.shape[1] > 1 or part else key for i in range(flat.shape[1])]
            parts.append(flat.astype(np.float64))
    if not parts:
        return None, None
    joined = np.concatenate(parts, axis=1)
    if names is not None and len(names) != joined.shape[1]:
        found.completeness["names_unfit"] = {"names": len(names), "dimensions": joined.shape[1], "of": list(places)}
        names = None
    return joined, list(names) if names else spelled


def _motion(arrays: Arrays, fields: Fields, found: _Found) -> dict[str, Any]:
    """`eef_pose` and `gripper`."""
    columns: dict[str, Any] = {}
    if fields.eef_position and fields.eef_rotation:
        position = _values(arrays, fields.eef_position, found)
        rotation = _values(arrays, fields.eef_rotation, found)
        if position is not None and rotation is not None:
            if position[0].size != 3:
                raise Rejected(
                    "array_missing", f"{arrays.native_id}: {fields.eef_position} has {position[0].size} dimensions, not 3"
                )
            try:
                turned = quaternions(rotation, fields.rotation)
            except ValueError as error:
                message = f"{arrays.native_id}: {fields.eef_rotation}: {error}: say its form with `rotation` under `fields`"
                raise Rejected("rotation_unfit", message) from error
            columns["eef_pose"] = _vectors(np.concatenate([position.reshape(-1, 3).astype(np.float64), turned], axis=1))
    if fields.gripper:
        values = _values(arrays, fields.gripper.key, found)
        if values is not None:
            shut, wide = fields.gripper.closed, fields.gripper.open
            opening = (values.reshape(len(values), -1)[:, 0].astype(np.float64) - shut) / (wide - shut)
            columns["gripper"] = pa.array(opening, pa.float32())
            beyond = int(((opening < -0.05) | (opening > 1.05)).sum())
            if beyond:
                limits = [round(float(opening.min()), 4), round(float(opening.max()), 4)]
                found.completeness["gripper_beyond"] = {"steps": beyond, "from_to": limits}
    return columns


def _flags(arrays: Arrays, fields: Fields, rows: int, found: _Found) -> dict[str, Any]:
    steps = np.arange(rows)
    columns: dict[str, Any] = {"is_first": pa.array(steps == 0), "is_last": pa.array(steps == rows - 1)}
    if fields.reward and (reward := _values(arrays, fields.reward, found)) is not None:
        columns["reward"] = pa.array(reward.reshape(rows).astype(np.float32))
    if fields.terminal and (terminal := _values(arrays, fields.terminal, found)) is not None:
        columns["is_terminal"] = pa.array(terminal.reshape(rows) != 0)
    return columns


def _times(arrays: Arrays, fields: Fields, found: _Found) -> Array | None:
    """Seconds from the first step, float64 [T]; None where the source has no clock."""
    values = _values(arrays, fields.timestamp, found) if fields.timestamp else None
    if values is None:
        return None
    flat = values.reshape(len(values))
    times = np.asarray((flat - flat[0]) * UNITS[fields.timestamp_unit], np.float64)
    back = np.flatnonzero(np.diff(times) < 0)
    if len(back):
        step = int(back[0]) + 1
        message = f"{arrays.native_id}: {fields.timestamp} goes back at step {step}, from {times[step - 1]:.6g} to {times[step]:.6g} s"
        raise Rejected("timestamp_back", message, {"step": step})
    return times


def _declared_fps(arrays: Arrays, fields: Fields, attributes: Mapping[str, Any]) -> float | None:
    if isinstance(fields.fps, float | int):
        return float(fields.fps)
    for place in fields.fps or ():
        value = looked_up(attributes, place)
        if isinstance(value, int | float | np.number) and np.isfinite(value) and value > 0:
            return float(value)
    return None


def _fps(times: Array | None, declared: float | None, found: _Found) -> float | None:
    """Steps per second: of the times where there are any (null where they are irregular), else what is declared."""
    if times is None or len(times) < 2:
        if declared is None:
            found.completeness["fps"] = "neither times nor a rate are recorded: say `fps` under `options` if it is known"
        return declared
    intervals = np.diff(times)
    median = float(np.median(intervals))
    off = np.flatnonzero(np.abs(intervals - median) > REGULAR * median)
    if median > 0 and not len(off):
        rate = 1 / median
        return declared if declared is not None and abs(declared - rate) <= REGULAR * rate else rate
    found.completeness["irregular_intervals"] = {
        "count": len(off), "first_step": int(off[0]) + 1 if len(off) else None,
        "median": round(median, 6), "largest": round(float(intervals.max()), 6),
    }  # fmt: skip
    return None


def _cameras(
    arrays: Arrays, fields: Fields, times: Array | None, fps: float | None, rows: int, media: MediaWriter, found: _Found
) -> tuple[list[dict[str, Any]], list[dict[str, Any]], Any]:
    """Streams, rows of `images`, and `camera_poses`. Depth that cannot be held is left out, and that is said."""
    streams: list[dict[str, Any]] = []
    images: list[dict[str, Any]] = []
    moving: list[Array | None] = []
    for one in camera_keys(arrays, fields.cameras):
        found.used.add(one.key)
        try:
            stored = store_camera(arrays, one, times, fps, rows, media)
        except Rejected as rejected:
            if rejected.code != "depth_unfit":
                raise
            found.completeness[f"stream {one.stream}"] = {"left_out": rejected.message}
            continue
        if stored.amiss:
            found.completeness[f"stream {one.stream}"] = stored.amiss
        moving.append(calibrate(arrays, one, stored.stream, rows, found.used))
        streams.append(stored.stream)
        images += stored.rows
    return streams, images, poses_per_step(moving, rows)


def _order_doubt(columns: Mapping[str, Any], fields: Fields, streams: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """See `order_doubt`."""
    if columns.get("eef_pose") is None or columns["camera_poses"] is None:
        return {}
    hand = np.asarray(columns["eef_pose"].to_pylist(), np.float64)[:, 3:]
    poses = {stream["name"]: [row[place] for row in columns["camera_poses"]] for place, stream in enumerate(streams)}
    moving = {name: np.asarray(own, np.float64) for name, own in poses.items() if own[0] is not None}
    return order_doubt(hand, fields.rotation, moving)


def _header(fields: Fields, attributes: Mapping[str, Any], fps: float | None, found: _Found) -> dict[str, Any]:
    texts = [looked_up(attributes, place) for place in fields.instruction]
    instruction = next((text.strip() for text in texts if isinstance(text, str) and text.strip()), None)
    outcomes = [looked_up(attributes, place) for place in fields.success]
    success = next((bool(value) for value in outcomes if isinstance(value, bool | np.bool_ | int | np.integer)), None)
    embodiment = fields.embodiment
    if embodiment and embodiment.startswith("@"):
        value = looked_up(attributes, embodiment)
        embodiment = ", ".join(map(str, value)) if isinstance(value, list) else None if value is None else str(value)
    return {
        "domain": "robot",
        "instruction": instruction,
        "embodiment": embodiment,
        "success": success,
        "success_by": None if success is None else "source",
        "fps": fps,
        "action_space": fields.action_space,
        "reference_frame": fields.reference_frame,
    }


def _note_the_rest(arrays: Arrays, fields: Fields, found: _Found) -> None:
    """Name what of the map is not there, and what is there and has no place in the map."""
    if found.absent:
        found.completeness["arrays_absent"] = sorted(set(found.absent))
    rest = [k for k in arrays.names() if k not in found.used and not any(fnmatch.fnmatchcase(k, p) for p in fields.left_out)]
    if rest:
        found.completeness["arrays_left_out"] = rest


def _small(attributes: Mapping[str, Any], found: _Found) -> dict[str, Any]:
    """Attributes for `extras`; a long text (a model file) or a large array is named and left out."""
    kept: dict[str, Any] = {}
    large = []
    for name, value in attributes.items():
        plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
        if len(str(plain)) > 4096:
            large.append(name)
        else:
            kept[name] = plain
    if large:
        found.completeness["attributes_left_out"] = large
    return {"attributes": kept} if kept else {}


def _vectors(values: Array | None) -> pa.Array | None:
    """[T, D] as lists of float32."""
    if values is None:
        return None
    rows, width = values.shape
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, which the invariants refuse
        flat = np.ascontiguousarray(values, np.float32).reshape(-1)
    starts = np.arange(0, (rows + 1) * width, width) if width else np.zeros(rows + 1)
    return pa.ListArray.from_arrays(pa.array(starts, pa.int32()), pa.array(flat))


def _native(values: Array, spelled: str) -> Any:
    """A further column: numbers as they are, or a vector per step."""
    if spelled.startswith("list<") and not spelled.startswith("list<list<"):
        flat = values.reshape(len(values), -1)
        return [row.tolist() for row in flat]
    if values.dtype.kind in "SO":
        return [value.decode() if isinstance(value, bytes) else value for value in values.reshape(len(values)).tolist()]
    return values.tolist() if spelled.startswith("list<") else values.reshape(len(values)).tolist()
