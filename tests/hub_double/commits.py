"""Commits: all operations of one request at once, or none of them."""

from __future__ import annotations

import base64
import posixpath
from collections import Counter
from typing import Any
from urllib.parse import unquote

from .errors import HubError
from .limits import MAX_ENTRIES_PER_FOLDER
from .messages import Reply, Request
from .repositories import MAIN, Entry, Pull, Repository, Tree
from .storage import blob_id, pointer_of


def commit(request: Request, kind: str, repo_id: str, revision: str) -> Reply:
    """One commit on a branch or pull request; with `create_pr`, on a new pull request."""
    hub = request.hub
    repo = hub.repositories.writable(kind, repo_id, request.account)
    assert request.account is not None
    revision = unquote(revision)
    head = repo.resolve(revision)
    header, *operations = request.lines()
    if header["key"] != "header":
        raise HubError(400, None, "the first line must be the header")
    stated = header["value"]
    if stated.get("parentCommit") and not head.oid.startswith(stated["parentCommit"]):
        raise HubError(412, None, "A commit has happened since. Please refresh and try again.")
    tree = _applied(request, head.tree, operations)
    ref = revision if revision.startswith("refs/") else f"refs/heads/{revision}"
    answer: dict[str, Any] = {"success": True, "hookOutput": ""}
    if request.query.get("create_pr"):
        pull = _open(repo, stated["summary"], stated.get("description") or "", request.account.name)
        ref = f"refs/pr/{pull.number}"
        answer["pullRequestUrl"] = f"{hub.endpoint}/{kind}s/{repo_id}/discussions/{pull.number}"
    made = repo.commit(ref, tree, stated["summary"], stated.get("description") or "", request.account.name)
    return Reply(json=answer | {"commitOid": made.oid, "commitUrl": f"{hub.endpoint}/{kind}s/{repo_id}/commit/{made.oid}"})


def _applied(request: Request, before: Tree, operations: list[Any]) -> Tree:
    """The tree after the operations. Raises HubError where a content is not here, or a deleted file is not there."""
    tree, storage = dict(before), request.hub.storage
    for operation in operations:
        value = operation["value"]
        path = value["path"]
        if operation["key"] == "file":
            data = base64.b64decode(value["content"])
            tree[path] = Entry(len(data), blob_id(data), storage.put(data), lfs=False)
        elif operation["key"] == "lfsFile":
            sha256 = value["oid"]
            if not storage.has(sha256) and not request.hub.xet.rebuild(sha256):
                raise HubError(
                    400, None, f"Your push was rejected because an LFS pointer pointed to a file that does not exist: {path}"
                )
            size = storage.size(sha256)
            tree[path] = Entry(size, blob_id(pointer_of(sha256, size)), sha256, lfs=True)
        elif operation["key"] == "deletedFile":
            if tree.pop(path, None) is None:
                raise HubError(404, "EntryNotFound", "A file with this name doesn't exist")
        elif operation["key"] == "deletedFolder":
            tree = {name: entry for name, entry in tree.items() if not name.startswith(f"{path.rstrip('/')}/")}
        else:
            raise HubError(400, None, f"no operation {operation['key']}")
    if max(Counter(posixpath.dirname(path) for path in tree).values(), default=0) > MAX_ENTRIES_PER_FOLDER:
        raise HubError(400, None, f"too many files in a folder ({MAX_ENTRIES_PER_FOLDER})")
    return tree


def _open(repo: Repository, title: str, description: str, author: str) -> Pull:
    pull = Pull(len(repo.pulls) + 1, title, description, author, repo.refs[MAIN])
    repo.pulls.append(pull)
    repo.point(f"refs/pr/{pull.number}", repo.refs[MAIN])
    return pull


def open_pull(request: Request, kind: str, repo_id: str) -> Reply:
    """A pull request without commits, as a draft."""
    repo = request.hub.repositories.writable(kind, repo_id, request.account)
    assert request.account is not None
    stated = request.json()
    pull = _open(repo, stated["title"], stated.get("description") or "", request.account.name)
    return Reply(json={"num": pull.number, "url": f"{request.hub.endpoint}/{kind}s/{repo_id}/discussions/{pull.number}"})


def list_pulls(request: Request, kind: str, repo_id: str) -> Reply:
    """All of them, newest first, a page at a time."""
    repo = request.hub.repositories.readable(kind, repo_id, request.account)
    wanted, page, size = request.query.get("status", "all"), int(request.query.get("p", 0)), 2
    found = [p for p in reversed(repo.pulls) if wanted == "all" or (p.status in ("open", "draft")) == (wanted == "open")]
    start = page * size
    shown = [_stated(repo, pull) for pull in found[start : start + size]]
    return Reply(json={"count": len(found), "start": start, "discussions": shown})


def get_pull(request: Request, kind: str, repo_id: str, number: str) -> Reply:
    repo = request.hub.repositories.readable(kind, repo_id, request.account)
    pull = repo.pull(number)
    changes = {"base": MAIN} | ({"mergeCommitId": pull.merge_commit} if pull.merge_commit else {})
    return Reply(json=_stated(repo, pull) | {"events": [], "filesWithConflicts": [], "changes": changes, "diff": ""})


def change_pull(request: Request, kind: str, repo_id: str, number: str) -> Reply:
    """Publish a draft, close or reopen a pull request."""
    repo = request.hub.repositories.writable(kind, repo_id, request.account)
    pull, status = repo.pull(number), request.json()["status"]
    if pull.status == "merged":
        raise HubError(409, None, "This pull request is merged")
    pull.status = status
    event = {"id": "1", "type": "status-change", "createdAt": "2026-01-01T00:00:00.000Z", "author": {"name": pull.author}}
    return Reply(json={"newStatus": event | {"data": {"status": status}}})


def merge_pull(request: Request, kind: str, repo_id: str, number: str) -> Reply:
    """Main gets the files of the pull request at once. A draft or a pull request behind main is refused."""
    repo = request.hub.repositories.writable(kind, repo_id, request.account)
    pull = repo.pull(number)
    if pull.status != "open":
        raise HubError(409, None, f"This pull request is {pull.status}, it cannot be merged")
    if repo.refs[MAIN] != pull.base:
        raise HubError(409, None, "This pull request has conflicts")
    tree = repo.commits[repo.refs[f"refs/pr/{pull.number}"]].tree
    merged = repo.commit(MAIN, tree, f"{pull.title} (#{pull.number})", pull.description, pull.author)
    pull.status, pull.merge_commit = "merged", merged.oid
    return Reply(json={})


def _stated(repo: Repository, pull: Pull) -> dict[str, Any]:
    return {
        "title": pull.title, "num": pull.number, "author": {"name": pull.author}, "status": pull.status, "isPullRequest": True,
        "createdAt": "2026-01-01T00:00:00.000Z", "repo": {"name": repo.id, "type": repo.kind},
    }  # fmt: skip
