"""Names of commits: tags that never move, branches, history."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import unquote

from .errors import HubError
from .messages import Reply, Request
from .repositories import Repository


def list_refs(request: Request, kind: str, repo_id: str) -> Reply:
    repo = request.hub.repositories.readable(kind, repo_id, request.account)

    def below(prefix: str) -> list[dict[str, str]]:
        return [
            {"name": ref.removeprefix(prefix), "ref": ref, "targetCommit": oid}
            for ref, oid in repo.refs.items()
            if ref.startswith(prefix)
        ]

    names = {"branches": below("refs/heads/"), "tags": below("refs/tags/"), "converts": []}
    return Reply(json=names | ({"pullRequests": below("refs/pr/")} if request.query.get("include_prs") else {}))


def tag(request: Request, kind: str, repo_id: str, revision: str) -> Reply:
    repo = request.hub.repositories.writable(kind, repo_id, request.account)
    name = unquote(revision) if request.method == "DELETE" else request.json()["tag"]
    return _change(request, repo, f"refs/tags/{name}", lambda: repo.resolve(revision).oid)


def branch(request: Request, kind: str, repo_id: str, name: str) -> Reply:
    repo = request.hub.repositories.writable(kind, repo_id, request.account)
    start = request.json().get("startingPoint") or "main"
    return _change(request, repo, f"refs/heads/{unquote(name)}", lambda: repo.resolve(start).oid)


def _change(request: Request, repo: Repository, ref: str, target: Callable[[], str]) -> Reply:
    if request.method == "DELETE":
        if repo.refs.pop(ref, None) is None:
            raise HubError(404, "RevisionNotFound", f"Invalid rev id: {ref}")
        return Reply()
    if ref in repo.refs:
        raise HubError(409, None, "Reference exists already")
    repo.point(ref, target())
    return Reply()


def history(request: Request, kind: str, repo_id: str, revision: str) -> Reply:
    repo = request.hub.repositories.readable(kind, repo_id, request.account)
    found = repo.history(repo.resolve(revision).oid)
    return Reply(
        json=[
            {"id": c.oid, "title": c.title, "message": c.description, "date": c.date, "authors": [{"user": c.author}]}
            for c in found
        ]
    )
