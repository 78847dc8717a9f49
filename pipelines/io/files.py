"""Files of a source, wherever they are: listing with version stamps, opening, and local copies with a digest.

Any fsspec URI works (`data/*.zip`, `s3://…`, `hf://datasets/org/name@revision/…`). A listing reads no file.
"""

from __future__ import annotations

import errno
import glob as globbing
import hashlib
import os
import posixpath
import re
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import fsspec
from fsspec.implementations.local import LocalFileSystem
from fsspec.utils import glob_translate

from pipelines.io.media import sha256_of
from pipelines.shard import Ref, SourceFile
from pipelines.sources import LocalFiles, Rejected

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_STAMPS = ("ETag", "etag", "blob_id", "mtime", "LastModified", "last_modified", "created")
_LARGE = 10_000_000
_ESCAPED = re.compile(r"\[([*?[])\]")


def filesystem(uri: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """The file system of a URI and the path in it; a local path is taken literally (`::` in a name chains nothing)."""
    if uri.startswith(("/", "file://")):
        return LocalFileSystem(), str(LocalFileSystem._strip_protocol(uri))
    found: tuple[fsspec.AbstractFileSystem, str] = fsspec.core.url_to_fs(uri)
    return found


def is_glob(uri: str) -> bool:
    """Whether a URI is a pattern. A local path that is there as it stands is none, unless its last name has `*` or `?`."""
    last = uri.rstrip("/").rsplit("/", 1)[-1]
    if "*" in last or "?" in last or not globbing.has_magic(uri):
        return globbing.has_magic(uri)
    fs, path = filesystem(uri)
    return not (_is_local(fs) and os.path.lexists(path))


def fixed_part(uri: str) -> str:
    """The folder above the first glob character: what names of files are relative to.

    For `data/*/a.json` it is `data`, for a folder the folder, for a file its parent. A glob character in brackets
    (`glob.escape`) stands for itself.
    """
    if not is_glob(uri):
        fs, path = filesystem(uri)
        return uri.rstrip("/") if fs.isdir(path) else posixpath.dirname(uri)
    return _split(uri)[0]


def list_files(uri: str, pattern: str = "**") -> list[SourceFile]:
    """All files that a URI stands for, by name: those of a glob, of a folder (below it, by `pattern`), or the one file.

    Links are followed. On a local disk a link that leads nowhere, and a folder whose name a pattern with a suffix
    (`*.json`) takes for a file, are listed too: reading says what is wrong with them. Raises Rejected (`source_missing`,
    `source_empty`, `source_unreadable`) where there is none.
    """
    fs, path = filesystem(uri)
    fs.invalidate_cache()  # a long-lived process must not plan from an old listing
    root = fixed_part(uri)
    _, root_path = filesystem(root)
    if is_glob(uri):
        rest = _split(uri)[1]
    else:
        _check_there(fs, path, uri)
        rest = pattern if fs.isdir(path) else ""
    if not rest:
        info = fs.info(path)
        found = [SourceFile(fs.unstrip_protocol(path), posixpath.basename(path), int(info.get("size") or 0), _stamp(info))]
    elif _is_local(fs):
        found = _local_matches(root_path, rest)
    else:
        listed = fs.glob(f"{root_path.rstrip('/')}/{rest}", detail=True)
        found = [
            SourceFile(fs.unstrip_protocol(p), posixpath.relpath(p, root_path), int(info.get("size") or 0), _stamp(info))
            for p, info in sorted(listed.items())
            if info["type"] == "file"
        ]
    if not found:
        raise Rejected("source_empty", f"{uri} holds no file; check the pattern or the folder")
    return found


def folders_passed_over(uri: str) -> Iterator[tuple[str, Rejected]]:
    """Folders of a local source that its listing cannot show, by name, and why: `folder_unreadable`, `link_loop`."""
    fs, _ = filesystem(uri)
    root = fixed_part(uri)
    _, path = filesystem(root)
    if not _is_local(fs) or not os.path.isdir(path):
        return
    rest = _split(uri)[1] if is_glob(uri) else "**"
    for entry in sorted(_entries(path, _depth(rest)), key=lambda entry: entry.name):
        if entry.kind == "closed":
            message = f"the folder {entry.name} may not be read, and nobody knows what it holds: give this user the right"
            yield entry.name, Rejected("folder_unreadable", message)
        elif entry.kind == "loop":
            message = f"{entry.name} is a link to a folder that it lies in itself; it was not followed: delete it"
            yield entry.name, Rejected("link_loop", message)


def find_file(uri: str, name: str) -> SourceFile | None:
    """The file `name` below the folder `uri`, or None where there is none."""
    fs, path = filesystem(f"{uri.rstrip('/')}/{name}")
    if _is_local(fs) and not os.path.isfile(path):
        return None
    try:
        info = fs.info(path)
    except FileNotFoundError:
        return None
    return SourceFile(fs.unstrip_protocol(path), name, int(info.get("size") or 0), _stamp(info))


def read_file(file: SourceFile) -> bytes:
    """The bytes of a small file (an index). Raises Rejected as `local_files` does, but for `file_empty`."""
    fs, path = filesystem(file.uri)
    with _refusing(file, path), fs.open(path, "rb") as opened:
        data = bytes(opened.read())
    _refuse_pointer(file, data[:64])
    return data


def all_local(ref: Ref) -> bool:
    """Whether all files of a ref lie on this machine, so that none has to be copied."""
    return all(file.uri.startswith(("/", "file://")) or _is_local(filesystem(file.uri)[0]) for file in ref.files)


@contextmanager
def local_files(ref: Ref, folder: Path) -> Iterator[LocalFiles]:
    """The files of a ref as local paths: the files themselves, or copies below `folder` where they are remote.

    Raises Rejected: `file_empty`, `file_unreadable`, `file_gone`, `file_is_folder`, `link_broken`, `lfs_pointer`.
    """
    paths = {}
    for file in ref.files:
        fs, path = filesystem(file.uri)
        local = Path(path)
        with _refusing(file, path):
            if not _is_local(fs):
                local = folder / hashlib.sha256(file.uri.encode()).hexdigest() / posixpath.basename(path)
                local.parent.mkdir(parents=True, exist_ok=True)
                if not local.exists():
                    fs.get_file(path, str(local))
            info = local.stat()
            if not stat.S_ISREG(info.st_mode):
                what = "a folder" if stat.S_ISDIR(info.st_mode) else "a device or a pipe"
                raise Rejected("file_is_folder", f"{file.name} is {what} and was taken for a file by its name: rename it")
            if not info.st_size:
                raise Rejected("file_empty", f"{file.name} has no bytes: copy it again from where it came")
            with local.open("rb") as opened:
                _refuse_pointer(file, opened.read(64))
        paths[file.name] = local
    yield LocalFiles(paths)


def input_sha256(files: LocalFiles) -> str:
    """sha256 of the one file, or of the lines `sha256  name` in order of name where there are several.

    What it finds of each stands in `files.digests` from then on.
    """
    digests = files.digests
    digests |= {name: _sha256(path) for name, path in files.paths.items()}
    if len(files.paths) == 1:
        return digests[next(iter(files.paths))]
    lines = "".join(f"{digests[name]}  {name}\n" for name in sorted(files.paths))
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def _sha256(path: Path) -> str:
    """sha256 of a local file; of a large one, which many refs may share, remembered."""
    info = path.stat()
    return sha256_of(path) if info.st_size < _LARGE else _remembered_sha256(str(path), info.st_size, info.st_mtime_ns)


@lru_cache(maxsize=256)
def _remembered_sha256(path: str, size: int, changed: int) -> str:
    return sha256_of(Path(path))


def total_size(files: Iterable[SourceFile]) -> int:
    """Bytes of all files."""
    return sum(file.size for file in files)


def _stamp(info: dict[str, Any]) -> str:
    version = next((str(info[key]) for key in _STAMPS if info.get(key)), "")
    return f"{info.get('size')}-{version}"


def _is_local(fs: fsspec.AbstractFileSystem) -> bool:
    return "file" in (fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,))


def _split(uri: str) -> tuple[str, str]:
    """The literal folder above the first glob character, and the pattern below it."""
    parts = uri.split("/")
    first = next(i for i, part in enumerate(parts) if globbing.has_magic(_ESCAPED.sub("", part)))
    return "/".join(_ESCAPED.sub(r"\1", part) for part in parts[:first]), "/".join(parts[first:])


def _check_there(fs: fsspec.AbstractFileSystem, path: str, uri: str) -> None:
    """A local folder without permission would look empty, or as if it were not there."""
    if _is_local(fs):
        try:
            os.stat(path)
        except PermissionError as error:
            raise Rejected("source_unreadable", f"a folder above {uri} may not be entered: give this user the right") from error
        except OSError:
            pass  # said below
        else:
            if os.path.isdir(path) and not os.access(path, os.R_OK | os.X_OK):
                name = posixpath.basename(path)
                raise Rejected("source_unreadable", f"the folder {name} may not be read: give this user the right")
    if not fs.exists(path):
        raise Rejected("source_missing", f"{uri} does not exist; check `uri` in the recipe (it is relative to the recipe)")


@dataclass(frozen=True, slots=True)
class _Entry:
    """What stands in a local folder. `kind`: file, folder, broken (a link to nowhere, a pipe, …), closed or loop."""

    name: str
    kind: str
    size: int = 0
    stamp: str = ""


def _local_matches(root: str, rest: str) -> list[SourceFile]:
    """The files below a local folder whose names match a glob, in order of name."""
    matches = re.compile(glob_translate(rest)).match
    kinds = {"file", "broken"} | ({"folder"} if "." in posixpath.basename(rest) else set())
    found = [e for e in _entries(root, _depth(rest)) if e.kind in kinds and matches(e.name)]
    found.sort(key=lambda entry: entry.name)
    return [SourceFile(f"file://{posixpath.join(root, e.name)}", e.name, e.size, e.stamp) for e in found]


def _entries(root: str, depth: int | None) -> Iterator[_Entry]:
    """Everything below a local folder, down to `depth` levels. Links are followed, but not to a folder that they lie in."""
    waiting: list[tuple[str, tuple[str, ...]]] = [("", (os.path.realpath(root),))]
    while waiting:
        folder, above = waiting.pop()
        try:
            with os.scandir(os.path.join(root, folder)) as found:
                entries = list(found)
        except OSError:
            yield _Entry(folder, "closed")
            continue
        for entry in entries:
            name = posixpath.join(folder, entry.name)
            try:
                info = entry.stat()
            except OSError:
                yield _Entry(name, "broken")
                continue
            if not stat.S_ISDIR(info.st_mode):
                kind = "file" if stat.S_ISREG(info.st_mode) else "broken"
                yield _Entry(name, kind, info.st_size, f"{info.st_size}-{info.st_mtime}")
                continue
            real = os.path.realpath(entry.path) if entry.is_symlink() else os.path.join(above[-1], entry.name)
            yield _Entry(name, "loop" if real in above else "folder")
            if real not in above and (depth is None or name.count("/") + 1 < depth):
                waiting.append((name, (*above, real)))


def _depth(rest: str) -> int | None:
    """How many levels of folders a glob can match; None where there is no bound."""
    return None if "**" in rest else rest.count("/") + 1


@contextmanager
def _refusing(file: SourceFile, path: str) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise Rejected("file_unreadable", f"{file.name} may not be read by this user: chmod it, or run as its owner") from error
    except IsADirectoryError as error:
        raise Rejected("file_is_folder", f"{file.name} is a folder and was taken for a file by its name: rename it") from error
    except OSError as error:
        if os.path.islink(path) and (error.errno == errno.ELOOP or isinstance(error, FileNotFoundError)):
            where = "itself" if error.errno == errno.ELOOP else "a file that is not there"
            message = f"{file.name} is a link that leads to {where}: copy the file in its place"
            raise Rejected("link_broken", message) from error
        if isinstance(error, FileNotFoundError):
            raise Rejected("file_gone", f"{file.name} was listed and is gone: run again to plan anew") from error
        message = f"{file.name} cannot be read ({error.strerror or error}): copy it again from where it came"
        raise Rejected("file_unreadable", message) from error


def _refuse_pointer(file: SourceFile, head: bytes) -> None:
    if head.startswith(_LFS_POINTER):
        raise Rejected("lfs_pointer", f"{file.name} is a Git LFS pointer, not the file: run `git lfs pull` in the source")
