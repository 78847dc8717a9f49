"""Files of a source, wherever they are: listing with version stamps, opening, and local copies with a digest.

Any fsspec URI works (`data/*.zip`, `s3://…`, `hf://datasets/org/name@revision/…`). A listing reads no file.
"""

from __future__ import annotations

import glob as globbing
import hashlib
import os
import posixpath
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec

from .media import sha256_of
from .shard import Ref, SourceFile
from .sources import LocalFiles, Rejected

_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_STAMPS = ("ETag", "etag", "blob_id", "mtime", "LastModified", "last_modified", "created")
_BLOCK = 1 << 20


def fixed_part(uri: str) -> str:
    """The folder above the first glob character: what names of files are relative to.

    For `data/*/a.json` it is `data`, for a folder the folder, for a file its parent.
    """
    if not globbing.has_magic(uri):
        fs, path = fsspec.core.url_to_fs(uri)
        return uri.rstrip("/") if fs.isdir(path) else posixpath.dirname(uri)
    parts = uri.split("/")
    first = next(i for i, part in enumerate(parts) if globbing.has_magic(part))
    return "/".join(parts[:first])


def list_files(uri: str, pattern: str = "**") -> list[SourceFile]:
    """All files that a URI stands for, by name: those of a glob, of a folder (below it, by `pattern`), or the one file.

    Raises Rejected (`source_missing`, `source_empty`, `source_unreadable`) where there is none.
    """
    root = fixed_part(uri)
    fs, path = fsspec.core.url_to_fs(uri)
    fs.invalidate_cache()  # a long-lived process must not plan from an old listing
    _, root_path = fsspec.core.url_to_fs(root)
    is_glob = globbing.has_magic(uri)
    if not is_glob and not fs.exists(path):
        raise Rejected("source_missing", f"{uri} does not exist; check `uri` in the recipe (it is relative to the recipe)")
    if not is_glob and fs.isdir(path):
        _check_listable(fs, path)
        path = f"{path.rstrip('/')}/{pattern}"
        is_glob = True
    found = fs.glob(path, detail=True) if is_glob else {path: fs.info(path)}
    files = [
        SourceFile(fs.unstrip_protocol(p), posixpath.relpath(p, root_path), int(info.get("size") or 0), _stamp(info))
        for p, info in sorted(found.items())
        if info["type"] == "file"
    ]
    if not files:
        raise Rejected("source_empty", f"{uri} holds no file; check the pattern or the folder")
    return files


def find_file(uri: str, name: str) -> SourceFile | None:
    """The file `name` below the folder `uri`, or None where there is none."""
    fs, path = fsspec.core.url_to_fs(f"{uri.rstrip('/')}/{name}")
    try:
        info = fs.info(path)
    except FileNotFoundError:
        return None
    return SourceFile(fs.unstrip_protocol(path), name, int(info.get("size") or 0), _stamp(info))


def read_file(file: SourceFile) -> bytes:
    """The bytes of a small file (an index). Raises Rejected as `check_readable` does."""
    with _refusing(file), fsspec.open(file.uri, "rb") as opened:
        data = bytes(opened.read())
    _refuse_pointer(file, data[:64])
    return data


@contextmanager
def local_files(ref: Ref, folder: Path) -> Iterator[LocalFiles]:
    """The files of a ref as local paths: the files themselves, or copies below `folder` where they are remote.

    Raises Rejected: `file_empty`, `file_unreadable`, `file_gone`, `lfs_pointer`.
    """
    paths = {}
    for file in ref.files:
        if file.size == 0:
            raise Rejected("file_empty", f"{file.name} has no bytes: copy it again from where it came")
        fs, path = fsspec.core.url_to_fs(file.uri)
        local = Path(path)
        with _refusing(file):
            if not _is_local(fs):
                local = folder / hashlib.sha256(file.uri.encode()).hexdigest() / posixpath.basename(path)
                local.parent.mkdir(parents=True, exist_ok=True)
                if not local.exists():
                    fs.get_file(path, str(local))
            with local.open("rb") as opened:
                _refuse_pointer(file, opened.read(64))
        paths[file.name] = local
    yield LocalFiles(paths)


def input_sha256(files: LocalFiles) -> str:
    """sha256 of the one file, or of the lines `sha256  name` in order of name where there are several."""
    digests = {name: sha256_of(path) for name, path in files.paths.items()}
    if len(digests) == 1:
        return next(iter(digests.values()))
    lines = "".join(f"{digests[name]}  {name}\n" for name in sorted(digests))
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def total_size(files: Iterable[SourceFile]) -> int:
    """Bytes of all files."""
    return sum(file.size for file in files)


def _stamp(info: dict[str, Any]) -> str:
    version = next((str(info[key]) for key in _STAMPS if info.get(key)), "")
    return f"{info.get('size')}-{version}"


def _is_local(fs: fsspec.AbstractFileSystem) -> bool:
    return "file" in (fs.protocol if isinstance(fs.protocol, tuple) else (fs.protocol,))


def _check_listable(fs: fsspec.AbstractFileSystem, path: str) -> None:
    """A local folder without permission would look empty."""
    if _is_local(fs) and not os.access(path, os.R_OK | os.X_OK):
        raise Rejected("source_unreadable", f"the folder {posixpath.basename(path)} may not be read: give this user the right")


@contextmanager
def _refusing(file: SourceFile) -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise Rejected("file_unreadable", f"{file.name} may not be read by this user: chmod it, or run as its owner") from error
    except FileNotFoundError as error:
        raise Rejected("file_gone", f"{file.name} was listed and is gone: run again to plan anew") from error


def _refuse_pointer(file: SourceFile, head: bytes) -> None:
    if head.startswith(_LFS_POINTER):
        raise Rejected("lfs_pointer", f"{file.name} is a Git LFS pointer, not the file: run `git lfs pull` in the source")
