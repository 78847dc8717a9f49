"""The recipe: one YAML file that describes one dataset from sources to release.

`load_recipe` checks all of it before anything runs; what is wrong is said with the line and the remedy.
"""

from __future__ import annotations

import difflib
import glob as globbing
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError

from annotators.label_studio.project import Project
from annotators.label_studio.rounds.quality import Acceptance, Quality
from annotators.protocol import Annotator, UnknownAnnotatorError, annotator
from pipelines.errors import ConfigurationError
from pipelines.sources import Options, Source, UnknownReaderError, reader
from schemas.vocabularies import SPLITS

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_.-]*$")]
Ratio = Annotated[float, Field(ge=0, le=1)]

_STRICT = ConfigDict(extra="forbid", frozen=True)


def _named_once(value: list[Any]) -> list[Any]:
    """Things that each have a name of their own. Raises PydanticCustomError naming the first that comes twice."""
    names = [item.name for item in value]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        sentence = f"{twice!r} is named twice; give each a name of its own (ids begin with it)"
        raise PydanticCustomError("unique", "{sentence}", {"sentence": sentence})
    return value


class SourceSpec(BaseModel):
    """One entry of `sources`. `citation`: how its makers ask to be cited (BibTeX or a sentence), for the card."""

    model_config = _STRICT
    name: Name
    reader: str
    uri: str
    license: Annotated[str, StringConstraints(min_length=1)]
    revision: str | None = None
    citation: str | None = None
    max_reject_ratio: Ratio | None = None
    options: dict[str, Any] = {}

    @model_validator(mode="after")
    def _known_reader(self) -> SourceSpec:
        try:
            options = reader(self.reader).options
        except UnknownReaderError as error:
            raise PydanticCustomError("reader", "{sentence}", {"sentence": str(error)}) from error
        try:
            options(**self.options)
        except ValidationError as error:
            known = ", ".join(options.model_fields) or "no options"
            first = error.errors()[0]
            sentence = f"option {'.'.join(map(str, first['loc']))}: {first['msg']}; {self.reader} takes {known}"
            raise PydanticCustomError("options", "{sentence}", {"sentence": sentence}) from error
        return self

    @model_validator(mode="after")
    def _one_revision(self) -> SourceSpec:
        found = _HUB.match(self.uri)
        if found and found["revision"] and self.revision not in (None, found["revision"]):
            sentence = f"uri says revision {found['revision']!r} and revision says {self.revision!r}: keep one of the two"
            raise PydanticCustomError("revision", "{sentence}", {"sentence": sentence})
        return self


class AnnotatorSpec(BaseModel):
    """One entry of `annotators`: a name, or a name with parameters."""

    model_config = _STRICT
    name: str
    parameters: dict[str, Any] = {}

    @model_validator(mode="before")
    @classmethod
    def _bare_name(cls, value: Any) -> Any:
        return {"name": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _known(self) -> AnnotatorSpec:
        try:
            annotator(self.name, self.parameters)
        except UnknownAnnotatorError as error:
            raise PydanticCustomError("annotator", "{sentence}", {"sentence": str(error)}) from error
        return self


class Shards(BaseModel):
    """Bounds of a shard: whichever is reached first."""

    model_config = _STRICT
    bytes: Annotated[int, Field(gt=0)] = 256_000_000
    steps: Annotated[int, Field(gt=0)] = 50_000


class Splits(BaseModel):
    """How trajectories are dealt: by which key, in which ratios. `by` None: by task for arc and gui, by trajectory for robot."""

    model_config = _STRICT
    by: Literal["source", "task", "scene", "trajectory"] | None = None
    train: Ratio = 0.9
    validation: Ratio = 0.05
    test: Ratio = 0.05

    @model_validator(mode="before")
    @classmethod
    def _only_given(cls, value: Any) -> Any:
        """Ratios that are not named are 0, once one is named."""
        if isinstance(value, dict) and any(split in value for split in SPLITS):
            return dict.fromkeys(SPLITS, 0.0) | value
        return value

    @model_validator(mode="after")
    def _sum(self) -> Splits:
        total = self.train + self.validation + self.test
        if abs(total - 1) > 1e-9:
            sentence = f"train + validation + test is {total:g}, should be 1"
            raise PydanticCustomError("splits", "{sentence}", {"sentence": sentence})
        return self

    @property
    def ratios(self) -> dict[str, float]:
        """Split → ratio, in the order of their thresholds."""
        return {split: getattr(self, split) for split in SPLITS}


class Release(BaseModel):
    """What is published, and as which version."""

    model_config = _STRICT
    version: Annotated[str, StringConstraints(pattern=r"^\d+\.\d+\.\d+$")] = "0.1.0"
    repo_id: Annotated[str, StringConstraints(pattern=r"^[\w.-]+/[\w.-]+$")] | None = None
    splits: Splits = Splits()


class ReviewServer(BaseModel):
    """An existing Label Studio; without one, the local one that `cairn review up` starts.

    `token_env` names the environment variable that holds the token (legacy or personal access): a recipe holds no secret.
    `media` is the folder of this machine that the server serves as its local files.
    """

    model_config = _STRICT
    url: Annotated[str, StringConstraints(pattern=r"^https?://")]
    media: str
    token_env: str = "LABEL_STUDIO_API_KEY"


class ReviewProject(Quality):
    """One review project: a view, layers, how many look at it and what is good enough (`Quality`).

    `proposals`: false = people start from nothing, for comparisons. `order`: `uncertain` asks first where the proposals are
    least sure, `random` is for comparisons and drift. `stream`: the camera or screen to show; None = the first.
    """

    name: Name
    view: str
    layers: Annotated[list[str], Field(min_length=1)]
    proposals: bool = True
    order: Literal["uncertain", "random"] = "uncertain"
    stream: str | None = None

    @model_validator(mode="after")
    def _renders(self) -> ReviewProject:
        try:
            self.project  # noqa: B018 - the declaration checks itself
        except ValueError as error:
            raise PydanticCustomError("review", "{sentence}", {"sentence": str(error)}) from error
        return self

    @property
    def project(self) -> Project:
        """What is rendered and pushed."""
        return Project(self.name, self.view, tuple(self.layers), blind=not self.proposals)


class Review(BaseModel):
    """How people review the proposals. `seconds_cap`: the longest time that one submission counts for."""

    model_config = _STRICT
    server: ReviewServer | None = None
    seconds_cap: Annotated[float, Field(gt=0)] = 900
    projects: Annotated[list[ReviewProject], Field(min_length=1)]

    @field_validator("projects")
    @classmethod
    def _unique(cls, value: list[ReviewProject]) -> list[ReviewProject]:
        return _named_once(value)


class Recipe(BaseModel):
    """A whole recipe. `folder` is where its file lies: what `uri` and `workspace` are relative to."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))
    name: Name
    license: Annotated[str, StringConstraints(min_length=1)]
    workspace: str
    sources: Annotated[list[SourceSpec], Field(min_length=1)]
    annotators: list[AnnotatorSpec] = []
    review: Review | None = None
    release: Release = Release()
    max_reject_ratio: Ratio = 0.05
    shards: Shards = Shards()
    folder: Annotated[str, Field(exclude=True)] = "."

    @field_validator("sources", "annotators")
    @classmethod
    def _unique(cls, value: list[Any]) -> list[Any]:
        return _named_once(value)

    @property
    def resolved_sources(self) -> list[Source]:
        """The sources with absolute URIs and validated options."""
        return [
            Source(s.name, s.reader, uri, s.license, revision, self._options_of(s))
            for s in self.sources
            for uri, revision in [_at(self._absolute(s.uri, may_be_glob=True), s.revision)]
        ]

    @property
    def resolved_annotators(self) -> list[Annotator]:
        """The annotators with their parameters."""
        return [annotator(spec.name, spec.parameters) for spec in self.annotators]

    @property
    def workspace_uri(self) -> str:
        """The workspace as an absolute path or URI."""
        return self._absolute(self.workspace)

    def reject_ratio(self, source: str) -> float:
        """The ratio of rejects that a source may have."""
        spec = next(s for s in self.sources if s.name == source)
        return self.max_reject_ratio if spec.max_reject_ratio is None else spec.max_reject_ratio

    def _options_of(self, spec: SourceSpec) -> Options:
        """The validated options of a source, those that are URIs absolute."""
        found = reader(spec.reader).options(**spec.options)
        places = {name: getattr(found, name) for name in found.uris if getattr(found, name) is not None}
        return found.model_copy(update={name: self._absolute(uri, may_be_glob=True) for name, uri in places.items()})

    def _absolute(self, uri: str, may_be_glob: bool = False) -> str:
        if "://" in uri or uri.startswith("/"):
            return uri.rstrip("/")
        folder = globbing.escape(self.folder) if may_be_glob and globbing.has_magic(uri) else self.folder
        return f"{folder}/{uri}".rstrip("/")


_HUB = re.compile(r"^(?P<repo>hf://(?:datasets/|spaces/)?[^/]+/[^/@]+)(?:@(?P<revision>[^/]+))?(?P<rest>/.*)?$")


def _at(uri: str, revision: str | None) -> tuple[str, str | None]:
    """A Hub URI at its revision (`hf://datasets/org/name@revision/…`), and the revision. Other URIs have no place for one."""
    found = _HUB.match(uri)
    if not found:
        return uri, revision
    if revision is None or found["revision"]:
        return uri, found["revision"]
    return f"{found['repo']}@{quote(revision, safe='')}{found['rest'] or ''}", revision


def load_recipe(path: Path) -> Recipe:
    """The recipe in a YAML file. Raises ConfigurationError: every fault with its line and the remedy."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read ({error.strerror}); give the path of a recipe file") from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigurationError(f"{path}:{line}: not UTF-8 text ({error.reason}): save the file as UTF-8") from error
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        content = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ConfigurationError(f"{path}:{line}: not YAML: {error.problem}; mend this line or the one above it") from error
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigurationError(f"{path}:1: not YAML ({error}): mend it, see examples/quickstart.yaml") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"{path}:1: no mapping; a recipe begins with `name:`, see examples/quickstart.yaml")
    lines = _Lines(dict(_line_of(node, ())))
    faults = [f"{path}:{line}: {key} stands here twice: keep one of the two" for key, line in _repeated(node)]
    if "folder" in content:  # a field of ours that no recipe sets
        faults.append(f"{path}:{lines.at(('folder',))}: folder is no key here: remove it")
    try:
        recipe = Recipe.model_validate({**content, "folder": str(path.resolve().parent)})
    except ValidationError as error:
        faults += [f"{path}:{lines.at(fault['loc'])}: {_sentence(fault)}" for fault in error.errors()]
        raise ConfigurationError("\n".join(faults)) from error
    if faults:
        raise ConfigurationError("\n".join(faults))
    return recipe


@dataclass(frozen=True, slots=True)
class _Lines:
    """Where each key of a YAML file stands."""

    lines: Mapping[tuple[str, ...], int]

    def at(self, of: tuple[Any, ...]) -> int:
        """The line of a place, or of the nearest one above it."""
        place = tuple(str(part) for part in of)
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)


def _line_of(node: yaml.Node | None, place: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    if node is None:
        return
    yield place, node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _line_of(value, (*place, str(key.value)))
            yield (*place, str(key.value)), key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for number, value in enumerate(node.value):
            yield from _line_of(value, (*place, str(number)))


def _repeated(node: yaml.Node | None) -> Iterator[tuple[str, int]]:
    """(key, line) of each key that its mapping has already: YAML would take the last, silently."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if str(key.value) in seen:
                yield str(key.value), key.start_mark.line + 1
            seen.add(str(key.value))
            yield from _repeated(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _repeated(value)


def _sentence(fault: ErrorDetails) -> str:
    place = ".".join(str(part) for part in fault["loc"]) or "recipe"
    if fault["type"] == "missing":
        return f"{place} is missing: add it"
    if fault["type"] == "extra_forbidden":
        name = str(fault["loc"][-1])
        close = difflib.get_close_matches(name, _known_keys(), n=1)
        return f"{place} is no key here" + (f"; did you mean {close[0]!r}?" if close else ": remove it")
    message = re.sub(r"^Value error, ", "", fault["msg"])
    value = fault.get("input")
    shown = (
        f" (found {value!r})" if isinstance(value, (str, int, float)) and fault["type"] not in ("reader", "annotator") else ""
    )
    return f"{place}: {message}{shown}"


def _known_keys() -> list[str]:
    models: tuple[type[BaseModel], ...] = (
        Recipe, SourceSpec, AnnotatorSpec, Shards, Splits, Release, Review, ReviewServer, ReviewProject, Acceptance,
    )  # fmt: skip
    return sorted({name for model in models for name in model.model_fields} - {"folder"})
