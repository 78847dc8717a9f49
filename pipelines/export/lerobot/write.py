"""A LeRobot dataset from a release: data, videos, and what lies in meta/ as the version has it.

Episodes stand in order of split and trajectory_id, and count from 0 without a gap. What LeRobot has no column for but can
carry stands in the index under `cairn`: the trajectory's id, licence, outcome, calibration and extras, as one JSON text
per episode. `pipelines.sources.lerobot` reads it back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.export import Wishes
from pipelines.export.lerobot.dialect import Dialect, Plain
from pipelines.export.lerobot.language import has_language, persistent_rows
from pipelines.export.lerobot.layout import Layout, chosen, even, layout_of, usable_rows
from pipelines.export.lerobot.meta import Entry, Meta
from pipelines.export.lerobot.rows import episode_table, features_of, schema_of, timestamps
from pipelines.export.lerobot.statistics import Running, Totals, image_pictures, key_pictures, picture_stats
from pipelines.export.lerobot.videos import Part, Place, VideoWriter
from pipelines.export.released import Released
from pipelines.export.report import FILE, CannotHold, Report
from pipelines.formats.lerobot.features import EVENTS, PERSISTENT
from pipelines.formats.lerobot.language import LAYER_OF_STYLE
from pipelines.statistics.columns import matrix_of
from pipelines.statistics.numbers import NumberStatistics

_CARRIED = (
    "trajectory_id", "source_name", "source_uri", "source_revision", "native_id", "license", "input_sha256", "agent", "agent_type",
    "success", "score", "success_by", "action_space", "reference_frame", "attempt", "scene", "group", "extras",
)  # fmt: skip
_STREAM = ("intrinsics", "extrinsics", "depth_unit")
_BARE = ("is_depth_map", "depth_unit")
"""What lerobot writes into an info block without `video.` before it."""


@dataclass
class LeRobotExport:
    """Writes one version. Sizes are bytes; chunks hold `chunks_size` files."""

    version: str
    chunks_size: int = 1000
    data_bytes: int = 100 << 20
    video_bytes: int = 200 << 20

    def write(self, released: Released, wishes: Wishes, folder: Path) -> Report:
        """See `Exporter`."""
        held = frozenset(LAYER_OF_STYLE.values()) if self.version == "v3.0" else frozenset()
        return self.write_as(Plain(held), released, wishes, folder, Report(f"lerobot-{self.version}"))

    def write_as(self, dialect: Dialect, released: Released, wishes: Wishes, folder: Path, report: Report) -> Report:
        """Write a format that is built on this layout. Raises as `Exporter.write`."""
        headers = chosen(released, wishes.source, report)
        layout = layout_of(released, headers, report, dialect.names)
        said = layout.events or has_language(released, headers)
        language = said and self.version == "v3.0"
        lost = layout.events or (said and not dialect.held)
        report.lose("language columns", int(lost and not language), "v2.1 has none")
        features = features_of(layout, language, dialect.texts)
        schema = schema_of(features, "List" if self.version == "v3.0" else "Sequence")
        run = _Run(self, dialect, released, wishes, folder, report, layout, schema)
        for header in headers:
            run.add(header)
        _say_what_is_lost(released, {h["trajectory_id"] for h in headers}, dialect.held, report)
        run.finish(features, language)
        (folder / FILE).write_bytes(report.to_json())
        return report


@dataclass
class _Run:
    """One export under way: what is open, and what was written so far."""

    how: LeRobotExport
    dialect: Dialect
    released: Released
    wishes: Wishes
    folder: Path
    report: Report
    layout: Layout
    schema: pa.Schema
    entries: list[Entry] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    tasks: dict[str, int] = field(default_factory=dict)
    index: int = 0
    _videos: dict[str, VideoWriter] = field(default_factory=dict)
    _data: pq.ParquetWriter | None = None
    _data_number: int = -1
    _data_size: int = 0
    _depth: dict[str, Any] = field(default_factory=dict)

    @property
    def joined(self) -> bool:
        return self.how.version == "v3.0"

    def add(self, header: Mapping[str, Any]) -> None:
        """Write one trajectory, or say why it cannot be."""
        steps = self.released.rows("robot_steps", header["trajectory_id"])
        if steps is None:
            return
        rows = usable_rows(steps)
        try:
            self._refuse(header, steps.slice(0, rows))
            videos = self._check_videos(header, steps.slice(0, rows))
            self._write(header, steps.slice(0, rows), videos)
        except CannotHold as cannot:
            self.report.left_out.append((header["trajectory_id"], cannot.code, str(cannot)))
            return
        self.report.lose("last observing steps", steps.num_rows - rows, "a row of LeRobot has an action")

    def finish(self, features: dict[str, Any], language: bool) -> None:
        """Close all files and write meta/."""
        for writer in self._videos.values():
            writer.close()
        if self._data is not None:
            self._data.close()
        for stream, name in self.layout.videos.items():
            said = dict(self._videos[stream].info) if stream in self._videos else {}
            said |= {key if key in _BARE else f"video.{key}": value for key, value in self._depth.get(stream, {}).items()}
            said |= {"video.is_depth_map": True} if said.get("is_depth_map") else {}
            shape = [said.get("video.height"), said.get("video.width"), said.get("video.channels", 3)]
            features[name] = {"dtype": "video", "shape": shape, "names": ["height", "width", "channels"], "info": said}
        for camera in self.layout.streams:
            self._calibrate(features, camera)
        meta = Meta(self.how.version, self.folder, self.layout, features, self.how.chunks_size, self.entries, self.tasks)
        meta.write(
            self.totals.result(self.report),
            language,
            self.how.data_bytes,
            self.how.video_bytes,
            self.released.card,
            self.report,
        )

    def _refuse(self, header: Mapping[str, Any], steps: pa.Table) -> None:
        for name in ("state", "action"):
            nulls = steps[name].null_count
            if nulls and any(column.column == name for column in self.layout.columns):
                raise CannotHold("value_missing", f"{name} is null in {nulls} of {steps.num_rows} steps; LeRobot has no null")

    def _check_videos(
        self, header: Mapping[str, Any], steps: pa.Table
    ) -> dict[str, tuple[list[Part], list[int | None], list[float]]]:
        """Per video stream its parts, the frame of each step, and the time of each frame. Raises CannotHold (`frame_missing`)."""
        found = {}
        bound = steps["frames"].to_pylist()
        for number, stream in enumerate(header["streams"] or []):
            frames = [None if row is None else row[number] for row in bound]
            if stream["name"] in self.layout.videos or (stream["name"] in self.layout.images and None in frames):
                missing = [step for step, frame in enumerate(frames) if frame is None]
                if missing:
                    raise CannotHold(
                        "frame_missing",
                        f"{stream['name']} has no frame for {len(missing)} of {len(frames)} steps (the first is {missing[0]}), and "
                        "every row of LeRobot has one: mend the recording, or leave the camera out in the source",
                    )
            if stream["name"] in self.layout.videos:
                found[stream["name"]] = (*self._parts(header["trajectory_id"], stream["name"]), frames)
        return {name: (parts, frames, stamps) for name, (parts, stamps, frames) in found.items()}

    def _parts(self, trajectory_id: str, stream: str) -> tuple[list[Part], list[float]]:
        columns = ("stream", "part", "start_time", "video", "frame_timestamps")
        table = self.released.rows("videos", trajectory_id, columns)
        rows = [] if table is None else [row for row in table.to_pylist() if row["stream"] == stream]
        rows.sort(key=lambda row: row["part"])
        if not rows:
            raise CannotHold("video_missing", f"the release holds no video of {stream}")
        return [Part(r["video"]["bytes"], r["start_time"]) for r in rows], [t for r in rows for t in r["frame_timestamps"]]

    def _write(self, header: Mapping[str, Any], steps: pa.Table, videos: Mapping[str, Any]) -> None:
        episode = len(self.entries)
        places: dict[str, Place] = {}
        stats: dict[str, Running] = {}
        for stream, (parts, frames, stamps) in videos.items():
            place = self._writer(stream, header).add(episode, parts, frames, stamps)
            places[self.layout.videos[stream]] = place
            self.report.videos_copied += place.why is None
            if place.why is not None:
                self.report.videos_reencoded.append((header["trajectory_id"], stream, place.why))
            if self.wishes.picture_statistics:
                stats[self.layout.videos[stream]] = picture_stats(key_pictures(parts[0].data))
        pictures = self._pictures(header, steps, stats)
        tasks, task_indices = self._tasks(header, steps.num_rows)
        times = timestamps(steps, self.layout.fps)
        said = []
        if PERSISTENT in self.schema.names:
            said = persistent_rows(self.released, header, times, self.wishes.proposals, self.report)
        words = self.dialect.words(header, steps)
        table = episode_table(self.layout, self.schema, steps, episode, self.index, task_indices, pictures, said, words)
        chunk, file = self._append(table, episode)
        for name in self._counted():
            matrix = matrix_of(table[name].combine_chunks())
            if matrix is not None:
                stats[name] = NumberStatistics.of(matrix)
        known = {name: found for name, of in stats.items() if (found := self.totals.add(name, of)) is not None}
        carried = {key: header[key] for key in _CARRIED if header[key] is not None}
        streams = {self._named(s["name"]): {k: s[k] for k in _STREAM if s[k] is not None} for s in header["streams"] or []}
        if steps["timestamp"].null_count:
            carried["times_recorded"] = False
            self.report.lose(
                "trajectories without recorded times", 1, "LeRobot has a time for every row; it is frame_index / fps"
            )
        elif not self.layout.times and not even(steps["timestamp"].to_pylist(), self.layout.fps):
            self.report.lose("trajectories of uneven times", 1, "others of the dataset have no times, and a column has no null")
        carried |= {"streams": {name: said for name, said in streams.items() if said}, "split": header["split"]}
        entry = Entry(
            episode, tasks, steps.num_rows, self.index, chunk, file, places, known, header["split"], carried, header["license"]
        )
        self.entries.append(entry)
        self.index += steps.num_rows
        self.report.trajectories += 1
        self.report.steps += steps.num_rows

    def _writer(self, stream: str, header: Mapping[str, Any]) -> VideoWriter:
        if stream not in self._videos:
            depth = ((header["extras"] or {}).get("depth") or {}).get(stream)
            if depth is not None:
                self._depth[stream] = {"is_depth_map": True, **depth}
            self._videos[stream] = VideoWriter(
                self.folder,
                self.layout.videos[stream],
                "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
                if self.joined
                else "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4",
                self.layout.fps,
                self.joined,
                self.how.video_bytes,
                self.how.chunks_size,
                lossless=depth is not None,
            )
        return self._videos[stream]

    def _pictures(
        self, header: Mapping[str, Any], steps: pa.Table, stats: dict[str, Running]
    ) -> dict[str, list[dict[str, Any]]]:
        """Picture per row of each camera that is no video; their statistics go to `stats`."""
        found: dict[str, list[dict[str, Any]]] = {}
        table = (
            self.released.rows("images", header["trajectory_id"], ("stream", "frame", "image")) if self.layout.images else None
        )
        cells = [] if table is None else table.to_pylist()
        names = [stream["name"] for stream in header["streams"] or []]
        for stream, name in self.layout.images.items():
            of = {row["frame"]: row["image"] for row in cells if row["stream"] == stream}
            rows = [of[row[names.index(stream)]] for row in steps["frames"].to_pylist()]
            found[name] = [{"bytes": row["bytes"], "path": row["path"]} for row in rows]
            if self.wishes.picture_statistics:
                stats[name] = picture_stats(image_pictures([row["bytes"] for row in rows]))
        return found

    def _tasks(self, header: Mapping[str, Any], rows: int) -> tuple[list[str], list[int]]:
        """The episode's tasks in words, and the task of each row: those of a LeRobot source where it had several."""
        extras = header["extras"] or {}
        several, runs = extras.get("tasks"), extras.get("task_index")
        if not several:
            word = header["instruction"] or ""
            return [word], [self.tasks.setdefault(word, len(self.tasks))] * rows
        words = {said["task_index"]: said["task"] for said in several}
        for said in several:
            self.tasks.setdefault(said["task"], len(self.tasks))
        runs = runs if isinstance(runs, list) else [{"start": 0, "task_index": runs}]
        found: list[int] = []
        for run, after in zip(runs, [*runs[1:], {"start": rows}], strict=True):
            word = words.get(run["task_index"], several[0]["task"])
            found += [self.tasks[word]] * (min(after["start"], rows) - len(found))
        return [said["task"] for said in several], found

    def _append(self, table: pa.Table, episode: int) -> tuple[int, int]:
        """Write an episode's rows as one row group; the chunk and file they are in."""
        if self._data is None or not self.joined or self._data_size + table.nbytes > self.how.data_bytes:
            if self._data is not None:
                self._data.close()
            self._data_number, self._data_size = self._data_number + 1, 0
            number = self._data_number
            chunk, place = divmod(number, self.how.chunks_size)
            name = (
                f"chunk-{chunk:03d}/file-{place:03d}.parquet"
                if self.joined
                else f"chunk-{chunk:03d}/episode_{episode:06d}.parquet"
            )
            path = self.folder / "data" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            self._data = pq.ParquetWriter(
                path, self.schema, compression="snappy", use_dictionary=True, write_page_checksum=True
            )
        self._data.write_table(table, row_group_size=table.num_rows)
        self._data_size += table.nbytes
        return divmod(self._data_number, self.how.chunks_size)

    def _counted(self) -> list[str]:
        """Columns that have statistics: numbers, but neither language nor pictures nor words."""
        words = {*self.dialect.texts, *(c.name for c in self.layout.columns if not c.numeric)}
        skipped = {PERSISTENT, EVENTS, *self.layout.images.values(), *words}
        return [name for name in self.schema.names if name not in skipped]

    def _calibrate(self, features: dict[str, Any], stream: Mapping[str, Any]) -> None:
        """Calibration goes to the feature where it is the same in all episodes; the index has it per episode anyway."""
        name = self._named(stream["name"])
        said = [entry.carried["streams"].get(name, {}) for entry in self.entries]
        info = features[name].setdefault("info", {})
        for key in ("intrinsics", "extrinsics"):
            values = {tuple(of.get(key) or ()) for of in said}
            if len(values) == 1 and (value := next(iter(values))):
                info[key] = list(value)
        if stream["kind"] == "depth":
            unit = {1.0: "m", 0.001: "mm"}.get(stream["depth_unit"] or 0.0)
            info |= {"is_depth_map": True, "video.is_depth_map": True} | ({"depth_unit": unit} if unit else {})

    def _named(self, stream: str) -> str:
        return self.layout.videos.get(stream) or self.layout.images[stream]


def _say_what_is_lost(released: Released, ids: set[str], held: frozenset[str], report: Report) -> None:
    """Layers and tables of the chosen trajectories that the format has no place for."""
    for folder in released.layers:
        count = sum(rows for owner, rows in released.counts(folder).items() if owner in ids)
        layer = folder.split("/")[1]
        if layer not in held:
            report.lose(f"layer {layer}", count, f"{report.format} has no column for it; the release has it")
    count = sum(rows for owner, rows in released.counts("annotation_history").items() if owner in ids)
    report.lose("annotation_history", count, f"{report.format} has no place for it; the release has it")
