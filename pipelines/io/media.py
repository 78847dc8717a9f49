"""Media of a shard while it is read: small pieces go into one pack, videos are files, each once by sha256.

A `MediaWriter` stages into a local folder; `MediaEntry` says where bytes lie once the shard is written. `MediaReader`
gives them back from the workspace.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import fsspec

MAX_PART_BYTES = 100_000_000
"""A part of a video is cut at this size: a cell of a Parquet file is held in memory as a whole."""


@dataclass(frozen=True, slots=True)
class MediaEntry:
    """Where the bytes of one sha256 lie: `length` bytes from `offset` of `file` (relative to the job's folder)."""

    sha256: str
    file: str
    offset: int
    length: int
    suffix: str


@dataclass
class MediaWriter:
    """Stages media of one shard in a local folder.

    `pack` is the pack's name in the workspace; `known` what the shard holds already. After a child died, a new writer
    over the same folder and `known` overwrites what was half written.
    """

    folder: Path
    pack: str
    known: Mapping[str, MediaEntry] = field(default_factory=dict)
    added: dict[str, MediaEntry] = field(default_factory=dict)
    _end: int | None = field(default=None, init=False)

    def add(self, data: bytes, suffix: str) -> str:
        """Keep `data` (an image, a tree) in the pack; return its sha256. `suffix` as in `.png`."""
        digest = hashlib.sha256(data).hexdigest()
        if not self._has(digest):
            offset = self._pack_end() if self._end is None else self._end
            path = self.folder / self.pack
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("r+b" if path.exists() else "w+b") as file:
                file.seek(offset)
                file.write(data)
                file.truncate()
            self.added[digest] = MediaEntry(digest, self.pack, offset, len(data), suffix)
            self._end = offset + len(data)
        return digest

    def add_file(self, path: Path, suffix: str) -> str:
        """Keep a whole file (a video part) as a media file of its own; `path` is moved. Return its sha256."""
        digest = sha256_of(path)
        if not self._has(digest):
            name = f"media/{digest[:2]}/{digest}{suffix}"
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, target)
            self.added[digest] = MediaEntry(digest, name, 0, target.stat().st_size, suffix)
        return digest

    def length(self, sha256: str) -> int:
        """Bytes of a piece that the shard holds. Raises KeyError."""
        return (self.added.get(sha256) or self.known[sha256]).length

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for intermediate files, on the same device, gone afterwards."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            yield Path(folder)

    def _has(self, digest: str) -> bool:
        return digest in self.known or digest in self.added

    def _pack_end(self) -> int:
        entries = [*self.known.values(), *self.added.values()]
        return max((e.offset + e.length for e in entries if e.file == self.pack), default=0)


@dataclass(frozen=True)
class MediaReader:
    """Gives media back: `root` is the URI of the folder that the entries' files are relative to."""

    root: str
    entries: Mapping[str, MediaEntry]

    def read(self, sha256: str) -> bytes:
        """The bytes. Raises KeyError for a sha256 that the shard does not hold, OSError where its file is gone or torn."""
        entry = self.entries[sha256]
        with fsspec.open(f"{self.root}/{entry.file}", "rb") as file:
            file.seek(entry.offset)
            data = bytes(file.read(entry.length))
        if len(data) != entry.length:
            raise OSError(f"{entry.file} ends before byte {entry.offset + entry.length}: it is torn, delete it and run again")
        return data

    @contextmanager
    def open(self, sha256: str) -> Iterator[Path]:
        """A local path that holds the bytes for the time of the `with`."""
        entry = self.entries[sha256]
        fs, path = fsspec.core.url_to_fs(f"{self.root}/{entry.file}")
        if "file" in _protocols(fs) and entry.offset == 0 and fs.size(path) == entry.length:
            yield Path(path)
            return
        with tempfile.TemporaryDirectory() as folder:
            local = Path(folder, f"{sha256}{entry.suffix}")
            local.write_bytes(self.read(sha256))
            yield local


def sha256_of(path: Path) -> str:
    """sha256 (hex) of a local file, read in blocks."""
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _protocols(fs: fsspec.AbstractFileSystem) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)
