"""Readers: what turns a source into trajectories. One file here is one reader; its module name is its name in a recipe.

    READER = LeRobot                      # module level, in pipelines/sources/lerobot.py

A reader plans from listings and the source's own index, never from recordings, and reads one `Ref` at a time. What it
cannot take it says with `Rejected`, and everything else goes on.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

from pydantic import BaseModel, ConfigDict

from annotators.annotation import Annotation
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject


class Rejected(Exception):
    """Raised by a reader: this ref (or, in `plan`, this source) cannot be taken.

    `code` is stable, `[a-z_]+`; `message` says what is wrong, where, and what would be right; `detail` holds values.
    """

    def __init__(self, code: str, message: str, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.detail = code, message, detail

    def __reduce__(self) -> tuple[Any, ...]:
        return Rejected, (self.code, self.message, self.detail)


class Options(BaseModel):
    """Options of a reader in a recipe; a reader with options of its own inherits from this.

    `uris`: options that are paths or URIs; a relative one is relative to the recipe, as a source's `uri` is.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    uris: ClassVar[tuple[str, ...]] = ()


@dataclass(frozen=True, slots=True)
class Source:
    """One source of a recipe: `uri` absolute, may hold globs or be a folder; `options` validated by its reader."""

    name: str
    reader: str
    uri: str
    license: str
    revision: str | None = None
    options: Options = field(default_factory=Options)


@dataclass(frozen=True, slots=True)
class Trajectory:
    """What a reader makes of one recording.

    `native_id`: the source's own name. `header`: columns of `trajectories` that the reader knows (the engine fills
    trajectory_id, source_*, license, input_sha256, num_steps, and duration where it is absent).
    `tables`: stored tables by name, without trajectory_id, as rows (dicts) or as columns (lists or Arrow arrays).
    `annotations`: what the source's own annotators said, imported.
    """

    native_id: str
    header: Mapping[str, Any]
    tables: Mapping[str, list[dict[str, Any]] | Mapping[str, Any]]
    annotations: tuple[Annotation, ...] = ()


@dataclass(frozen=True, slots=True)
class Batch:
    """Many trajectories of one domain at once, as columns: for files whose rows are recordings, where a table each costs most.

    `native_ids`: in the order of all that follows; `headers`: columns of `trajectories` as in `Trajectory.header`; `lengths`:
    steps of each; `steps`: columns of the step table without `trajectory_id`, as Arrow arrays or lists, one trajectory
    after another. What does not fit costs the whole batch, so the reader has to be sure.
    """

    domain: str
    native_ids: Sequence[str]
    headers: Mapping[str, Any]
    lengths: Sequence[int]
    steps: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TaskRows:
    """Rows of `tasks` that belong to no single trajectory: of a source of tasks, or of the tasks behind a batch."""

    rows: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class LocalFiles:
    """The files of a ref as local paths, by their name in the source; `digests`: sha256 of those that were hashed already."""

    paths: Mapping[str, Path]
    digests: dict[str, str] = field(default_factory=dict, compare=False)

    def __getitem__(self, name: str) -> Path:
        return self.paths[name]

    @property
    def only(self) -> Path:
        """The path, where the ref has one file."""
        (path,) = self.paths.values()
        return path


class Reader(Protocol):
    """Reads sources of one format. `native`: uses decoders that may crash or hang, so `read` runs in a child process."""

    version: ClassVar[str]
    native: ClassVar[bool]
    options: ClassVar[type[Options]]

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """The refs of a source in its own order, and rejects for what the listing shows to be missing or wrong.

        Raises Rejected where the source as a whole cannot be read.
        """
        ...

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """Further columns of `robot_steps` that this source has, name → spelled type. Reads the source's index only."""
        ...

    def read(
        self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter
    ) -> Iterable[Trajectory | Batch | TaskRows | Reject]:
        """The trajectories of a ref. Raises Rejected where the ref as a whole cannot be taken."""
        ...


class UnknownReaderError(LookupError):
    """No reader of that name."""


def reader_names() -> tuple[str, ...]:
    """The names of all readers."""
    return tuple(sorted(m.name for m in pkgutil.iter_modules(__path__)))


def reader(name: str) -> Reader:
    """The reader of that name. Raises UnknownReaderError, naming those that exist."""
    if name not in reader_names():
        raise UnknownReaderError(f"no reader {name!r}; there are {', '.join(reader_names())}")
    return cast(Reader, importlib.import_module(f"{__name__}.{name}").READER())
