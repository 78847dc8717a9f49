"""A dataset repository on the Hub: what it holds, and the few changes that a publication makes. Every call is patient."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import httpx2
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationCopy,
    CommitOperationDelete,
    HfApi,
    get_session,
    hf_hub_url,
    hf_raise_for_status,
    is_offline_mode,
    set_client_factory,
)
from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import RepoFile
from huggingface_hub.utils._headers import build_hf_headers
from huggingface_hub.utils.tqdm import disable_progress_bars

from pipelines.errors import ConfigurationError
from pipelines.release.place import MANIFEST

from .patience import Patience
from .plan import RemoteFile, read_manifest

Operation = CommitOperationAdd | CommitOperationCopy | CommitOperationDelete


@dataclass(frozen=True, slots=True)
class Remote:
    """What a repository holds on one branch: its files, its tags (name → commit) and the files of our last manifest."""

    exists: bool = False
    private: bool = False
    head: str | None = None
    files: tuple[RemoteFile, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    manifest: Mapping[str, str] = field(default_factory=dict)


class Hub:
    """One dataset repository, `ORG/NAME`."""

    def __init__(self, repo_id: str, api: HfApi | None = None, patience: Patience | None = None) -> None:
        self.repo_id = repo_id
        self.api = api or HfApi()
        self.patience = patience or Patience()

    def look(self, branch: str) -> Remote:
        """The state of a branch; without files where it, or the repository, is not there yet."""
        try:
            info = self.patience.call("asking for the repository", lambda: self._info(None))
        except RepositoryMissingError:
            return Remote()
        refs = self.patience.call("listing tags", lambda: self.api.list_repo_refs(self.repo_id, repo_type="dataset"))
        head = next((str(ref.target_commit) for ref in refs.branches if ref.name == branch), None)
        tags = {ref.name: str(ref.target_commit) for ref in refs.tags}
        if head is None:
            return Remote(True, bool(info.private), None, (), tags)
        files = self.files(head)
        manifest = read_manifest(self.text(MANIFEST, head)) if any(f.path == MANIFEST for f in files) else {}
        return Remote(True, bool(info.private), head, files, tags, manifest)

    def files(self, revision: str) -> tuple[RemoteFile, ...]:
        """All files at a revision."""
        entries = self.patience.call(
            "listing files",
            lambda: list(self.api.list_repo_tree(self.repo_id, repo_type="dataset", revision=revision, recursive=True)),
        )
        return tuple(
            RemoteFile(e.path, e.size, e.blob_id, e.lfs.sha256 if e.lfs else None) for e in entries if isinstance(e, RepoFile)
        )

    def text(self, path: str, revision: str) -> str:
        """A small file as text."""

        def read() -> str:
            url = hf_hub_url(self.repo_id, path, repo_type="dataset", revision=revision, endpoint=self.api.endpoint)
            response = get_session().get(url, headers=build_hf_headers(token=self.api.token))
            hf_raise_for_status(response)
            return str(response.text)

        return self.patience.call(f"reading {path}", read)

    def create(self, private: bool) -> None:
        """Make the repository."""
        self.patience.call(
            f"creating {self.repo_id}",
            lambda: self.api.create_repo(self.repo_id, repo_type="dataset", private=private or None, exist_ok=True),
        )

    def create_branch(self, branch: str) -> None:
        """Make a branch at the head of main."""
        self.patience.call(
            f"creating the branch {branch}",
            lambda: self.api.create_branch(self.repo_id, repo_type="dataset", branch=branch, exist_ok=True),
        )

    def head(self, revision: str) -> str:
        """The commit of a revision."""
        return str(self.patience.call("asking for the last commit", lambda: self._info(revision)).sha)

    def commit(self, revision: str, parent: str, operations: Sequence[Operation], title: str, mark: str) -> str:
        """One commit on top of `parent`, or the one that has arrived already; returns its oid. `mark` recognises it.

        `parent` makes a second one impossible: a repeated request that comes after the first answers 412.
        """
        what = f"committing to {self.repo_id}"
        info = self.patience.call(
            what,
            lambda: self.api.create_commit(
                self.repo_id, operations, commit_message=title, commit_description=mark, repo_type="dataset",
                revision=revision, parent_commit=parent,
            ).oid,
            lambda: self.commit_of(revision, mark),
        )  # fmt: skip
        return str(info)

    def commit_of(self, revision: str, mark: str) -> str | None:
        """The commit of the latest few that bears the mark."""
        found = self.api.list_repo_commits(self.repo_id, repo_type="dataset", revision=revision)[:50]
        return next((str(commit.commit_id) for commit in found if mark in commit.message), None)

    def tag(self, name: str, commit: str) -> None:
        """Tag a commit. Raises ConfigurationError where the tag is on another one; it is never moved."""

        def made() -> str | None:
            refs = self.api.list_repo_refs(self.repo_id, repo_type="dataset")
            return next((str(ref.target_commit) for ref in refs.tags if ref.name == name), None)

        def make() -> str:
            self.api.create_tag(self.repo_id, tag=name, revision=commit, repo_type="dataset")
            return commit

        found = self.patience.call(f"setting the tag {name}", make, made)
        if found != commit:
            raise ConfigurationError(
                f"the tag {name} of {self.repo_id} is on another commit ({found[:8]}) and is not moved: raise release.version"
            )

    def gated(self, repo_id: str) -> bool:
        """Whether a source repository asks its readers to agree to terms. One that cannot be seen is taken for gated."""
        try:
            info = self.patience.call("asking for a source", lambda: self._info(None, repo_id))
        except RepositoryMissingError:
            return True
        return bool(info.gated)

    def _info(self, revision: str | None, repo_id: str | None = None):  # type: ignore[no-untyped-def] # the client's DatasetInfo
        try:
            return self.api.dataset_info(repo_id or self.repo_id, revision=revision)
        except RevisionNotFoundError as error:
            raise ConfigurationError(f"{repo_id or self.repo_id} has no revision {revision}; check the name") from error
        except RepositoryNotFoundError as error:
            raise RepositoryMissingError(
                f"there is no dataset {repo_id or self.repo_id} that this token can see; check the name and the token"
            ) from error


class RepositoryMissingError(ConfigurationError):
    """There is no such repository, or it is private and not ours."""


def set_up_client(timeout: float = 120.0) -> None:
    """Give the process's Hub client a time-out (it has none, so a stalled connection would hang for ever), and no bars.

    Raises ConfigurationError where the environment forbids to use the network.
    """
    if is_offline_mode():
        raise ConfigurationError("HF_HUB_OFFLINE is set, so the Hub may not be asked: unset it")
    limits = httpx2.Timeout(timeout, connect=min(timeout, 20.0))
    set_client_factory(lambda: httpx2.Client(follow_redirects=True, timeout=limits))
    disable_progress_bars()


def operations_of(
    additions: Sequence[CommitOperationAdd], moved: Sequence[tuple[str, str]], removed: Sequence[str], head: str
) -> list[Operation]:
    """A commit's operations: uploads, files that get another name (from `head`), deletions."""
    copies = [CommitOperationCopy(src_path_in_repo=source, path_in_repo=path, src_revision=head) for source, path in moved]
    return [*additions, *copies, *(CommitOperationDelete(path, is_folder=False) for path in removed)]
