"""The one concept that travels: a `Shard`, its `ShardKey`, and the `Outcome` that is left when it is written.

A `Ref` points at one thing to read. Keys are planned in plain Python from listings; shards are made, changed and written
inside a fused chain and never leave their worker; outcomes are what the manifest is folded from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import pyarrow as pa

from schemas.json_column import printable, printable_json


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source: `uri` to open it, `name` relative to the source, `size` in bytes, `stamp` of its version.

    The stamp is size + mtime, etag or revision: what tells without reading that a file is another one now.
    """

    uri: str
    name: str
    size: int
    stamp: str


@dataclass(frozen=True, slots=True)
class Ref:
    """What a reader reads at once: `native_id`, the `files` it needs, and a `selector` inside them (JSON text).

    The selector carries what the source's own index says, so that a changed index line changes this ref alone. `steps`
    is how many steps the index promises, or an estimate from the size; it only evens out shards.
    """

    native_id: str
    files: tuple[SourceFile, ...]
    selector: str = ""
    steps: int = 0

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files)

    @property
    def identity(self) -> list[Any]:
        """What names it, whatever its content: for naming shards."""
        return [self.native_id, [file.name for file in self.files]]


@dataclass(frozen=True, slots=True)
class Reject:
    """A thing that could not be taken: `stage`, place, stable `code`, and a `message` a person can act on."""

    stage: str
    source_name: str
    source_uri: str
    native_id: str | None
    code: str
    message: str
    detail: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        """Make what is not UTF-8 printable, and the detail JSON, so that every reject can be written."""
        for name in ("source_uri", "native_id", "message"):
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, printable(value))
        if self.detail is not None:
            object.__setattr__(self, "detail", printable_json(self.detail))


@dataclass(frozen=True, slots=True)
class ShardKey:
    """What to build: `name` (by content, stable), `fingerprint` (of inputs, parameters, schema, code), `refs`, and `spec`.

    `spec` is what the job adds for itself (JSON-like).
    """

    name: str
    fingerprint: str
    refs: tuple[Ref, ...] = ()
    spec: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Shard:
    """A bounded group of trajectories: its key, its Arrow tables by name, the rejects, and counts for the manifest.

    No media bytes: packed columns hold a sha256.
    """

    key: ShardKey
    tables: Mapping[str, pa.Table]
    rejects: tuple[Reject, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)

    def with_rejects(self, rejects: tuple[Reject, ...]) -> Shard:
        """The same shard with more rejects."""
        return replace(self, rejects=self.rejects + rejects)


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A written file: `path` in the workspace, `rows`, `bytes` on disk, `memory` bytes as Arrow, and its `sha256`."""

    path: str
    rows: int
    bytes: int
    memory: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one shard left behind. Readers trust only files that an outcome names.

    `facts` says what the shard is of: `source` (ingest), `source` and `annotator` (propose), `product` and `split`
    (release). Nothing is read out of a name. `changed`: ids of trajectories whose source is another one than it was when the
    shard was built before, a line each. `again`: something could not be reached, the next run tries once more.
    """

    name: str
    fingerprint: str
    files: Mapping[str, FileRecord]
    rejects: tuple[Reject, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As it stands in the outcome file."""
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Outcome:
        """The inverse of `to_json`. Raises KeyError or TypeError for what it did not make."""
        return cls(
            name=value["name"],
            fingerprint=value["fingerprint"],
            files={name: FileRecord(**record) for name, record in value["files"].items()},
            rejects=tuple(Reject(**reject) for reject in value["rejects"]),
            counts=dict(value["counts"]),
            facts=dict(value["facts"]),
        )
