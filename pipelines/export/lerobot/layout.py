"""Which columns of a release become which features of a LeRobot dataset, decided once over all trajectories.

LeRobot has one set of features for a whole dataset: every row has every feature, of one shape, without nulls. What does
not fit that is not held, and the report says how much of it there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.errors import ConfigurationError
from pipelines.export.released import Released
from pipelines.export.report import Report
from pipelines.formats.lerobot.features import EVENTS
from pipelines.formats.lerobot.fields import EEF_POSE, GRIPPER
from schemas.tables import TABLES

NAMES: Mapping[str, str] = {
    "state": "observation.state",
    "action": "action",
    "reward": "next.reward",
    "is_terminal": "next.done",
    "gripper": GRIPPER,
    "eef_pose": EEF_POSE,
}
"""Column of `robot_steps` → feature. Native columns keep their names (without the `source.` that told them apart)."""
DERIVED = ("trajectory_id", "step", "timestamp", "is_first", "is_last", "frames", "camera_poses", "action_kind")
NOT_HELD = ("action_name", "action_args", "source_action")
BOOKKEEPING = ("timestamp", "frame_index", "episode_index", "index", "task_index")
_STEP_COLUMNS = frozenset(column.name for column in TABLES["robot_steps"])
_POSE_NAMES = ["x", "y", "z", "qx", "qy", "qz", "qw"]


@dataclass
class Column:
    """A feature made of a column: `dtype` as numpy names it, `shape` of one row."""

    name: str
    column: str
    dtype: str
    shape: tuple[int, ...]
    names: list[str] | None = None

    @property
    def declared(self) -> dict[str, Any]:
        """Its entry of `features`."""
        return {"dtype": self.dtype, "shape": list(self.shape), "names": self.names}

    @property
    def numeric(self) -> bool:
        """Whether it has statistics."""
        return self.dtype != "string"


@dataclass
class Layout:
    """The dataset's shape: `fps`, `robot_type`, columns, cameras (stream → feature name), and which extras it has."""

    fps: float
    robot_type: str | None
    columns: list[Column]
    videos: dict[str, str]
    images: dict[str, str]
    streams: list[dict[str, Any]]
    moving: list[str] = field(default_factory=list)
    times: bool = False
    events: bool = False


@dataclass
class _Seen:
    """What was seen of one column over all trajectories."""

    type: pa.DataType
    shapes: set[tuple[int, ...]] = field(default_factory=set)
    rows: int = 0
    nulls: int = 0


def chosen(released: Released, source: str | None, report: Report) -> list[dict[str, Any]]:
    """The robots' trajectories (of one source, if wished) in order of split and id; what else there is goes to the report."""
    robots = [h for h in released.headers if h["domain"] == "robot" and source in (None, h["source_name"])]
    others = sum(h["domain"] != "robot" for h in released.headers)
    report.lose("trajectories of other domains", others, "LeRobot holds episodes of robots")
    if not robots:
        names = sorted({h["source_name"] for h in released.headers if h["domain"] == "robot"})
        raise ConfigurationError(
            f"there is no robot trajectory{f' of source {source!r}' if source else ''} in {released.folder}; sources of robots: "
            f"{', '.join(names) or 'none'}"
        )
    return robots


def layout_of(
    released: Released, headers: list[dict[str, Any]], report: Report, feature_names: Mapping[str, str] = NAMES
) -> Layout:
    """The layout of trajectories that are of one kind, columns called by `feature_names`.

    Raises ConfigurationError where they are of several kinds, naming them.
    """
    kinds: dict[tuple[Any, ...], list[str]] = {}
    for header in headers:
        kinds.setdefault(_kind(header), []).append(header["trajectory_id"])
    if len(kinds) > 1:
        said = "; ".join(f"{ids[0]} and {len(ids) - 1} more: {_kind_said(kind)}" for kind, ids in kinds.items())
        raise ConfigurationError(
            f"a LeRobot dataset has one rate, one robot and one set of cameras, and these are {len(kinds)} kinds: {said}. "
            "Export them apart: --source NAME"
        )
    streams = headers[0]["streams"] or []
    seen, moving, irregular = _look(released, headers)
    columns = _columns(seen, headers, report, feature_names)
    names = {stream["name"]: _camera_name(stream["name"]) for stream in streams}
    if len(set(names.values())) < len(names):
        raise ConfigurationError(f"two cameras would have one name in LeRobot: {names}")
    events = seen.pop(EVENTS, None)
    return Layout(
        fps=_fps(headers[0]),
        robot_type=headers[0]["embodiment"],
        columns=columns,
        videos={s["name"]: names[s["name"]] for s in streams if s["kind"] == "video"},
        images={s["name"]: names[s["name"]] for s in streams if s["kind"] != "video"},
        streams=streams,
        moving=[stream["name"] for number, stream in enumerate(streams) if number in moving],
        times=irregular,
        events=events is not None and events.nulls < events.rows,
    )


def even(times: Iterable[float | None], fps: float, tolerance: float = 1e-4) -> bool:
    """Whether recorded times are step / fps, as LeRobot's must be."""
    found = list(times)
    return all(time is not None and abs(time - step / fps) <= tolerance for step, time in enumerate(found))


def usable_rows(steps: pa.Table) -> int:
    """Rows up to the last that has an action: a last row that only observes has no place in LeRobot."""
    action = steps["action"]
    if action.null_count in (0, len(action)):
        return int(steps.num_rows)
    valid = np.flatnonzero(np.asarray(action.is_valid()))
    return int(valid[-1]) + 1


def _look(released: Released, headers: list[dict[str, Any]]) -> tuple[dict[str, _Seen], set[int], bool]:
    """What the steps of all trajectories hold: per column, which streams move, and whether any times are uneven."""
    seen: dict[str, _Seen] = {}
    moving: set[int] = set()
    irregular = unknown = False
    for header in headers:
        steps = released.rows("robot_steps", header["trajectory_id"])
        if steps is None:
            continue
        steps = steps.slice(0, usable_rows(steps))
        irregular |= not even(steps["timestamp"].to_pylist(), _fps(header))
        unknown |= steps["timestamp"].null_count > 0
        for name in steps.column_names:
            column = steps[name].combine_chunks()
            of = seen.setdefault(name, _Seen(column.type))
            of.rows += len(column)
            of.nulls += column.null_count
            of.shapes |= _shapes(column)
        for poses in steps["camera_poses"].drop_null().to_pylist():
            moving |= {number for number, pose in enumerate(poses) if pose is not None}
    return seen, moving, irregular and not unknown


def _columns(
    seen: Mapping[str, _Seen], headers: list[dict[str, Any]], report: Report, feature_names: Mapping[str, str]
) -> list[Column]:
    found: list[Column] = []
    for name, of in sorted(seen.items()):
        if name in DERIVED or name == EVENTS or of.nulls == of.rows:
            continue
        if name in NOT_HELD:
            report.lose(f"robot_steps.{name}", of.rows - of.nulls, "LeRobot has no place for it")
            continue
        feature = feature_names.get(name, name.removeprefix("source.") if name not in _STEP_COLUMNS else name).replace("/", ".")
        dtype = _dtype(of.type)
        why = (
            f"null in {of.nulls} of {of.rows} steps; LeRobot has no null"
            if of.nulls
            else f"of {len(of.shapes)} shapes; LeRobot has one"
            if len(of.shapes) != 1
            else f"{of.type} is no type of LeRobot"
            if dtype is None
            else "a column of LeRobot has that name"
            if feature in (*BOOKKEEPING, *(c.name for c in found))
            else None
        )
        if why is not None or dtype is None:
            report.lose(f"robot_steps.{name}", of.rows - of.nulls, str(why))
            continue
        (shape,) = of.shapes
        found.append(Column(feature, name, dtype, shape or (1,), _dimension_names(name, shape, headers)))
    return found


def _dimension_names(name: str, shape: tuple[int, ...], headers: list[dict[str, Any]]) -> list[str] | None:
    if name == "eef_pose":
        return _POSE_NAMES
    names = headers[0].get(f"{name}_names") if name in ("state", "action") else None
    return list(names) if names and shape == (len(names),) else None


def _shapes(column: pa.Array) -> set[tuple[int, ...]]:
    """The shapes of the rows that are not null: () for a number, (n,) for a vector; (-1,) where rows are ragged inside."""
    column = column.drop_null()
    if not pa.types.is_list(column.type):
        return {()} if len(column) else set()
    lengths = {int(length) for length in pc.unique(pc.list_value_length(column)).to_pylist()}
    inner = _shapes(column.flatten())
    ragged = column.flatten().null_count > 0 or len(inner) > 1
    rest = (-1,) if ragged else next(iter(inner), ())
    return {(length, *rest) for length in lengths} if not ragged else {(-1,), (-2,)}


def _dtype(type_: pa.DataType) -> str | None:
    while pa.types.is_list(type_):
        type_ = type_.value_type
    if isinstance(type_, pa.BaseExtensionType):
        return None
    return {"float": "float32", "double": "float64"}.get(str(type_), str(type_))


def _fps(header: Mapping[str, Any]) -> float:
    """Steps per second: as stated, else as the source's index said, else the first camera's."""
    rates = [header["fps"], (header["extras"] or {}).get("fps"), *(s["fps"] for s in header["streams"] or [])]
    found = next((float(rate) for rate in rates if rate), None)
    if found is None:
        raise ConfigurationError(f"{header['trajectory_id']} has no rate: neither its steps nor its cameras say one")
    return round(found, 6)


def _kind(header: Mapping[str, Any]) -> tuple[Any, ...]:
    cameras = tuple((s["name"], s["kind"], s["width"], s["height"]) for s in header["streams"] or [])
    names = tuple(tuple(header[key] or ()) for key in ("state_names", "action_names"))
    return _fps(header), header["embodiment"], cameras, names


def _kind_said(kind: tuple[Any, ...]) -> str:
    fps, robot, cameras, names = kind
    said = ", ".join(f"{name} {width}x{height}" for name, _, width, height in cameras) or "no camera"
    return f"{fps:g} steps/s, {robot}, {said}, {len(names[0])} names of state"


def _camera_name(stream: str) -> str:
    return stream if stream.startswith("observation.") else f"observation.images.{stream.replace('/', '.')}"
