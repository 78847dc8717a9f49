"""Entries in numbered files that are written once: on a local file system and on an object store alike."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

import orjson

from .state import State

Entry = dict[str, Any]
"""One line: `kind` and what the kind has, see `state`."""

FORMAT = 1
_FILE = re.compile(r"(^|/)(\d{8})-[0-9a-f]{8}\.jsonl$")


class LedgerError(Exception):
    """The ledger cannot be written or read. `str()` is a sentence."""


class Storage(Protocol):
    """What the ledger needs of a store; `pipelines.io.store.Store` has it. `put_bytes` is all or nothing."""

    def put_bytes(self, path: str, data: bytes) -> None:
        """Put `data` at `path`; a reader sees all of it or nothing."""

    def read_bytes(self, path: str) -> bytes:
        """The bytes at `path`."""

    def list(self, folder: str) -> list[str]:
        """All files below `folder`."""


class Ledger:
    """The ledger of one project, in `folder` of a store.

    A file is never written twice, and its name ends in a random part, so that two writers take nothing from each other.
    `salt`: of the pseudonyms, for projects that shall know a person by the same one; used when the ledger begins.
    All methods raise LedgerError.
    """

    def __init__(self, storage: Storage, folder: str, salt: str | None = None) -> None:
        self._storage = storage
        self._folder = folder.rstrip("/")
        self._salt = salt
        self._next: int | None = None

    def append(self, entries: Iterable[Entry]) -> None:
        """Add entries, all or none of them; nothing is written where there are none."""
        lines = [orjson.dumps(entry, option=orjson.OPT_SORT_KEYS) for entry in entries]
        if not lines:
            return
        if self._next is None:
            names = self._files()
            self._next = int(names[-1].rsplit("/", 1)[-1][:8]) + 1 if names else 0
            if not names:
                opened = {"kind": "opened", "format": FORMAT, "salt": self._salt or secrets.token_hex(16)}
                lines.insert(0, orjson.dumps(opened, option=orjson.OPT_SORT_KEYS))
        path = f"{self._folder}/{self._next:08d}-{uuid.uuid4().hex[:8]}.jsonl"
        try:
            self._storage.put_bytes(path, b"\n".join(lines) + b"\n")
        except OSError as error:
            raise LedgerError(
                f"the ledger {self._folder} cannot be written ({error.strerror or error}): nothing is lost, what was under way "
                f"is taken up by the next run; make room, then run the same again"
            ) from error
        self._next += 1

    def entries(self) -> Iterator[Entry]:
        """All entries, oldest first."""
        for path in self._files():
            try:
                data = self._storage.read_bytes(path)
            except OSError as error:
                raise LedgerError(f"the ledger's file {path} cannot be read ({error.strerror or error})") from error
            if not data.endswith(b"\n"):
                raise LedgerError(f"the ledger's file {path} is torn: restore it from a copy, people's work may be in it")
            for line in data.splitlines():
                yield orjson.loads(line)

    def state(self) -> State:
        """What holds now."""
        return State().add(self.entries())

    def keep(self, state: State, entries: Iterable[Entry]) -> None:
        """Add entries to the ledger, and then to a state of it."""
        entries = list(entries)
        self.append(entries)
        state.add(entries)

    def _files(self) -> list[str]:
        """Files of the ledger in order; what a killed write left beside them has another name."""
        return sorted(path for path in self._storage.list(self._folder) if _FILE.search(path))
