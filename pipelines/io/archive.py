"""Zip files from outside, read member by member in memory and never extracted.

Refused: a damaged archive, members whose names leave the archive, and archives that unpack to far more than they hold.
"""

from __future__ import annotations

import posixpath
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.sources import Rejected

MAX_RATIO = 200
"""Unpacked bytes per packed byte of an archive; HTML and JSON pack to about 1/20, a bomb to 1/1,000."""
ALWAYS_ALLOWED = 64 << 20
"""Unpacked bytes below which no ratio is looked at: harmless whatever it is."""
MAX_MEMBER = 512 << 20
"""Bytes of one member, which is held in memory."""
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    IndexError,
)
"""What `zipfile` raises for damaged bytes (each of them found by changing bytes of sound archives)."""


class Archive:
    """The members of one zip file by name."""

    def __init__(self, zip_file: zipfile.ZipFile) -> None:
        self._zip = zip_file
        self.names: tuple[str, ...] = tuple(info.filename for info in zip_file.infolist() if not info.is_dir())
        """Names of all files in the archive, in its own order."""

    def __contains__(self, name: str) -> bool:
        return name in self._zip.NameToInfo

    def size(self, name: str) -> int:
        """Packed bytes of a member. Raises KeyError."""
        return self._zip.getinfo(name).compress_size

    def read(self, name: str) -> bytes:
        """The bytes of a member. Raises Rejected (`zip_damaged`, `zip_bomb`) and KeyError for a name it does not hold."""
        info = self._zip.getinfo(name)
        if info.file_size > MAX_MEMBER:
            raise Rejected("zip_bomb", f"member {name!r} unpacks to {info.file_size:,} bytes, more than {MAX_MEMBER:,}")
        if info.compress_type not in _METHODS:
            raise Rejected("zip_damaged", f"member {name!r} is packed by method {info.compress_type}: zip it again, deflated")
        try:
            with self._zip.open(info) as member:
                data = member.read(info.file_size + 1)
        except _UNREADABLE as error:
            raise Rejected("zip_damaged", f"member {name!r} cannot be unpacked ({error}): copy the archive again") from error
        if len(data) != info.file_size:
            raise Rejected("zip_damaged", f"member {name!r} has {len(data):,} bytes, its entry says {info.file_size:,}")
        return data


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a zip file of which nothing is trusted. Raises Rejected: `zip_damaged`, `zip_escape`, `zip_bomb`."""
    try:
        opened = zipfile.ZipFile(path)
    except _UNREADABLE as error:
        raise Rejected("zip_damaged", f"{path.name} is no readable zip file ({error}): copy it again") from error
    with opened:
        _refuse_escape(path, opened)
        _refuse_bomb(path, opened)
        yield Archive(opened)


def _refuse_escape(path: Path, opened: zipfile.ZipFile) -> None:
    for name in opened.namelist():
        if not name:
            raise Rejected("zip_damaged", f"{path.name} has a member without a name: copy it again")
        flat = name.replace("\\", "/")
        if flat.startswith("/") or ":" in flat.split("/")[0] or posixpath.normpath(flat).split("/")[0] == "..":
            raise Rejected(
                "zip_escape", f"{path.name}: member {name!r} points outside the archive; it is not what a recorder writes"
            )


def _refuse_bomb(path: Path, opened: zipfile.ZipFile) -> None:
    unpacked = sum(info.file_size for info in opened.infolist())
    packed = max(1, path.stat().st_size)
    if unpacked > ALWAYS_ALLOWED and unpacked > MAX_RATIO * packed:
        raise Rejected(
            "zip_bomb",
            f"{path.name} holds {packed:,} bytes and would unpack to {unpacked:,}, over {MAX_RATIO} times as much",
            {"packed": packed, "unpacked": unpacked},
        )
