"""Contents by sha256 on disk."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path


class Storage:
    """A folder of contents; what has no whole content is not there."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        return self._root / sha256

    def has(self, sha256: str) -> bool:
        return self.path(sha256).exists()

    def size(self, sha256: str) -> int:
        return self.path(sha256).stat().st_size

    def put(self, data: bytes) -> str:
        """Store `data`; returns its sha256."""
        sha256 = hashlib.sha256(data).hexdigest()
        temporary = self._root / f"{sha256}.{threading.get_ident()}.tmp"
        temporary.write_bytes(data)
        os.replace(temporary, self.path(sha256))
        return sha256


def blob_id(data: bytes) -> str:
    """git's name of a file."""
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def pointer_of(sha256: str, size: int) -> bytes:
    """The file that git holds in place of an LFS file."""
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()
