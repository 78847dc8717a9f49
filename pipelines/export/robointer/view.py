"""A release as RoboInter would have recorded it: its names of cameras, a wrist video in every episode, zeros for what was missing.

RoboInter has no null: its converter writes black frames where there is no wrist camera, and zeros where there are no joints.
The reader knows both for what they are (`pipelines.sources.robointer`).
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any

import av
import numpy as np
import pyarrow as pa

from pipelines.export.released import Released
from pipelines.export.report import Report
from pipelines.formats.robointer.names import PIXELS, PRIMARY, WRIST, ZEROS_FROM
from schemas.layers import layer

_ZEROS = "zero_filled"


@dataclass
class AsRoboInter(Released):
    """`plain`: all headers as the release has them; `chosen`: those that are exported; `primary`: the stream that becomes `PRIMARY`."""

    plain: Sequence[dict[str, Any]] = ()
    chosen: Sequence[Mapping[str, Any]] = ()
    primary: str | None = None
    widths: dict[str, int | None] = field(default_factory=dict)

    @cached_property
    def headers(self) -> list[dict[str, Any]]:
        """As `Released.headers`, cameras called as RoboInter does, the wrist's added where others have one."""
        return [header | {"streams": self._streams(header)} for header in self.plain]

    def rows(self, table: str, trajectory_id: str, columns: Sequence[str] | None = None) -> pa.Table | None:
        """As `Released.rows`, to match `headers`."""
        found = super().rows(table, trajectory_id, columns)
        header = self._plain[trajectory_id]
        if found is None and table != "videos":
            return None
        if table in ("videos", "images") and found is not None and "stream" in found.column_names:
            names = [self._named(name) for name in found["stream"].to_pylist()]
            found = _with(found, "stream", pa.array(names, pa.string()))
        if table == "videos" and self._lacks_wrist(header):
            return self._with_wrist(found, header, columns)
        if table == "robot_steps" and found is not None:
            return self._steps(found, header)
        return found

    @cached_property
    def _plain(self) -> Mapping[str, Mapping[str, Any]]:
        return {header["trajectory_id"]: header for header in self.plain}

    def _named(self, stream: str) -> str:
        return PRIMARY if stream == self.primary else stream

    @cached_property
    def _wrist(self) -> tuple[int, Mapping[str, Any]] | None:
        """Where the wrist camera stands among the streams, and what it is, in the first trajectory that has one."""
        for header in self.chosen:
            for place, stream in enumerate(header["streams"] or ()):
                if stream["name"] == WRIST and stream["kind"] == "video":
                    return place, stream
        return None

    def _lacks_wrist(self, header: Mapping[str, Any]) -> bool:
        streams = header["streams"] or []
        return self._wrist is not None and bool(streams) and all(stream["name"] != WRIST for stream in streams)

    def _streams(self, header: Mapping[str, Any]) -> list[dict[str, Any]]:
        found = [dict(stream) | {"name": self._named(stream["name"])} for stream in header["streams"] or ()]
        if self._wrist is not None and self._lacks_wrist(header):
            place, stream = self._wrist
            found.insert(place, dict(stream) | {"intrinsics": None, "extrinsics": None})
        return found

    def _steps(self, steps: pa.Table, header: Mapping[str, Any]) -> pa.Table:
        if self._wrist is not None and self._lacks_wrist(header) and "frames" in steps.column_names:
            place, _ = self._wrist
            frames = [[*row[:place], step, *row[place:]] for step, row in enumerate(steps["frames"].to_pylist())]
            steps = _with(steps, "frames", pa.array(frames, steps.schema.field("frames").type))
        for name in (header["completeness"] or {}).get(_ZEROS, ()):
            width = self._width(name)
            if width is not None and name in steps.column_names:
                zeros = [[0.0] * width] * steps.num_rows
                steps = _with(steps, name, pa.array(zeros, steps.schema.field(name).type))
        return steps

    def _width(self, name: str) -> int | None:
        """Dimensions of a column that is missing here and not elsewhere; None where no trajectory has it."""
        if name not in self.widths:
            self.widths[name] = None
            for header in self.chosen:
                if name not in (header["completeness"] or {}).get(_ZEROS, ()):
                    found = super().rows("robot_steps", header["trajectory_id"])
                    if found is not None and name in found.column_names and found[name][0].is_valid:
                        width = len(found[name][0].as_py())
                        self.widths[name] = width if width >= ZEROS_FROM else None
                        break
        return self.widths[name]

    def _with_wrist(self, videos: pa.Table | None, header: Mapping[str, Any], columns: Sequence[str] | None) -> pa.Table:
        assert self._wrist is not None
        _, stream = self._wrist
        fps = float(header["fps"] or stream["fps"])
        row = {
            "trajectory_id": header["trajectory_id"],
            "stream": WRIST,
            "part": 0,
            "start_time": 0.0,
            "video": {"bytes": black_video(stream["width"], stream["height"], header["num_steps"], fps), "path": None},
            "frame_timestamps": (np.arange(header["num_steps"]) / fps).tolist(),
        }
        if videos is None:
            return pa.Table.from_pylist([row if columns is None else {name: row.get(name) for name in columns}])
        return pa.concat_tables([videos, pa.Table.from_pylist([row], schema=videos.schema)])


def as_robointer(released: Released, chosen: Sequence[Mapping[str, Any]], report: Report) -> AsRoboInter:
    """The view of a release, and what is done to it said in the report."""
    names = {stream["name"] for header in chosen for stream in header["streams"] or ()}
    primary = None if PRIMARY in names else _most_annotated(released, chosen)
    view = AsRoboInter(released.folder, plain=released.headers, chosen=chosen, primary=primary)
    if primary is not None:
        report.notes.append(f"{primary} is called {PRIMARY}, which RoboInter's annotations are about")
    elif PRIMARY not in names and names:
        report.notes.append(f"no camera is called {PRIMARY}: several are as likely to be it, and none is annotated in pixels")
    black = sum(view._lacks_wrist(header) for header in chosen)
    report.lose("missing wrist cameras", black, "RoboInter has a video for every episode: it is black, which its reader knows")
    zeros = sum(view._width(name) is not None for h in chosen for name in (h["completeness"] or {}).get(_ZEROS, ()))
    report.lose("missing vectors", zeros, "RoboInter has no null: they are zeros in every row, which its reader knows")
    return view


def black_video(width: int, height: int, frames: int, fps: float) -> bytes:
    """An mp4 of black frames at step / fps; one thread, so that the same frames give the same bytes."""
    rate = Fraction(fps).limit_denominator(1001)
    target = io.BytesIO()
    with av.open(target, "w", format="mp4", options={"fflags": "+bitexact"}) as output:
        track = output.add_stream("libx264", rate=rate, options={"preset": "fast", "bf": "0", "threads": "1"})
        assert isinstance(track, av.VideoStream)
        track.width, track.height, track.pix_fmt = width, height, "yuv420p"
        track.time_base = track.codec_context.time_base = 1 / rate
        black = av.VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8), format="rgb24").reformat(format="yuv420p")
        for number in range(frames):
            black.pts, black.time_base = number, 1 / rate
            output.mux(track.encode(black))
        output.mux(track.encode(None))
    return target.getvalue()


def _most_annotated(released: Released, chosen: Sequence[Mapping[str, Any]]) -> str | None:
    """The camera that most annotations in pixels are about; where there are none, the only camera."""
    counts: dict[str, int] = {}
    for name in PIXELS:
        for header in chosen:
            rows = released.rows(f"{layer(name).kind}/{name}", header["trajectory_id"], ("trajectory_id", "stream"))
            for stream in rows["stream"].drop_null().to_pylist() if rows is not None else ():
                counts[stream] = counts.get(stream, 0) + 1
    cameras = sorted({s["name"] for header in chosen for s in header["streams"] or () if s["kind"] != "depth"})
    if counts:
        return min(counts, key=lambda stream: (-counts[stream], stream))
    return cameras[0] if len(cameras) == 1 else None


def _with(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    place = table.column_names.index(name)
    return table.set_column(place, table.schema.field(name), values)
