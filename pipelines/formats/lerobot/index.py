"""The index of a LeRobot v2 dataset: `meta/info.json`, `meta/episodes.jsonl`, `meta/tasks.jsonl`, and nothing else of it.

v2.0 and v2.1 differ in their statistics only (one global file, or one line per episode), which are not read. An episode
is a parquet file and a video per camera, of its own. The index of v3.0 is another one (`index_v3`); both give a `Plan`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from pipelines.formats.lerobot.episode import Clip, episode_text, gap_before, info_text_of, native_id, selector_of, split_of
from pipelines.formats.lerobot.features import INFO, Info, parse_info, parsed_json, validated
from pipelines.formats.lerobot.fields import FieldMap
from pipelines.io.files import read_file
from pipelines.shard import SourceFile
from pipelines.sources import Rejected

EPISODES, TASKS = "meta/episodes.jsonl", "meta/tasks.jsonl"

_FIELD = re.compile(r"\{(episode_chunk|episode_index|video_key|chunk_index|file_index)(?::(?:0?([1-9]\d?))?d)?\}")
_EPISODE_INDEX = re.compile(rb'"episode_index"\s*:\s*(\d{1,9})\b(?=\s*[,}])')
_CAMERA = "observation.images."

_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Lost:
    """An episode (None: it cannot be told which) that cannot be planned: the file it concerns, and why."""

    native_id: str | None
    file: str
    rejected: Rejected


@dataclass(frozen=True, slots=True)
class Planned:
    """What is read at once: the names of its files, its selector, and its episodes with their steps."""

    files: tuple[str, ...]
    selector: str
    episodes: tuple[str, ...]
    steps: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What an index gives for a listing. `named`: the data files that it knows; None where a broken line may name others."""

    info: Info
    planned: tuple[Planned, ...]
    lost: tuple[Lost, ...]
    named: frozenset[str] | None
    index: str = EPISODES


class _Line(BaseModel):
    model_config = ConfigDict(frozen=True, extra="allow")

    episode_index: int = Field(ge=0)
    tasks: tuple[str, ...] = ()
    length: int = Field(ge=0)


class _Task(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    task_index: int
    task: str


def plan_v2(info: Info, files: Mapping[str, SourceFile], fields: FieldMap) -> Plan:
    """A ref per episode in order of episode_index; a line of an episode that cannot be used costs that episode alone.

    Raises Rejected: `meta_missing`, `meta_damaged`.
    """
    lines, lost = _read_lines(files)
    clashes = all(one.rejected.code == "native_id_clash" for one in lost)
    tasks = {
        task.task: task.task_index
        for task in (_line(raw, TASKS, number, _Task) for number, raw in _raw_lines(read_file(meta_file(files, TASKS)), TASKS))
    }
    info_text, finder, cameras = info_text_of(info, fields), Finder(files), info.media("video")
    video_template(info)  # refuses a dataset whose videos have none
    planned: list[Planned] = []
    named: set[str] = set()
    before: int | None = None
    for line in lines:
        wanted = files_of(info, cameras, line.episode_index)
        found = finder.find(list(wanted.values()))
        named.update(found.values())
        missing = [name for name in wanted.values() if name not in found]
        name = native_id(line.episode_index)
        if missing:
            lost.append(Lost(name, missing[0], finder.missing(name, EPISODES, missing, len(wanted))))
        else:
            data, *_ = places = [found[file] for file in wanted.values()]
            clips = {key: Clip(found[file]) for key, file in wanted.items() if key}
            amiss = gap_before(before, line.episode_index) | moved(found)
            said = line.model_dump(mode="json")
            split = split_of(info.splits, line.episode_index)
            text = episode_text(said, tasks, split, data, clips, amiss, f"{EPISODES}: {name}")
            planned.append(Planned(tuple(places), selector_of(info_text, [text]), (name,), line.length))
        before = line.episode_index
    return Plan(info, tuple(planned), tuple(lost), frozenset(named) if clashes else None)


def files_of(info: Info, cameras: Sequence[str], episode_index: int) -> dict[str, str]:
    """Feature → name of its file of a v2 episode, by the templates; the parquet file stands first, under ""."""
    place = {"episode_chunk": episode_index // info.chunks_size, "episode_index": episode_index}
    template = info.video_path or ""
    return {"": fill(info.data_path, place, "data_path")} | {
        key: fill(template, place | {"video_key": key}, "video_path") for key in cameras
    }


def video_template(info: Info) -> str:
    """The template of videos; empty where there are none. Raises Rejected (`meta_damaged`) where it is missing."""
    videos = info.media("video")
    if videos and info.video_path is None:
        raise Rejected("meta_damaged", f"{INFO}: it declares {videos[0]} as a video and has no video_path: add the template")
    return info.video_path or ""


class Finder:
    """Finds files in a listing by the name that a template gives, or where other writers put them.

    They are known to name the folder `video` for `videos`, to leave `observation.images.` out of a camera's folder, and to
    swap camera and chunk. A file that lies elsewhere is taken where just one has the same name below the first folder.
    """

    def __init__(self, files: Mapping[str, SourceFile]) -> None:
        self._files = files
        self._elsewhere: dict[tuple[str, ...], list[str]] | None = None

    def find(self, names: list[str]) -> dict[str, str]:
        """Name by the template → name in the listing, for those that are there."""
        found = {}
        for name in names:
            place = name if name in self._files else self._other(name)
            if place is not None:
                found[name] = place
        return found

    def missing(self, episode: str, index: str, missing: list[str], of: int) -> Rejected:
        """What to say where files of an episode are not there."""
        folder = missing[0].split("/")[0]
        folders = sorted({name.split("/")[0] for name in self._files if "/" in name})
        there = ", ".join(f"{f}/" for f in folders)
        hint = "" if folder in folders else f"; there is no folder {folder}/ at all, only {there}"
        return Rejected(
            "episode_files_missing",
            f"{index} lists {episode} and {missing[0]} is not there ({len(missing)} of its {of} files are missing){hint}: "
            "copy them, or take the episode out of the index",
            {"missing": missing},
        )

    def _other(self, name: str) -> str | None:
        if self._elsewhere is None:
            self._elsewhere = {}
            for listed in self._files:
                self._elsewhere.setdefault(_shape(listed), []).append(listed)
        found = self._elsewhere.get(_shape(name), [])
        return found[0] if len(found) == 1 else None


def _shape(name: str) -> tuple[str, ...]:
    """What a file's name says whatever its first folder is called and in whatever order camera and chunk stand."""
    *folders, last = name.split("/")[1:] or [name]
    return (*sorted(folder.removeprefix(_CAMERA) for folder in folders), last)


def moved(found: Mapping[str, str]) -> dict[str, Any]:
    """What to say of files that lie elsewhere than the template says."""
    elsewhere = {name: place for name, place in sorted(found.items()) if name != place}
    return {"files_elsewhere": elsewhere} if elsewhere else {}


def _read_lines(files: Mapping[str, SourceFile]) -> tuple[list[_Line], list[Lost]]:
    """The lines that can be used, in order of episode_index, and what is wrong with the others."""
    seen: dict[int, tuple[int, _Line]] = {}
    lost: list[Lost] = []
    for number, raw in _raw_lines(read_file(meta_file(files, EPISODES)), EPISODES):
        try:
            line = _line(raw, EPISODES, number, _Line)
        except Rejected as rejected:
            said = _EPISODE_INDEX.search(raw)
            lost.append(Lost(native_id(int(said[1])) if said else None, EPISODES, rejected))
            continue
        first, _ = seen.setdefault(line.episode_index, (number, line))
        if first != number:
            message = f"{EPISODES}: episode_index {line.episode_index} stands in lines {first} and {number}, the first was taken: keep one"
            clash = Rejected("native_id_clash", message, {"lines": [first, number]})
            lost.append(Lost(native_id(line.episode_index), EPISODES, clash))
    return [line for _, (_, line) in sorted(seen.items())], lost


def read_info(files: Mapping[str, SourceFile]) -> Info:
    """What info.json says. Raises Rejected: `meta_missing`, `meta_damaged`, `version_unsupported`."""
    return parse_info(read_file(meta_file(files, INFO)))


def meta_file(files: Mapping[str, SourceFile], name: str) -> SourceFile:
    """The listed file of the index. Raises Rejected (`meta_missing`)."""
    if name not in files:
        raise Rejected(
            "meta_missing",
            f"{name} is not in the source: `uri` names the folder of a LeRobot dataset, which holds {INFO} and the tables of "
            "episodes and tasks beside it",
            {"missing": name},
        )
    return files[name]


def _raw_lines(data: bytes, name: str) -> Iterator[tuple[int, bytes]]:
    """(line number from 1, line) of a JSON Lines file; blank lines are passed over."""
    if not data.strip():
        raise Rejected("meta_damaged", f"{name} is empty ({len(data)} bytes): copy it again from where it came", {"file": name})
    yield from ((number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip())


def _line(raw: bytes, name: str, number: int, model: type[_Model]) -> _Model:
    return validated(model, parsed_json(raw, name, f" line {number}"), f"{name} line {number}")


def fill(template: str, values: Mapping[str, Any], key: str) -> str:
    """A path template with its fields filled in. Only the format's own fields are known, so that no template computes."""

    def field(match: re.Match[str]) -> str:
        value = values.get(match[1], "")
        return f"{value:0{match[2]}d}" if match[2] and isinstance(value, int) else str(value)

    filled = _FIELD.sub(field, template)
    if "{" in filled or "}" in filled or not filled:
        raise Rejected("meta_damaged", f"{INFO}: {key} {template!r} has a field other than {', '.join(values)}")
    return filled
