"""More files than one commit should have: commits on a pull request, merged at once. Readers of main see nothing of it before."""

from __future__ import annotations

from huggingface_hub.community import Discussion

from pipelines.errors import ConfigurationError
from pipelines.release.place import CARD, MANIFEST

from .hub import Hub, operations_of
from .local import LocalRelease, Watch
from .patience import MeanwhileError
from .plan import LocalFile, Plan, make_plan, marker
from .upload import upload

_LAST = (CARD, MANIFEST)


def publish_staged(
    hub: Hub, release: LocalRelease, version: str, head: str, ours: frozenset[str], max_files: int, watch: Watch
) -> str:
    """Bring the release to main through a pull request of commits of at most `max_files` operations; returns the new head.

    A run that was stopped finds its pull request again and goes on in it. Raises MeanwhileError where main has moved.
    """
    mark = marker(version, head, release.files)
    number = hub.patience.call("opening a pull request", lambda: _open(hub, version, mark), lambda: _find(hub, mark))
    revision = f"refs/pr/{number}"
    while True:
        at = hub.head(revision)
        plan = make_plan(release.files, hub.files(at), ours)
        if not plan.operations:
            break
        part = _first_operations(plan, max_files)
        additions = upload(hub, release, part.sent, revision, watch)
        moved = [(source, file.path) for file, source in part.moved]
        operations = operations_of(additions, moved, [file.path for file in part.removed], at)
        hub.commit(revision, at, operations, f"v{version}, a part", marker(version, at, release.files))
    if hub.head("main") != head:
        raise MeanwhileError(
            f"somebody committed to {hub.repo_id} meanwhile; pull request {number} is left unmerged, main is untouched: "
            "close it on its page and run the same command again"
        )
    _merge(hub, number)
    return hub.head("main")


def _first_operations(plan: Plan, most: int) -> Plan:
    """The first part of a plan: contents and names first, then deletions, the card and the manifest at the very end."""
    files = [("sent", file) for file in plan.sent if file.path not in _LAST] + [("moved", pair) for pair in plan.moved]
    taken = files[:most]
    rest = most - len(taken)
    removed = plan.removed[:rest]
    rest -= len(removed)
    last = [file for file in plan.sent if file.path in _LAST] if rest and len(removed) == len(plan.removed) else []
    sent: list[LocalFile] = [file for kind, file in taken if kind == "sent"]  # type: ignore[misc]
    return Plan(
        added=tuple(sent + last[:rest]),
        moved=tuple(pair for kind, pair in taken if kind == "moved"),  # type: ignore[misc]
        removed=tuple(removed),
    )


def _pulls(hub: Hub, mark: str) -> list[Discussion]:
    found = hub.api.get_repo_discussions(hub.repo_id, repo_type="dataset", discussion_type="pull_request")
    return [pull for pull in found if mark in pull.title and pull.status in ("draft", "open")]


def _find(hub: Hub, mark: str) -> int | None:
    return next((pull.num for pull in _pulls(hub, mark)), None)


def _open(hub: Hub, version: str, mark: str) -> int:
    """The pull request of an earlier run, or a new one."""
    found = _find(hub, mark)
    if found is not None:
        return found
    return hub.api.create_pull_request(hub.repo_id, f"v{version} [{mark}]", repo_type="dataset", description=mark).num


def _merge(hub: Hub, number: int) -> None:
    def status() -> str:
        return str(hub.api.get_discussion_details(hub.repo_id, number, repo_type="dataset").status)

    def published() -> bool | None:
        return status() in ("open", "merged") or None

    def merged() -> bool | None:
        return status() == "merged" or None

    def publish() -> bool:
        if status() == "draft":
            hub.api.change_discussion_status(hub.repo_id, number, "open", repo_type="dataset")
        return True

    def merge() -> bool:
        hub.api.merge_pull_request(hub.repo_id, number, repo_type="dataset")
        return True

    hub.patience.call("publishing the pull request", publish, published)
    hub.patience.call("merging the pull request", merge, merged)


def refuse_branch(branch: str, operations: int, max_files: int) -> None:
    """Raise ConfigurationError where a pull request would be needed for another branch than main: they go to main only."""
    if branch != "main" and operations > max_files:
        raise ConfigurationError(
            f"{operations} files change and pull requests, which take more than {max_files}, go to main only: "
            "raise --max-files, or publish without --revision"
        )
