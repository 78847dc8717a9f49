"""Repositories: files, commits, refs and pull requests, in memory."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

from .accounts import Account, refuse_writer
from .errors import HubError
from .storage import Storage, blob_id

MAIN = "refs/heads/main"
ATTRIBUTES = b"*.parquet filter=lfs diff=lfs merge=lfs -text\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a tree. `oid`: git's name of it (of the pointer for LFS); `content`: sha256."""

    size: int
    oid: str
    content: str
    lfs: bool


Tree = Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class Commit:
    oid: str
    tree: Tree
    parent: str | None
    title: str
    description: str
    date: str
    author: str


@dataclass(slots=True)
class Pull:
    """A pull request; its commits are on `refs/pr/{number}`."""

    number: int
    title: str
    description: str
    author: str
    base: str
    status: str = "draft"
    merge_commit: str | None = None


@dataclass(slots=True)
class Repository:
    kind: str
    id: str
    private: bool = False
    gated: bool = False
    commits: dict[str, Commit] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)
    pulls: list[Pull] = field(default_factory=list)
    moves: list[tuple[str, str | None, str]] = field(default_factory=list)
    """(ref, from, to) of everything that a ref ever did."""

    def point(self, ref: str, oid: str) -> None:
        self.moves.append((ref, self.refs.get(ref), oid))
        self.refs[ref] = oid

    def resolve(self, revision: str) -> Commit:
        """The commit of a branch, tag, ref, commit or its beginning."""
        revision = unquote(revision)
        for ref in (revision, f"refs/heads/{revision}", f"refs/tags/{revision}"):
            if ref in self.refs:
                return self.commits[self.refs[ref]]
        found = [oid for oid in self.commits if len(revision) >= 7 and oid.startswith(revision)]
        if len(found) == 1:
            return self.commits[found[0]]
        raise HubError(404, "RevisionNotFound", f"Invalid rev id: {revision}")

    def commit(self, ref: str, tree: Tree, title: str, description: str = "", author: str = "me") -> Commit:
        """A new commit on `ref`, which moves to it."""
        parent = self.refs.get(ref)
        seed = [parent, sorted((path, entry.oid) for path, entry in tree.items()), title, time.time_ns()]
        oid = hashlib.sha1(json.dumps(seed).encode()).hexdigest()
        date = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        self.commits[oid] = Commit(oid, dict(tree), parent, title, description, date, author)
        self.point(ref, oid)
        return self.commits[oid]

    def history(self, oid: str | None) -> list[Commit]:
        found = []
        while oid:
            found.append(self.commits[oid])
            oid = found[-1].parent
        return found

    def pull(self, number: str) -> Pull:
        if not 0 < int(number) <= len(self.pulls):
            raise HubError(404, None, f"no discussion {number}")
        return self.pulls[int(number) - 1]


class Repositories:
    """All repositories, and who may see them."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._found: dict[tuple[str, str], Repository] = {}

    def get(self, kind: str, repo_id: str) -> Repository:
        return self._found[kind, repo_id]

    def readable(self, kind: str, repo_id: str, account: Account | None) -> Repository:
        """A repository that `account` may read. Raises HubError: to others a private one does not exist."""
        repo = self._found.get((kind, repo_id))
        if repo is None or (repo.private and not (account and account.owns(repo_id.split("/")[0]))):
            status = 404 if account else 401
            raise HubError(status, "RepoNotFound", "Repository not found" if account else "Invalid username or password.")
        return repo

    def writable(self, kind: str, repo_id: str, account: Account | None) -> Repository:
        repo = self.readable(kind, repo_id, account)
        refuse_writer(account, repo_id.split("/")[0])
        return repo

    def create(self, kind: str, repo_id: str, private: bool) -> Repository | None:
        """A new repository with its first commit; None where it is there."""
        if (kind, repo_id) in self._found:
            return None
        repo = self._found[kind, repo_id] = Repository(kind, repo_id, private)
        entry = Entry(len(ATTRIBUTES), blob_id(ATTRIBUTES), self._storage.put(ATTRIBUTES), lfs=False)
        repo.commit(MAIN, {".gitattributes": entry}, "initial commit")
        return repo
