"""Files that come in as Xet blocks: a file is rebuilt from them when a commit names its sha256, and compared with it.

The mapping sha256 → blocks arrives only inside a binary shard (MDB); a block holds chunks with 8-byte headers, packed with LZ4,
or with LZ4 after grouping every fourth byte (BG4).
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import pyarrow as pa

from .errors import HubError
from .storage import Storage

_VERIFIED, _WITH_SHA256 = 1 << 31, 1 << 30


class XetStore:
    """Blocks on disk, and which chunks of them make which file."""

    def __init__(self, root: Path, storage: Storage) -> None:
        self._root, self._storage = root, storage
        root.mkdir(parents=True, exist_ok=True)
        self._file_of: dict[str, str] = {}
        self._segments: dict[str, list[tuple[str, int, int]]] = {}

    def put_block(self, name: str, data: bytes) -> None:
        (self._root / name).write_bytes(data)

    def read_shard(self, data: bytes) -> None:
        """Learn the files of a shard: 48-byte records after a 48-byte header, up to one of 0xff."""
        at = 48
        while at + 48 <= len(data) and data[at : at + 32] != b"\xff" * 32:
            file = _hex(data[at : at + 32])
            flags, count = struct.unpack("<II", data[at + 32 : at + 40])
            at += 48
            self._segments[file] = [
                (_hex(data[j : j + 32]), *struct.unpack("<II", data[j + 40 : j + 48]))
                for j in range(at, at + 48 * count, 48)
            ]  # fmt: skip
            at += 48 * count * (2 if flags & _VERIFIED else 1)
            if flags & _WITH_SHA256:
                raw = data[at : at + 32]
                self._file_of[raw.hex()] = self._file_of[_hex(raw)] = file
                at += 48

    def rebuild(self, sha256: str) -> bool:
        """Put the file into the storage; False where nobody uploaded it."""
        if sha256 not in self._file_of:
            return False
        parts = []
        cached: dict[str, list[bytes]] = {}
        for block, first, end in self._segments[self._file_of[sha256]]:
            if block not in cached:
                cached = {block: self._chunks(block)}
            parts += cached[block][first:end]
        data = b"".join(parts)
        if hashlib.sha256(data).hexdigest() != sha256:
            raise HubError(500, None, f"the blocks of {sha256} make another file")
        self._storage.put(data)
        return True

    def _chunks(self, block: str) -> list[bytes]:
        data = (self._root / block).read_bytes()
        at, found = 0, []
        while at + 8 <= len(data) and data[at : at + 7] != b"XETBLOB":
            packed = int.from_bytes(data[at + 1 : at + 4], "little")
            scheme = data[at + 4]
            size = int.from_bytes(data[at + 5 : at + 8], "little")
            chunk = data[at + 8 : at + 8 + packed]
            at += 8 + packed
            if scheme:
                chunk = pa.decompress(chunk, decompressed_size=size, codec="lz4", asbytes=True)
            found.append(_ungrouped(chunk, size) if scheme == 2 else chunk)
        return found


def _ungrouped(chunk: bytes, size: int) -> bytes:
    """Bytes 0, 4, 8 …, then 1, 5, 9 …, put back in order."""
    plain, at = bytearray(size), 0
    for phase in range(4):
        length = (size + 3 - phase) // 4
        plain[phase::4] = chunk[at : at + length]
        at += length
    return bytes(plain)


def _hex(data: bytes) -> str:
    """Xet prints a hash of 32 bytes as four little-endian words."""
    return "".join(f"{word:016x}" for word in struct.unpack("<4Q", data))
