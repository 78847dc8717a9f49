"""Features of a LeRobot dataset: what `meta/info.json` declares, and which column of `robot_steps` each one becomes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipelines.formats.lerobot.fields import CAIRN, FieldMap
from pipelines.sources import Rejected
from schemas.tables import TABLES
from schemas.types import SCALARS

INFO = "meta/info.json"
VERSIONS = ("v2.0", "v2.1", "v3.0")
BOOKKEEPING = ("timestamp", "frame_index", "episode_index", "index", "task_index")
MEDIA_TYPES = ("video", "image")
LANGUAGE = "language"
PERSISTENT, EVENTS = "language_persistent", "language_events"

_DTYPES = {**{name: name for name in SCALARS}, "float16": "float32"}
_STEP_COLUMNS = frozenset(column.name for column in TABLES["robot_steps"])
_Model = TypeVar("_Model", bound=BaseModel)


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

    @cached_property
    def element(self) -> str | None:
        """The spelled type of one element; None where Cairn has none for it."""
        return _DTYPES.get(self.dtype)

    @property
    def numeric(self) -> bool:
        """Whether its elements are numbers."""
        return self.element not in (None, "string", "bool")

    @cached_property
    def spelled(self) -> str | None:
        """The spelled type of a column that holds it, `list<…>` per dimension; None where Cairn has none for it."""
        if self.element is None or self.scalar:
            return self.element
        return "list<" * len(self.shape) + self.element + ">" * len(self.shape)

    def declared(self, key: str) -> Any:
        """What its info block says of a video under `key` (codec, fps, width, height, is_depth_map); None where it does not."""
        said = self.info or self.video_info or {}
        return said.get(f"video.{key}", said.get(key))

    @cached_property
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
    tools: list[dict[str, Any]] | None = None
    data_path: str
    video_path: str | None = None
    splits: dict[str, Any] = {}
    features: dict[str, Feature]

    def media(self, dtype: str) -> list[str]:
        """The names of its video (or image) features, sorted."""
        return sorted(name for name, feature in self.features.items() if feature.dtype == dtype)


def native_columns(info: Info, fields: FieldMap) -> dict[str, str]:
    """Feature columns beyond those of `robot_steps`: column → spelled type. See `column_of` for which and how named."""
    found = {column_of(name, feature, fields): spelled_of(feature) for name, feature in info.features.items()}
    return {column: spelled for column, spelled in found.items() if column is not None and spelled is not None}


def spelled_of(feature: Feature) -> str | None:
    """The spelled type of the column that holds a feature: language events are JSON, row by row."""
    return "Json" if feature.dtype == LANGUAGE else feature.spelled


def column_of(name: str, feature: Feature, fields: FieldMap) -> str | None:
    """The native column of a feature: its own name, or `source.<name>` where `robot_steps` has that name.

    None for what has a place already (what the field map takes whole, bookkeeping, media, Cairn's own), for
    `language_persistent`, which is said once per episode and not per step, and for a dtype that Cairn has no type for.
    """
    if feature.dtype == LANGUAGE:
        return name if name == EVENTS else None
    if feature.dtype in MEDIA_TYPES or name in BOOKKEEPING or name.startswith(CAIRN) or feature.element is None:
        return None
    if mapped(name, feature, fields):
        return None
    return f"source.{name}" if name in _STEP_COLUMNS else name


def mapped(name: str, feature: Feature, fields: FieldMap) -> bool:
    """Whether a whole feature becomes a column of `robot_steps`: a vector as state or action, a number as reward, done per step."""
    if name in (*fields.state, *fields.action):
        return feature.numeric and len(feature.shape) <= 1
    if name == fields.terminal:
        return feature.scalar and feature.element == "bool"
    return feature.scalar and name == fields.reward and feature.numeric


def parse_info(data: bytes) -> Info:
    """Info of the bytes of info.json. Raises Rejected: `meta_damaged`, `version_unsupported`."""
    value = parsed_json(data, INFO, "")
    version = value.get("codebase_version") if isinstance(value, dict) else None
    if isinstance(version, str) and version not in VERSIONS:
        raise Rejected(
            "version_unsupported",
            f"{INFO}: codebase_version {version!r} is not supported; this reader takes {', '.join(VERSIONS)}: convert the dataset first, 1.6 -> 2.0 -> 2.1 -> 3.0",
            {"codebase_version": version, "supported": list(VERSIONS)},
        )
    return validated(Info, value, INFO)


def parsed_json(data: bytes, name: str, place: str) -> Any:
    """The value of a JSON text; `place` is said behind the file's name. Raises Rejected (`meta_damaged`)."""
    if not data.strip():
        raise Rejected("meta_damaged", f"{name} is empty ({len(data)} bytes): copy it again from where it came", {"file": name})
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        detail = {"file": name, "place": place.strip() or None}
        raise Rejected(
            "meta_damaged", f"{name}{place} is not JSON ({error}): copy the file again, or mend it", detail
        ) from error


def validated(model: type[_Model], value: Any, place: str) -> _Model:
    """The value as a model. Raises Rejected (`meta_damaged`), naming place and field."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the value"
        raise Rejected("meta_damaged", f"{place}: {where}: {first['msg']}", {"file": place.split(" ")[0]}) from error


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
