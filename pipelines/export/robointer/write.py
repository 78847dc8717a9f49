"""RoboInter's form of a release: LeRobot v2.1, and in its rows `annotation.*` and `Q_annotation.*` as texts, frame by frame.

The names are those of `pipelines.formats.robointer.names`; `pipelines.sources.robointer` reads it back. `Q_annotation.*` is
the `quality` of the rows, whoever gave it: primary, secondary, or none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from pipelines.export import Wishes
from pipelines.export.lerobot.layout import NAMES, chosen
from pipelines.export.lerobot.write import LeRobotExport
from pipelines.export.released import Released
from pipelines.export.report import Report
from pipelines.export.robointer.fields import field_values
from pipelines.export.robointer.pixels import Origin
from pipelines.export.robointer.view import AsRoboInter, as_robointer
from pipelines.formats.robointer.names import (
    ACTION,
    CAMERA_VIEW,
    COLUMNS,
    EPISODE_NAME,
    FIELDS,
    PIXELS,
    PRIMARY,
    RATINGS,
    STATE,
    Field,
)
from schemas.layers import layer

_CONFIRMED = ("accepted", "corrected")
_MASKS = "segmentation"
"""A layer of masks, which lie in npz files beside RoboInter's dataset; its column is a path to them."""
_RATED = {ours: theirs for theirs, ours in RATINGS.items()}


@dataclass(frozen=True, slots=True)
class RoboInterExport:
    """Writes `robointer-v2.1`."""

    def write(self, released: Released, wishes: Wishes, folder: Path) -> Report:
        """See `Exporter`."""
        report = Report("robointer-v2.1")
        headers = chosen(released, wishes.source, Report(report.format))  # what is not chosen is reported when it is written
        view = as_robointer(released, headers, report)
        return LeRobotExport("v2.1").write_as(RoboInter(view, wishes, report), view, wishes, folder, report)


@dataclass(frozen=True)
class RoboInter:
    """RoboInter as a dialect of LeRobot v2.1."""

    view: AsRoboInter
    wishes: Wishes
    report: Report

    @property
    def names(self) -> Mapping[str, str]:
        """Column of `robot_steps` → feature."""
        return {**NAMES, "state": STATE, "action": ACTION}

    @property
    def texts(self) -> Sequence[str]:
        """The columns of annotations, and the episode's name."""
        return (EPISODE_NAME, CAMERA_VIEW, *COLUMNS)

    @property
    def held(self) -> frozenset[str]:
        """Layers that have a column."""
        return frozenset(field.layer for field in FIELDS if field.layer not in (None, _MASKS))

    def words(self, header: Mapping[str, Any], steps: pa.Table) -> Mapping[str, Sequence[str]]:
        """The texts of one episode, a text per step."""
        frames, extras = steps.num_rows, header["extras"] or {}
        rows = {field.name: self._rows(field, header["trajectory_id"], frames) for field in FIELDS}
        origin = self._origin(header, steps, rows)
        values = field_values(rows, frames, origin, self.report)
        values[_MASKS] = [extras.get(_MASKS)] * frames
        if origin is not None:
            why = "RoboInter has whole pixels: they were rounded"
            self.report.lose("places between whole pixels", origin.rounded, why)
        found = {
            EPISODE_NAME: [extras.get(EPISODE_NAME) or header["native_id"]] * frames,
            CAMERA_VIEW: [extras.get(CAMERA_VIEW) or (origin.stream if origin is not None else "")] * frames,
        }
        for field in FIELDS:
            texts = [text_of(field, value) for value in values[field.name]]
            found[field.column] = texts
            if field.rating is not None:
                rating = self._rating(field, rows[field.name])
                found[field.rating] = [rating if text else "" for text in texts]
        return found

    def _rows(self, field: Field, trajectory_id: str, frames: int) -> list[dict[str, Any]]:
        """The rows of a field's layer that are exported: confirmed ones first, then in order of step."""
        if field.layer is None:
            return []
        folder = f"{layer(field.layer).kind}/{field.layer}"
        columns = ("trajectory_id", "quality") if field.layer == _MASKS else None  # of masks nothing else is used
        table = self.view.rows(folder, trajectory_id, columns)
        every = [] if table is None else table.to_pylist()
        if field.layer == _MASKS:
            self.report.lose("masks", len(every), "RoboInter keeps them in npz files beside the dataset; the release has them")
            return every
        wanted = [row for row in every if self.wishes.proposals or row["status"] in _CONFIRMED]
        why = "nobody confirmed them; --proposals takes them, rated Secondary"
        self.report.lose(f"proposals of {field.layer}", len(every) - len(wanted), why)
        inside = [row for row in wanted if row["start"] is None or row["start"] < frames]
        self.report.lose(f"rows of {field.layer} behind the last action", len(wanted) - len(inside), "a row has an action")
        why = "RoboInter has no place for who said it, who confirmed it and how sure they were"
        self.report.lose(f"provenance of {field.layer}", len(inside), why)
        for row in inside:
            if row.get("attributes") is not None:
                row["attributes"] = orjson.loads(row["attributes"])
        return sorted(inside, key=lambda row: (row["status"] not in _CONFIRMED, row["start"] or 0, row["annotation_id"]))

    def _rating(self, field: Field, rows: Sequence[Mapping[str, Any]]) -> str:
        """One word for an episode: the lowest of its rows' ratings."""
        found = {row["quality"] for row in rows}
        self.report.lose(f"ratings of {field.layer}", int(len(found) > 1), "RoboInter rates an episode: the lowest counts")
        lowest = next((quality for quality in (None, "secondary", "primary") if quality in found), None)
        return _RATED.get(lowest or "", "")

    def _origin(self, header: Mapping[str, Any], steps: pa.Table, rows: Mapping[str, Sequence[Any]]) -> Origin | None:
        """The camera that is annotated; None where nothing is said of pixels and the source said no size."""
        streams = header["streams"] or []
        place = next((i for i, stream in enumerate(streams) if stream["name"] == PRIMARY), None)
        said = (header["extras"] or {}).get("origin_shape")
        if place is None or not (said or any(rows[name] for name in PIXELS)):
            lost = sum(len(rows[name]) for name in PIXELS)
            self.report.lose("annotations in pixels", lost, f"there is no {PRIMARY}, which RoboInter's are about")
            return None
        frames = [None if row is None else row[place] for row in steps["frames"].to_pylist()]
        size = said or [streams[place]["width"], streams[place]["height"]]
        return Origin(self.view.primary or PRIMARY, frames, (int(size[0]), int(size[1])))


def text_of(field: Field, value: Any) -> str:
    """A value as its column holds it; a text that would be read as JSON is written as JSON."""
    if value is None:
        return ""
    if field.text and value[:1] not in ('"', "[") and value != "null":
        return str(value)
    return json.dumps(value, ensure_ascii=False)
