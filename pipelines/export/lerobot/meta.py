"""What lies in meta/ of a LeRobot dataset, as v3.0 and v2.1 have it, and the card beside it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.export.lerobot.layout import Layout
from pipelines.export.lerobot.statistics import ALL, MOMENTS, as_lists
from pipelines.export.lerobot.videos import Place
from pipelines.export.report import FILE, Report
from pipelines.statistics.numbers import Stats

EPISODES_PER_FILE = 5000
_SAY = {
    "type": "function",
    "function": {
        "name": "say",
        "description": "Says a sentence to the person who is there.",
        "parameters": {"type": "object", "properties": {"text": {"type": "string"}}, "required": ["text"]},
    },
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One episode as the index has it: `first` is its first row in the dataset, `places` its clip per video feature."""

    episode: int
    tasks: list[str]
    length: int
    first: int
    chunk: int
    file: int
    places: Mapping[str, Place]
    stats: Mapping[str, Stats]
    split: str
    carried: Mapping[str, Any]
    license: str | None


@dataclass(frozen=True, slots=True)
class Meta:
    """Everything that meta/ says of the episodes that were written."""

    version: str
    folder: Path
    layout: Layout
    features: dict[str, Any]
    chunks_size: int
    entries: Sequence[Entry]
    tasks: Mapping[str, int]

    def write(
        self, stats: Mapping[str, Stats], language: bool, data_bytes: int, video_bytes: int, card: str, report: Report
    ) -> None:
        """Write all of it."""
        (self.folder / "meta").mkdir(parents=True, exist_ok=True)
        info = self._info(language, data_bytes, video_bytes)
        self._json("info.json", info)
        if self.version == "v3.0":
            self._json("stats.json", {name: as_lists(of, ALL) for name, of in stats.items()})
            self._tasks_table()
            self._episode_tables()
        else:
            self._lines("tasks.jsonl", [{"task_index": index, "task": task} for task, index in self.tasks.items()])
            episodes = [
                {"episode_index": e.episode, "tasks": e.tasks, "length": e.length, "cairn": dict(e.carried)}
                for e in self.entries
            ]
            self._lines("episodes.jsonl", episodes)
            per_episode = [
                {"episode_index": e.episode, "stats": {name: as_lists(of, MOMENTS) for name, of in e.stats.items()}}
                for e in self.entries
            ]
            self._lines("episodes_stats.jsonl", per_episode)
        (self.folder / "README.md").write_text(_card(self.entries, card, report), encoding="utf-8")

    def _info(self, language: bool, data_bytes: int, video_bytes: int) -> dict[str, Any]:
        fps = self.layout.fps
        videos = len(self.layout.videos)
        steps = sum(entry.length for entry in self.entries)
        new = self.version == "v3.0"
        found: dict[str, Any] = {
            "codebase_version": self.version,
            "robot_type": self.layout.robot_type,
            "total_episodes": len(self.entries),
            "total_frames": steps,
            "total_tasks": len(self.tasks),
            "chunks_size": self.chunks_size,
            "fps": int(fps) if float(fps).is_integer() else fps,
            "splits": self._splits(),
            "data_path": "data/chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"
            if new
            else "data/chunk-{episode_chunk:03d}/episode_{episode_index:06d}.parquet",
            "video_path": None
            if not videos
            else "videos/{video_key}/chunk-{chunk_index:03d}/file-{file_index:03d}.mp4"
            if new
            else "videos/chunk-{episode_chunk:03d}/{video_key}/episode_{episode_index:06d}.mp4",
            "features": self.features,
        }
        if new:
            found |= {"data_files_size_in_mb": data_bytes >> 20, "video_files_size_in_mb": video_bytes >> 20}
        else:
            chunks = -(-len(self.entries) // self.chunks_size)
            found |= {"total_videos": videos * len(self.entries), "total_chunks": chunks}
        return found | ({"tools": [_SAY]} if language else {})

    def _splits(self) -> dict[str, str]:
        found: dict[str, list[int]] = {}
        for entry in self.entries:
            found.setdefault(entry.split, []).append(entry.episode)
        return {split: f"{episodes[0]}:{episodes[-1] + 1}" for split, episodes in found.items()}

    def _tasks_table(self) -> None:
        """A pandas frame whose index is the task's words: what lerobot reads back with `pandas.read_parquet`."""
        pandas = {
            "index_columns": ["task"],
            "column_indexes": [],
            "columns": [
                {
                    "name": "task_index",
                    "field_name": "task_index",
                    "pandas_type": "int64",
                    "numpy_type": "int64",
                    "metadata": None,
                },
                {"name": "task", "field_name": "task", "pandas_type": "unicode", "numpy_type": "object", "metadata": None},
            ],
            "creator": {"library": "pyarrow", "version": pa.__version__},
            "pandas_version": "2.0.0",
        }
        schema = pa.schema(
            [("task_index", pa.int64()), ("task", pa.string())], metadata={b"pandas": json.dumps(pandas).encode()}
        )
        table = pa.Table.from_arrays(
            [pa.array(self.tasks.values(), pa.int64()), pa.array(self.tasks, pa.string())], schema=schema
        )
        pq.write_table(table, self.folder / "meta/tasks.parquet", compression="snappy")

    def _episode_tables(self) -> None:
        for number in range(0, len(self.entries), EPISODES_PER_FILE):
            chunk, file = divmod(number // EPISODES_PER_FILE, self.chunks_size)
            rows = [self._row(entry, chunk, file) for entry in self.entries[number : number + EPISODES_PER_FILE]]
            path = self.folder / f"meta/episodes/chunk-{chunk:03d}/file-{file:03d}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            names = list(dict.fromkeys(name for row in rows for name in row))
            columns = {name: pa.array([row.get(name) for row in rows], _type_of(name)) for name in names}
            pq.write_table(pa.table(columns), path, compression="snappy")

    def _row(self, entry: Entry, chunk: int, file: int) -> dict[str, Any]:
        row: dict[str, Any] = {
            "episode_index": entry.episode,
            "tasks": entry.tasks,
            "length": entry.length,
            "data/chunk_index": entry.chunk,
            "data/file_index": entry.file,
            "dataset_from_index": entry.first,
            "dataset_to_index": entry.first + entry.length,
        }
        for name, place in entry.places.items():
            parts = {
                "chunk_index": place.chunk,
                "file_index": place.file,
                "from_timestamp": place.start,
                "to_timestamp": place.end,
            }
            row |= {f"videos/{name}/{key}": value for key, value in parts.items()}
        for name, of in entry.stats.items():
            row |= {f"stats/{name}/{key}": value for key, value in as_lists(of, ALL).items()}
        said = orjson.dumps(dict(entry.carried), option=orjson.OPT_SORT_KEYS).decode()
        return row | {"meta/episodes/chunk_index": chunk, "meta/episodes/file_index": file, "cairn": said}

    def _json(self, name: str, value: Any) -> None:
        (self.folder / "meta" / name).write_text(json.dumps(value, indent=4, ensure_ascii=False) + "\n", encoding="utf-8")

    def _lines(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
        (self.folder / "meta" / name).write_text(text, encoding="utf-8")


def _type_of(name: str) -> pa.DataType | None:
    """The type of a column of the table of episodes; None: as its values are (statistics of cameras are nested)."""
    if name == "tasks":
        return pa.list_(pa.string())
    if name.endswith(("_timestamp",)):
        return pa.float64()
    if name == "cairn":
        return pa.string()
    return None if name.startswith("stats/") else pa.int64()


def _card(entries: Sequence[Entry], card: str, report: Report) -> str:
    """A card that names the licences of the sources, invents none, and keeps the release's own card below."""
    licences = sorted({entry.license for entry in entries if entry.license})
    head = ["---", f"license: {licences[0]}" if len(licences) == 1 else "license: other", "task_categories: [robotics]"]
    head += ["tags: [LeRobot, cairn]", "configs:", "- config_name: default", "  data_files: data/*/*.parquet", "---", ""]
    lost = [f"- {what}: {count} ({why})" for what, (count, why) in sorted(report.not_held.items())]
    body = [
        f"{report.trajectories} episodes, {report.steps} steps, in the format {report.format}, exported by Cairn from a release of its own.",
        f"Licences of the sources: {', '.join(licences) or 'none stated'}. What was left out or encoded again stands in `{FILE}`.",
        "",
        *(["What the release has and this format cannot hold:", "", *lost, ""] if lost else []),
    ]
    own = card.split("---", 2)[-1].strip() if card.startswith("---") else card.strip()
    return "\n".join([*head, *body, *(["## The release's card", "", own, ""] if own else [])])
