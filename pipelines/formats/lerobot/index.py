"""The index of a LeRobot v2 dataset: `meta/info.json`, `meta/episodes.jsonl`, `meta/tasks.jsonl`, and nothing else of it.

Everything that is needed to read one episode goes into an `Episode`, which travels as the selector of its ref. It holds
the episode's own line and those parts of info.json that matter for reading, and no totals: an episode that is appended,
or changed, leaves the selectors of all others as they were.

v2.0 and v2.1 differ in their statistics only (one global file, or one line per episode), which are not read.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.io.files import read_file
from pipelines.shard import SourceFile
from pipelines.sources import Rejected
from schemas.json_column import JsonValueError, json_text
from schemas.tables import TABLES
from schemas.types import SCALARS

INFO, EPISODES, TASKS = "meta/info.json", "meta/episodes.jsonl", "meta/tasks.jsonl"
VERSIONS = ("v2.0", "v2.1")
STATE, ACTION, REWARD, DONE, SUCCESS = "observation.state", "action", "next.reward", "next.done", "next.success"
BOOKKEEPING = ("timestamp", "frame_index", "episode_index", "index", "task_index")
MEDIA_TYPES = ("video", "image")

_DTYPES = {**{name: name for name in SCALARS}, "float16": "float32"}
_STEP_COLUMNS = frozenset(column.name for column in TABLES["robot_steps"])
_FIELD = re.compile(r"\{(episode_chunk|episode_index|video_key)(?::(?:0?([1-9]\d?))?d)?\}")
_EPISODE_INDEX = re.compile(rb'"episode_index"\s*:\s*(\d{1,9})\b(?=\s*[,}])')
_RANGE = re.compile(r"(\d*):(\d*)")


class Feature(BaseModel):
    """One entry of `features`: `dtype` as numpy names it (or image, video, string), `shape` of one row, `names` of dimensions."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    dtype: str
    shape: tuple[int, ...] = ()
    names: Any = None
    info: dict[str, Any] | None = None
    video_info: dict[str, Any] | None = None

    @property
    def scalar(self) -> bool:
        """Whether a row holds one value."""
        return self.shape in ((), (1,))

    @property
    def element(self) -> str | None:
        """The spelled type of one element; None where Cairn has none for it."""
        return _DTYPES.get(self.dtype)

    @property
    def numeric(self) -> bool:
        """Whether its elements are numbers."""
        return self.element not in (None, "string", "bool")

    @property
    def spelled(self) -> str | None:
        """The spelled type of a column that holds it, `list<…>` per dimension; None where Cairn has none for it."""
        if self.element is None or self.scalar:
            return self.element
        return "list<" * len(self.shape) + self.element + ">" * len(self.shape)

    def declared(self, key: str) -> Any:
        """What its info block says of a video under `key` (codec, fps, width, height, is_depth_map); None where it does not."""
        said = self.info or self.video_info or {}
        return said.get(f"video.{key}", said.get(key))

    @property
    def dimension_names(self) -> list[str] | None:
        """`names` made flat (a list, a list in a list, or a dict are in use); None unless there is one per dimension."""
        names = list(_flat(self.names))
        return names if names and len(names) == (self.shape[0] if self.shape else 1) else None


class Info(BaseModel):
    """What of info.json is used. `fps` in steps per second; the paths are templates."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    codebase_version: str
    fps: float = Field(gt=0, allow_inf_nan=False)
    robot_type: str | None = None
    chunks_size: int = Field(default=1000, gt=0)
    data_path: str
    video_path: str | None = None
    splits: dict[str, Any] = {}
    features: dict[str, Feature]

    def media(self, dtype: str) -> list[str]:
        """The names of its video (or image) features, sorted."""
        return sorted(name for name, feature in self.features.items() if feature.dtype == dtype)


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")

    episode_index: int = Field(ge=0)
    tasks: tuple[str, ...] = ()
    length: int = Field(ge=0)


class _Task(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    task_index: int
    task: str


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode as the index has it: `length` in steps, `tasks` in words, `task_indices` word for word as in tasks.jsonl.

    `split`: the source's own, from `splits` of info.json, by episode_index. `rest`: what else its line says.
    """

    episode_index: int
    length: int
    tasks: tuple[str, ...]
    task_indices: Mapping[str, int]
    split: str | None
    rest: Mapping[str, Any]
    codebase_version: str
    robot_type: str | None
    fps: float
    features: Mapping[str, Feature]

    @property
    def native_id(self) -> str:
        """As its files are called: `episode_000001`."""
        return native_id(self.episode_index)

    @classmethod
    def from_selector(cls, selector: str) -> Episode:
        """The inverse of `Index.selector`."""
        value = json.loads(selector)
        line, info = value["episode"], value["info"]
        return cls(
            episode_index=line["episode_index"],
            length=line["length"],
            tasks=tuple(line.get("tasks", ())),
            task_indices=value["tasks"],
            split=value["split"],
            rest={k: v for k, v in line.items() if k not in ("episode_index", "length", "tasks")},
            codebase_version=info["codebase_version"],
            robot_type=info["robot_type"],
            fps=info["fps"],
            features={name: Feature.model_validate(feature) for name, feature in info["features"].items()},
        )


@dataclass(frozen=True)
class Index:
    """The whole index: `info`, one line per episode in order of episode_index, and task → task_index.

    `broken`: what is wrong with the lines of episodes that cannot be used, with the episode's name where it can be told.
    """

    info: Info
    lines: tuple[_Line, ...]
    tasks: Mapping[str, int]
    broken: tuple[tuple[str | None, Rejected], ...] = ()

    def files(self, line: _Line) -> list[str]:
        """The names of an episode's files: its parquet, then a video per video feature in order of name."""
        info = self.info
        place = {"episode_chunk": line.episode_index // info.chunks_size, "episode_index": line.episode_index}
        data = _fill(info.data_path, place, "data_path")
        videos = info.media("video")
        if videos and info.video_path is None:
            raise Rejected(
                "meta_damaged", f"{INFO}: it declares {videos[0]} as a video and has no video_path: add the template"
            )
        return [data, *(_fill(info.video_path or "", place | {"video_key": key}, "video_path") for key in videos)]

    def selector(self, line: _Line) -> str:
        """Canonical JSON of what `Episode` holds. Raises Rejected (`meta_damaged`) for a value that is not JSON."""
        parts = {
            "episode": line.model_dump(mode="json"),
            "split": _split(self.info.splits, line.episode_index),
            "tasks": {task: self.tasks[task] for task in line.tasks if task in self.tasks},
        }
        place = f"{EPISODES}: {native_id(line.episode_index)}"
        texts = {"info": self._info_text} | {key: _canonical(value, place) for key, value in parts.items()}
        return "{" + ",".join(f'"{key}":{texts[key]}' for key in sorted(texts)) + "}"

    @cached_property
    def _info_text(self) -> str:
        """Canonical JSON of what every episode needs of info.json: no defaults and no encoder settings, since each ref carries it."""
        info = self.info
        kept: dict[str, Any] = {}
        for name, feature in info.features.items():
            kept[name] = {"dtype": feature.dtype, "shape": list(feature.shape)}
            if name in (STATE, ACTION) and feature.dimension_names:
                kept[name]["names"] = feature.dimension_names
            said = {key: feature.declared(key) for key in ("codec", "fps", "width", "height", "is_depth_map")}
            if any(value is not None for value in said.values()):
                kept[name]["info"] = {key: value for key, value in said.items() if value is not None}
        value = {"codebase_version": info.codebase_version, "features": kept, "fps": info.fps, "robot_type": info.robot_type}
        return _canonical(value, INFO)


def native_id(episode_index: int) -> str:
    """`episode_000001`."""
    return f"episode_{episode_index:06d}"


def task_id(text: str) -> str:
    """A readable id from a task's words alone, so that one task has one id in all sources: `pick-up-the-cup-1a2b3c4d`."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:48].rstrip("-")
    return f"{slug}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".lstrip("-")


def native_columns(info: Info) -> dict[str, str]:
    """Feature columns beyond those of `robot_steps`: column → spelled type. See `column_of` for which and how named."""
    found = {column_of(name, feature): feature.spelled for name, feature in info.features.items()}
    return {column: spelled for column, spelled in found.items() if column is not None and spelled is not None}


def column_of(name: str, feature: Feature) -> str | None:
    """The native column of a feature: its own name, or `source.<name>` where `robot_steps` has that name.

    None for what has a place already (state, action, reward and done of the usual shape, bookkeeping, media) and for a
    dtype that Cairn has no type for.
    """
    if feature.dtype in MEDIA_TYPES or name in BOOKKEEPING or mapped(name, feature) or feature.element is None:
        return None
    return f"source.{name}" if name in _STEP_COLUMNS else name


def mapped(name: str, feature: Feature) -> bool:
    """Whether a feature becomes a column of `robot_steps`: a vector as state or action, a number as reward, done per step."""
    if name in (STATE, ACTION):
        return feature.numeric and len(feature.shape) <= 1
    return feature.scalar and ((name == REWARD and feature.numeric) or (name == DONE and feature.element == "bool"))


def parse_info(data: bytes) -> Info:
    """Info of the bytes of info.json. Raises Rejected: `meta_damaged`, `version_unsupported`."""
    value = _json(data, INFO, "")
    version = value.get("codebase_version") if isinstance(value, dict) else None
    if isinstance(version, str) and version not in VERSIONS:
        raise Rejected(
            "version_unsupported",
            f"{INFO}: codebase_version {version!r} is not supported; this reader takes {' and '.join(VERSIONS)}: convert the dataset first",
            {"codebase_version": version, "supported": list(VERSIONS)},
        )
    return _validated(Info, value, INFO)


def read_index(files: Mapping[str, SourceFile]) -> Index:
    """The index of a source from its listing; a line of an episode that cannot be used costs that episode alone.

    Raises Rejected: `meta_missing`, `meta_damaged`, `version_unsupported`, …
    """
    info = parse_info(read_file(meta_file(files, INFO)))
    seen: dict[int, tuple[int, _Line]] = {}
    broken: list[tuple[str | None, Rejected]] = []
    for number, raw in _raw_lines(read_file(meta_file(files, EPISODES)), EPISODES):
        try:
            line = _line(raw, EPISODES, number, _Line)
        except Rejected as rejected:
            said = _EPISODE_INDEX.search(raw)
            broken.append((native_id(int(said[1])) if said else None, rejected))
            continue
        first, _ = seen.setdefault(line.episode_index, (number, line))
        if first != number:
            message = f"{EPISODES}: episode_index {line.episode_index} stands in lines {first} and {number}, the first was taken: keep one"
            broken.append((native_id(line.episode_index), Rejected("native_id_clash", message, {"lines": [first, number]})))
    tasks = [_line(raw, TASKS, number, _Task) for number, raw in _raw_lines(read_file(meta_file(files, TASKS)), TASKS)]
    lines = tuple(line for _, (_, line) in sorted(seen.items()))
    return Index(info, lines, {task.task: task.task_index for task in tasks}, tuple(broken))


def meta_file(files: Mapping[str, SourceFile], name: str) -> SourceFile:
    """The listed file of the index. Raises Rejected (`meta_missing`)."""
    if name not in files:
        raise Rejected(
            "meta_missing",
            f"{name} is not in the source: `uri` names the folder of a LeRobot dataset, which holds {INFO}, {EPISODES} and {TASKS}",
            {"missing": name},
        )
    return files[name]


def _canonical(value: Any, place: str) -> str:
    try:
        return json_text(value) or "null"
    except JsonValueError as error:
        raise Rejected("meta_damaged", f"{place} holds a value that is no JSON: {error}") from error


_Model = TypeVar("_Model", bound=BaseModel)


def _raw_lines(data: bytes, name: str) -> Iterator[tuple[int, bytes]]:
    """(line number from 1, line) of a JSON Lines file; blank lines are passed over."""
    if not data.strip():
        raise Rejected("meta_damaged", f"{name} is empty ({len(data)} bytes): copy it again from where it came", {"file": name})
    yield from ((number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip())


def _line(raw: bytes, name: str, number: int, model: type[_Model]) -> _Model:
    return _validated(model, _json(raw, name, f" line {number}"), f"{name} line {number}")


def _json(data: bytes, name: str, place: str) -> Any:
    if not data.strip():
        raise Rejected("meta_damaged", f"{name} is empty ({len(data)} bytes): copy it again from where it came", {"file": name})
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        detail = {"file": name, "place": place.strip() or None}
        raise Rejected(
            "meta_damaged", f"{name}{place} is not JSON ({error}): copy the file again, or mend it", detail
        ) from error


def _validated(model: type[_Model], value: Any, place: str) -> _Model:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the value"
        raise Rejected("meta_damaged", f"{place}: {where}: {first['msg']}", {"file": place.split(" ")[0]}) from error


def _fill(template: str, values: Mapping[str, Any], key: str) -> str:
    """A path template with its fields filled in. Only the format's own fields are known, so that no template computes."""

    def field(match: re.Match[str]) -> str:
        value = values.get(match[1], "")
        return f"{value:0{match[2]}d}" if match[2] and isinstance(value, int) else str(value)

    filled = _FIELD.sub(field, template)
    if "{" in filled or "}" in filled or not filled:
        raise Rejected(
            "meta_damaged", f"{INFO}: {key} {template!r} has a field other than episode_chunk, episode_index, video_key"
        )
    return filled


def _split(splits: Mapping[str, Any], episode_index: int) -> str | None:
    """The split whose range `start:stop` over episode_index holds the episode; None where none does."""
    for name, text in splits.items():
        match = _RANGE.fullmatch(text) if isinstance(text, str) else None
        if match and int(match[1] or 0) <= episode_index and (not match[2] or episode_index < int(match[2])):
            return name
    return None


def _flat(names: Any) -> Iterator[str]:
    """Names of dimensions in order: of a list, of lists in a list, of a dict of lists, of a dict name → position."""
    if isinstance(names, str):
        yield names
    elif isinstance(names, Mapping):
        positions = list(names.values())
        if positions and all(isinstance(position, int) for position in positions):
            yield from sorted(names, key=lambda name: names[name])
        else:
            yield from (name for value in positions for name in _flat(value))
    elif isinstance(names, Sequence):
        yield from (name for value in names for name in _flat(value))
