"""What readers see: the repository, its trees, its files."""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import quote, unquote, urlencode

from .errors import HubError
from .limits import PAGE
from .messages import Reply, Request
from .repositories import Commit, Entry, Repository


def repository(request: Request, kind: str, repo_id: str, revision: str = "main") -> Reply:
    repo = request.hub.repositories.readable(kind, repo_id, request.account)
    commit = repo.resolve(revision)
    return Reply(
        json={
            "_id": "0", "id": repo_id, "author": repo_id.split("/")[0], "sha": commit.oid, "private": repo.private,
            "gated": "auto" if repo.gated else False, "disabled": False, "tags": [], "downloads": 0, "likes": 0,
            "lastModified": commit.date, "createdAt": commit.date, "siblings": [{"rfilename": path} for path in commit.tree],
        }
    )  # fmt: skip


def tree(request: Request, kind: str, repo_id: str, revision: str, folder: str | None = None) -> Reply:
    """Entries below a folder, a page at a time, the next page in `Link`."""
    repo = request.hub.repositories.readable(kind, repo_id, request.account)
    commit = repo.resolve(revision)
    base = unquote(folder or "").rstrip("/")
    prefix = f"{base}/" if base else ""
    recursive = request.query.get("recursive", "").lower() in ("true", "1")
    files, folders = [], set()
    for path, entry in sorted(commit.tree.items()):
        if path.startswith(prefix):
            parts = path[len(prefix) :].split("/")
            folders |= {prefix + "/".join(parts[:depth]) for depth in range(1, len(parts)) if recursive or depth == 1}
            files += [_stated(path, entry)] if recursive or len(parts) == 1 else []
    found = [_folder(path) for path in sorted(folders)] + files
    if base and not found:
        raise HubError(404, "EntryNotFound", f"{base} does not exist on this revision")
    start = int(request.query.get("cursor", 0))
    headers = {}
    if start + PAGE < len(found):
        query = urlencode({**request.query, "cursor": start + PAGE})
        headers["Link"] = f'<{request.hub.endpoint}{request.path}?{query}>; rel="next"'
    page = found[start : start + PAGE]
    if request.query.get("expand", "").lower() in ("true", "1"):
        page = [_expanded(repo, commit, stated) for stated in page]
    return Reply(json=page, headers=headers)


def paths_info(request: Request, kind: str, repo_id: str, revision: str) -> Reply:
    repo = request.hub.repositories.readable(kind, repo_id, request.account)
    commit = repo.resolve(revision)
    found = []
    for path in (path.rstrip("/") for path in request.form("paths")):
        if path in commit.tree:
            found.append(_stated(path, commit.tree[path]))
        elif any(name.startswith(f"{path}/") for name in commit.tree):
            found.append(_folder(path))
    if b"expand=true" in request.body.lower():
        found = [_expanded(repo, commit, stated) for stated in found]
    return Reply(json=found)


def resolve(request: Request, kind: str, repo_id: str, revision: str, path: str) -> Reply:
    """A file: a small one directly, an LFS file through a redirect to storage that carries its ETag and size."""
    repo = request.hub.repositories.readable(kind, repo_id, request.account)
    commit, path = repo.resolve(revision), unquote(path)
    if repo.gated and not (request.account and request.account.owns(repo_id.split("/")[0])):
        raise HubError(403, "GatedRepo", "Access to this dataset is restricted: ask for it on its page")
    entry = commit.tree.get(path)
    if entry is None:
        raise HubError(404, "EntryNotFound", "Entry not found", {"X-Repo-Commit": commit.oid})
    headers = {"X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
    if not entry.lfs:
        return _content(request, entry, path, headers | {"ETag": f'"{entry.oid}"'})
    linked = {"X-Linked-ETag": f'"{entry.content}"', "X-Linked-Size": str(entry.size), "ETag": f'"{entry.oid}"'}
    place = f"{request.hub.storage_endpoint}/storage/{entry.content}/{quote(path)}?signed=1"
    return Reply(302, headers=headers | linked | {"Location": place})


def stored(request: Request, sha256: str, path: str) -> Reply:
    """A content, from the storage that a redirect names; the signed address is the right to read it."""
    if not request.query.get("signed") or not request.hub.storage.has(sha256):
        raise HubError(403, None, "AccessDenied")
    entry = Entry(request.hub.storage.size(sha256), "", sha256, lfs=True)
    return _content(request, entry, unquote(path), {"Accept-Ranges": "bytes", "ETag": f'"{sha256}"'})


def _content(request: Request, entry: Entry, path: str, headers: dict[str, str]) -> Reply:
    """A file, or the one range of it that was asked for."""
    first, last, status = 0, entry.size - 1, 200
    headers["Content-Type"] = "application/octet-stream"
    asked = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("Range", ""))
    if asked and (asked[1] or asked[2]):
        first = int(asked[1]) if asked[1] else max(0, entry.size - int(asked[2]))
        last = min(int(asked[2]), last) if asked[1] and asked[2] else last
        if first >= entry.size:
            raise HubError(416, None, "out of range", {"Content-Range": f"bytes */{entry.size}"})
        status = 206
        headers["Content-Range"] = f"bytes {first}-{last}/{entry.size}"
    file = request.hub.storage.path(entry.content)
    return Reply(status, headers=headers, file=file, first=first, length=last - first + 1, about=path)


def _stated(path: str, entry: Entry) -> dict[str, Any]:
    stated: dict[str, Any] = {"type": "file", "path": path, "size": entry.size, "oid": entry.oid}
    if entry.lfs:
        stated["lfs"] = {"oid": entry.content, "size": entry.size, "pointerSize": 134}
    return stated


def _expanded(repo: Repository, commit: Commit, stated: dict[str, Any]) -> dict[str, Any]:
    """What `expand` adds: the commit that last changed a file. Clients tell from it when a file was modified."""
    path, last = stated["path"], commit
    for before in repo.history(commit.parent):
        if before.tree.get(path) != commit.tree.get(path):
            break
        last = before
    return stated | {"lastCommit": {"id": last.oid, "title": last.title, "date": last.date}}


def _folder(path: str) -> dict[str, Any]:
    return {"type": "directory", "path": path, "oid": hashlib.sha1(path.encode()).hexdigest(), "size": 0}
