"""One LeRobot episode as its index has it; what a ref's selector holds.

A selector is canonical JSON of the episodes of one ref and of those parts of info.json that matter for reading them, and
no totals: an episode that is appended, or changed, leaves the selectors of all other refs as they were.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.formats.lerobot.features import INFO, LANGUAGE, Feature, Info
from pipelines.formats.lerobot.fields import FieldMap, feature_of
from pipelines.sources import Rejected
from schemas.json_column import JsonValueError, json_text

SPOKEN = ("codec", "fps", "width", "height", "is_depth_map", "pix_fmt")
"""What an info block says of a video and the file says too."""
KEPT = ("depth_unit", "depth_min", "depth_max", "shift", "use_log", "intrinsics", "extrinsics")
"""What only the info block says: how depth is stored, and the camera's calibration."""
_RANGE = re.compile(r"(\d*):(\d*)")


@dataclass(frozen=True, slots=True)
class Clip:
    """Where an episode's video lies: `file`, and its seconds `[start, end)` in it (None: the whole file is the episode's).

    `last`: no other episode's clip lies behind it there.
    """

    file: str
    start: float | None = None
    end: float | None = None
    last: bool = False


@dataclass(frozen=True, slots=True)
class Episode:
    """One episode: `length` in steps, `tasks` in words, `task_indices` word for word as in the table of tasks.

    `split`: the source's own, from `splits` of info.json, by episode_index. `rest`: what else its line says. `data`: its
    parquet file; `clips`: its videos by feature. `amiss`: what is wrong with its place among the others, in figures.
    """

    episode_index: int
    length: int
    tasks: tuple[str, ...]
    task_indices: Mapping[str, int]
    split: str | None
    rest: Mapping[str, Any]
    data: str
    clips: Mapping[str, Clip]
    amiss: Mapping[str, Any]
    codebase_version: str
    robot_type: str | None
    fps: float
    features: Mapping[str, Feature]

    @property
    def native_id(self) -> str:
        """As the files of v2 are called: `episode_000001`."""
        return native_id(self.episode_index)

    @property
    def shared(self) -> bool:
        """Whether its files hold other episodes too (v3.0)."""
        return not self.codebase_version.startswith("v2")


def episodes_of(selector: str) -> list[Episode]:
    """The episodes of a ref: the inverse of `selector_of`."""
    value = json.loads(selector)
    info = value["info"]
    features = {name: Feature.model_validate(feature) for name, feature in info["features"].items()}
    return [
        Episode(
            episode_index=said["line"]["episode_index"],
            length=said["line"]["length"],
            tasks=tuple(said["line"].get("tasks", ())),
            task_indices=said["tasks"],
            split=said["split"],
            rest={k: v for k, v in said["line"].items() if k not in ("episode_index", "length", "tasks")},
            data=said["data"],
            clips={key: Clip(*place) for key, place in said["clips"].items()},
            amiss=said["amiss"],
            codebase_version=info["codebase_version"],
            robot_type=info["robot_type"],
            fps=info["fps"],
            features=features,
        )
        for said in value["episodes"]
    ]


def selector_of(info_text: str, episodes: Sequence[str]) -> str:
    """The selector of a ref from the texts of its parts (`info_text_of`, `episode_text`)."""
    return f'{{"episodes":[{",".join(episodes)}],"info":{info_text}}}'


def episode_text(
    line: Mapping[str, Any],
    tasks: Mapping[str, int],
    split: str | None,
    data: str,
    clips: Mapping[str, Clip],
    amiss: Mapping[str, Any],
    place: str,
) -> str:
    """Canonical JSON of one episode. Raises Rejected (`meta_damaged`) for a value that is not JSON."""
    value = {
        "line": dict(line),
        "tasks": {task: tasks[task] for task in line.get("tasks", ()) if task in tasks},
        "split": split,
        "data": data,
        "clips": {key: [clip.file, clip.start, clip.end, *([True] if clip.last else [])] for key, clip in clips.items()},
        "amiss": dict(amiss),
    }
    return canonical(value, place)


def info_text_of(info: Info, fields: FieldMap) -> str:
    """Canonical JSON of what every episode needs of info.json: no defaults and no encoder settings, since each ref carries it."""
    named = {feature_of(place) for place in (*fields.state, *fields.action)}
    kept: dict[str, Any] = {}
    for name, feature in info.features.items():
        kept[name] = {"dtype": feature.dtype, "shape": list(feature.shape)}
        if name in named and feature.dimension_names:
            kept[name]["names"] = feature.dimension_names
        said = {key: feature.declared(key) for key in (*SPOKEN, *KEPT)}
        if any(value is not None for value in said.values()):
            kept[name]["info"] = {key: value for key, value in said.items() if value is not None}
    value: dict[str, Any] = {"codebase_version": info.codebase_version, "features": kept, "fps": info.fps}
    value["robot_type"] = info.robot_type
    if info.tools and any(feature.dtype == LANGUAGE for feature in info.features.values()):
        value["tools"] = info.tools
    return canonical(value, INFO)


def native_id(episode_index: int) -> str:
    """`episode_000001`."""
    return f"episode_{episode_index:06d}"


def split_of(splits: Mapping[str, Any], episode_index: int) -> str | None:
    """The split whose range `start:stop` over episode_index holds the episode; None where none does."""
    for name, text in splits.items():
        match = _RANGE.fullmatch(text) if isinstance(text, str) else None
        if match and int(match[1] or 0) <= episode_index and (not match[2] or episode_index < int(match[2])):
            return name
    return None


def gap_before(before: int | None, episode_index: int) -> dict[str, Any]:
    """What to say of an episode that does not follow the one before it; None = there is none before."""
    missing = range(0 if before is None else before + 1, episode_index)
    if not missing:
        return {}
    said = f"{missing[0]}" if len(missing) == 1 else f"{missing[0]} to {missing[-1]}"
    return {"episode_index_gap": {"missing_before": said, "count": len(missing)}}


def canonical(value: Any, place: str) -> str:
    """Canonical JSON text. Raises Rejected (`meta_damaged`), naming the place."""
    try:
        return json_text(value) or "null"
    except JsonValueError as error:
        raise Rejected("meta_damaged", f"{place} holds a value that is no JSON: {error}") from error
