"""The workspace on any fsspec file system, with one way to write: `put`.

A reader sees the old file or the new one: on a local file system a temporary file and a replace, on an object store one
put or multipart upload. Never copy + delete. Readers trust only what an outcome names, so an unnamed file is litter.
"""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import fsspec
import orjson

SCRATCH = ".cairn-tmp"
"""Folder of a local workspace for what is being made; swept at the start of a run."""

_TEMPORARY = re.compile(r"(^|/)\.[^/]+\.[0-9a-f]{32}\.tmp$")
"""What `put` leaves when it is killed."""


@dataclass(frozen=True)
class Store:
    """A workspace at `root` (a path or an fsspec URI). Paths are relative to it and use `/`."""

    root: str

    @property
    def is_local(self) -> bool:
        """Whether the workspace is a folder of this machine."""
        fs, _ = self._fs()
        return "file" in (fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,))

    @property
    def local_root(self) -> Path:
        """The folder of a local workspace."""
        return Path(self._fs()[1])

    def uri(self, path: str) -> str:
        """`path` as a URI that fsspec opens."""
        return f"{self.root}/{path}"

    def put_file(self, path: str, local: Path) -> None:
        """Put a local file at `path`; the local file is gone afterwards."""
        fs, target = self._fs(path)
        if not self.is_local:
            fs.put_file(str(local), target)
            local.unlink()
            return
        self._replace(Path(target), lambda temporary: shutil.move(local, temporary))

    @contextmanager
    def new_file(self, path: str) -> Iterator[Path]:
        """A local file to be written in the block; it is put at `path` where that ends without an error."""
        if self.is_local:
            target = Path(self._fs(path)[1])
            with self._temporary(target) as temporary:
                yield temporary
                os.replace(temporary, target)
            return
        with self.scratch() as folder:
            yield folder / "new"
            self.put_file(path, folder / "new")

    def put_bytes(self, path: str, data: bytes) -> None:
        """Put `data` at `path`."""
        fs, target = self._fs(path)
        if not self.is_local:
            fs.pipe_file(target, data)
            return
        self._replace(Path(target), lambda temporary: temporary.write_bytes(data))

    def put_json(self, path: str, value: Any) -> None:
        """Put a JSON document with sorted keys at `path`."""
        self.put_bytes(path, orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))

    @contextmanager
    def open(self, path: str) -> Iterator[BinaryIO]:
        """`path` opened for reading."""
        with fsspec.open(self.uri(path), "rb") as file:
            yield cast(BinaryIO, file)

    def read_bytes(self, path: str) -> bytes:
        """The bytes at `path`. Raises FileNotFoundError."""
        fs, target = self._fs(path)
        return bytes(fs.cat_file(target))

    def read_json(self, path: str) -> Any:
        """The JSON document at `path`, or None where there is none or it is torn."""
        try:
            return orjson.loads(self.read_bytes(path))
        except (FileNotFoundError, orjson.JSONDecodeError):
            return None

    def exists(self, path: str, size: int | None = None) -> bool:
        """Whether `path` is there, and has `size` bytes where that is given."""
        fs, target = self._fs(path)
        try:
            return (size is None and fs.exists(target)) or int(fs.info(target)["size"]) == size
        except FileNotFoundError:
            return False

    def size(self, path: str) -> int:
        """Bytes at `path`. Raises FileNotFoundError."""
        fs, target = self._fs(path)
        return int(fs.info(target)["size"])

    def list(self, folder: str) -> list[str]:
        """All files below `folder`, in order."""
        return list(self.sizes(folder))

    def sizes(self, folder: str) -> dict[str, int]:
        """Path → bytes of all files below `folder`, in order of path; one listing."""
        fs, target = self._fs(folder)
        fs.invalidate_cache()
        if not fs.exists(target):
            return {}
        _, root = self._fs()
        return {posixpath.relpath(path, root): int(info["size"]) for path, info in sorted(fs.find(target, detail=True).items())}

    def place(self, part: str, path: str) -> None:
        """Let `path` hold what `part` holds: a hard link on a local file system, a copy on an object store."""
        fs, source = self._fs(part)
        _, target = self._fs(path)
        if not self.is_local:
            fs.cp_file(source, target)
        elif not (os.path.exists(target) and os.path.samefile(source, target)):
            os.chmod(source, 0o444)  # one file under two names: writing into it would break both
            self._replace(Path(target), lambda temporary: os.link(source, temporary))

    def delete(self, path: str) -> None:
        """Delete a file, and the folders that it leaves empty; fine where it is gone already."""
        fs, target = self._fs(path)
        if fs.exists(target):
            fs.rm_file(target)
        if self.is_local:
            with suppress(OSError):  # the first that is not empty ends it
                for folder in list(Path(path).parents)[:-1]:
                    Path(self._fs(folder.as_posix())[1]).rmdir()

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A local folder for what is being made; on the workspace's own device where that is local."""
        parent: str | None = None
        if self.is_local:
            parent = self._fs(SCRATCH)[1]
            os.makedirs(parent, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=parent, ignore_cleanup_errors=True) as folder:
            yield Path(folder)

    def sweep(self, keep: set[str], folders: tuple[str, ...]) -> int:
        """Delete our temporary files, and files of `folders` that are not in `keep`. Returns how many. Needs the lock."""
        stray = [path for path in self.list("") if _TEMPORARY.search(path) or path.startswith(f"{SCRATCH}/")]
        stray += [path for folder in folders for path in self.list(folder) if path not in keep]
        for path in sorted(set(stray)):
            self.delete(path)
        if self.is_local:
            shutil.rmtree(self._fs(SCRATCH)[1], ignore_errors=True)
        return len(set(stray))

    def _fs(self, path: str = "") -> tuple[fsspec.AbstractFileSystem, str]:
        fs, target = fsspec.core.url_to_fs(f"{self.root}/{path}" if path else self.root)
        return fs, target

    @classmethod
    def _replace(cls, target: Path, write: Any) -> None:
        with cls._temporary(target) as temporary:
            write(temporary)
            os.replace(temporary, target)

    @staticmethod
    @contextmanager
    def _temporary(target: Path) -> Iterator[Path]:
        """A path beside `target`; what is left there is deleted."""
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex}.tmp")
        try:
            yield temporary
        finally:
            temporary.unlink(missing_ok=True)
