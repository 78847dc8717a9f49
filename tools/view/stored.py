"""One trajectory of a release with all that was said about it, as annotators see trajectories (`TrajectoryView`)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from annotators.trajectory import TrajectoryView
from pipelines.errors import ConfigurationError
from schemas.tables import STEP_TABLES

from .folder import MEDIA, Place, ReleaseFolder

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """One current annotation: its kind, and its row with envelope and payload."""

    kind: str
    row: Row


@dataclass(frozen=True, slots=True)
class Stored:
    """A trajectory of a release.

    `said`: its current annotations, in order of layer and start. `task`: its row of `tasks`, None where there is none.
    `runs`: those that its annotations name. `history`: how many states of annotations, by status. `lacking`: sentences
    about what the release does not hold.
    """

    view: TrajectoryView
    said: tuple[Said, ...]
    task: Row | None
    runs: tuple[Row, ...]
    history: Mapping[str, int]
    lacking: tuple[str, ...]

    @property
    def domain(self) -> str:
        """Its domain."""
        return str(self.view.header["domain"])

    def of_kind(self, *kinds: str) -> list[Said]:
        """Its annotations of some kinds."""
        return [entry for entry in self.said if entry.kind in kinds]


@dataclass
class _Media:
    """Gives media of a trajectory by a key of ours, in place of the sha256 that a workspace has."""

    folder: ReleaseFolder
    places: dict[str, Place] = field(default_factory=dict)

    def read(self, key: str) -> bytes:
        return self.folder.read(self.places[key])

    def open(self, key: str) -> AbstractContextManager[Path]:
        return self.folder.opened(self.places[key])


def stored(folder: ReleaseFolder, trajectory_id: str) -> Stored:
    """One trajectory. Raises ConfigurationError for an unknown id, a domain without a view, or where its steps are not there."""
    header = folder.header(trajectory_id)
    name = STEP_TABLES.get(header["domain"])
    if name is None:
        raise ConfigurationError(f"{trajectory_id} is of the domain {header['domain']!r}; {', '.join(STEP_TABLES)} have views")
    if not folder.files(name):
        raise ConfigurationError(
            f"{folder.root} has no table {name}, so there are no steps to show: it was left out, or not downloaded"
        )
    steps = folder.rows(name, trajectory_id)
    rows = 0 if steps is None else steps.num_rows
    if steps is None or rows != header["num_steps"]:
        raise ConfigurationError(
            f"{trajectory_id} has {rows} rows in {name} and should have {header['num_steps']}: the release is not whole, "
            "`cairn check` says more"
        )
    media = _Media(folder)
    tables: dict[str, pa.Table] = {}
    for table in dict.fromkeys((name, *MEDIA)):
        found = steps if table == name else folder.rows(table, trajectory_id)
        if found is not None:
            tables[table] = _packed(folder, media, table, trajectory_id, found.sort_by("step") if table == name else found)
    said = _said(folder, trajectory_id)
    streams = header["streams"] or ()
    lacking = [
        f"The stream {stream['name']} ({stream['kind']}) has no pictures in this release."
        for stream in streams
        if not any(stream["name"] in tables[t]["stream"].to_pylist() for t in ("videos", "images") if t in tables)
        and header["domain"] != "gui"
    ]
    return Stored(
        TrajectoryView(header, tables, media.read, media.open),
        said,
        task_row(folder, header["task_id"]),
        _runs(folder, {entry.row["run"] for entry in said}),
        _history(folder, trajectory_id),
        tuple(lacking),
    )


def moving_cameras(stored: Stored) -> frozenset[str]:
    """The streams whose extrinsics are a step's, not the stream's."""
    names = [stream["name"] for stream in stored.view.header["streams"] or ()]
    steps = stored.view.steps
    rows = steps["camera_poses"].to_pylist() if "camera_poses" in steps.column_names else []
    return frozenset(name for poses in rows if poses for name, pose in zip(names, poses, strict=True) if pose is not None)


def task_row(folder: ReleaseFolder, task_id: str | None) -> Row | None:
    """The row of `tasks`: of several with one id the one that knows its tests."""
    found = folder.rows("tasks", task_id, "task_id") if task_id is not None else None
    if found is None:
        return None
    rows: list[dict[str, Any]] = found.to_pylist()
    return min(rows, key=lambda row: (not row["tests"], row["collection"] or ""))


def _said(folder: ReleaseFolder, trajectory_id: str) -> tuple[Said, ...]:
    found = []
    for kind, _, at in folder.annotations():
        table = folder.rows(at, trajectory_id)
        found += [] if table is None else [Said(kind, row) for row in table.to_pylist()]

    def order(entry: Said) -> tuple[str, int, str]:
        row = entry.row
        return row["layer"], -1 if row["start"] is None else row["start"], row["annotation_id"]

    return tuple(sorted(found, key=order))


def _runs(folder: ReleaseFolder, wanted: set[str]) -> tuple[Row, ...]:
    columns = ("run", "producer_type", "producer", "producer_version", "parameters")
    rows = {row["run"]: row for row in folder.all_rows("runs", columns) if row["run"] in wanted}
    return tuple(sorted(rows.values(), key=lambda row: (row["producer"] or "", row["run"])))


def _history(folder: ReleaseFolder, trajectory_id: str) -> Counter[str]:
    found = folder.rows("annotation_history", trajectory_id, columns=["status"])
    return Counter[str]() if found is None else Counter(str(status) for status in found["status"].to_pylist())


def _packed(folder: ReleaseFolder, media: _Media, table: str, trajectory_id: str, rows: pa.Table) -> pa.Table:
    """The rows with keys in the column of their media."""
    if table not in MEDIA:
        return rows
    column, names = MEDIA[table]
    places = folder.media(table, trajectory_id)
    values = list(zip(*(rows[name].to_pylist() for name in names), strict=True))
    keys = [f"{table}/{'/'.join(map(str, value))}" if value in places else None for value in values]
    media.places.update({key: places[value] for key, value in zip(keys, values, strict=True) if key is not None})
    return rows.append_column(column, pa.array(keys, pa.string()))
