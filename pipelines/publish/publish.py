"""`cairn publish` from end to end: look, judge, upload, one commit, tag, compare."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.errors import ConfigurationError, DataError, RunError
from pipelines.io.store import Store
from pipelines.recipe import Recipe

from .changelog import Renewal, renewal
from .counts import count_configs
from .hub import Hub, Remote, operations_of
from .local import LocalRelease, Watch, read_release
from .plan import Plan, differences, make_plan, marker, shown
from .records import ACCEPTANCE, FINDINGS, PRIVATE_DATA, read_rows
from .refusals import Case, Refusal, refusals
from .staging import publish_staged, refuse_branch
from .upload import upload

MAX_FILES = 1000
"""A commit with more operations is staged on a pull request: the Hub gives up on a commit after 60 s."""


@dataclass(frozen=True, slots=True)
class Destination:
    """Where a release goes. `max_files`: operations of one commit, above it a pull request is used."""

    repo_id: str
    private: bool = False
    branch: str = "main"
    max_files: int = MAX_FILES


@dataclass(frozen=True)
class Prepared:
    """Everything that is known before anything is changed. `published`: the tag is there, with exactly these files.

    `renewed`: the card is to be rendered again, for versions that were made elsewhere; `release` is what it is then.
    """

    to: Destination
    version: str
    release: LocalRelease
    remote: Remote
    plan: Plan
    refusals: tuple[Refusal, ...]
    published: bool
    renewed: Renewal | None = None

    @property
    def tag(self) -> str:
        """The name of the version on the Hub."""
        return f"v{self.version}"


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was done: the commit that holds the release, its tag, and whether a commit was made."""

    commit: str
    tag: str
    committed: bool


def destination(recipe: Recipe, to: str | None, private: bool, branch: str | None, max_files: int) -> Destination:
    """Where to publish. Raises ConfigurationError where nobody says."""
    repo_id = to or recipe.release.repo_id
    if repo_id is None:
        raise ConfigurationError("no repository is named: give --to ORG/NAME, or `release: {repo_id: ORG/NAME}` in the recipe")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo_id):
        raise ConfigurationError(f"{repo_id!r} is no repository: give it as ORG/NAME")
    if max_files < 1:
        raise ConfigurationError(f"--max-files is {max_files}, should be at least 1")
    return Destination(repo_id, private, branch or "main", max_files)


def prepare(recipe: Recipe, store: Store, hub: Hub, to: Destination, watch: Watch) -> Prepared:
    """Look at both sides and judge. Changes nothing. Raises ConfigurationError where there is no release or no access."""
    release = read_release(store, watch)
    remote = hub.look(to.branch)
    renewed = renewal(release, recipe.release.version, remote.tags, hub)
    release = renewed.release if renewed else release
    plan = make_plan(release.files, remote.files, remote.manifest)
    tagged = remote.tags.get(f"v{recipe.release.version}")
    published = tagged is not None and not _changes(release, hub, tagged)
    case = Case(
        licence=recipe.license,
        sources={source.name: source.license for source in recipe.sources},
        version=recipe.release.version,
        gated=[name for name, repo_id in hub_sources(recipe).items() if hub.gated(repo_id)] if not to.private else (),
        private=to.private,
        torn=release.torn,
        version_taken=tagged is not None and not published,
        card=release.front_matter,
        configs={} if release.torn else count_configs(release),
        acceptances=read_rows(store, ACCEPTANCE),
        findings=read_rows(store, FINDINGS),
        private_data=read_rows(store, PRIVATE_DATA),
        repo_private=remote.private if remote.exists else None,
        foreign=plan.foreign,
        files=remote.files,
        manifested=bool(remote.manifest),
    )
    return Prepared(to, recipe.release.version, release, remote, plan, tuple(refusals(case)), published, renewed)


def publish(prepared: Prepared, hub: Hub, watch: Watch) -> Receipt:
    """Make the Hub hold the release, as one commit, tag it, and compare. Raises CairnError; then readers see the old version.

    Where it stopped before, it goes on: contents are not sent again, a commit that arrived is not made again.
    """
    if prepared.refusals:
        raise DataError("not published: " + "; ".join(f"{r.message} ({r.code})" for r in prepared.refusals))
    remote = prepared.remote
    if prepared.renewed:
        prepared.renewed.write()
    if prepared.published:
        return Receipt(remote.tags[prepared.tag], prepared.tag, committed=False)
    head = _head(prepared, hub)
    if prepared.remote.head is None:
        remote = hub.look(prepared.to.branch)
    plan = make_plan(prepared.release.files, remote.files, remote.manifest)
    refuse_branch(prepared.to.branch, plan.operations, prepared.to.max_files)
    commit = _bring(prepared, plan, head, frozenset(remote.manifest), hub, watch) if plan.operations else head
    verify(prepared.release, hub, commit)
    hub.tag(prepared.tag, commit)
    return Receipt(commit, prepared.tag, committed=bool(plan.operations))


def verify(release: LocalRelease, hub: Hub, revision: str) -> None:
    """Compare the checksums of the release with those on the Hub. Raises RunError naming what differs."""
    wrong = differences(release.files, hub.files(revision))
    if wrong:
        raise RunError(
            f"{hub.repo_id} at {revision[:8]} does not hold what was published ({shown(wrong)}); it was not tagged: "
            "run the same command again, and report it where it stays so"
        )


def hub_sources(recipe: Recipe) -> Mapping[str, str]:
    """Source → repository, of the sources that are datasets of the Hub."""
    found = {source.name: re.match(r"hf://datasets/([^/@]+/[^/@]+)", source.uri) for source in recipe.sources}
    return {name: match[1] for name, match in found.items() if match}


def _head(prepared: Prepared, hub: Hub) -> str:
    """The commit to build upon; repository and branch are made where they are not there."""
    if prepared.remote.head is not None:
        return prepared.remote.head
    if not prepared.remote.exists:
        hub.create(prepared.to.private)
    if prepared.to.branch != "main":
        hub.create_branch(prepared.to.branch)
    return hub.head(prepared.to.branch)


def _bring(prepared: Prepared, plan: Plan, head: str, ours: frozenset[str], hub: Hub, watch: Watch) -> str:
    release, to = prepared.release, prepared.to
    if plan.operations > to.max_files:
        return publish_staged(hub, release, prepared.version, head, ours, to.max_files, watch)
    additions = upload(hub, release, plan.sent, to.branch, watch)
    moved = [(source, file.path) for file, source in plan.moved]
    operations = operations_of(additions, moved, [file.path for file in plan.removed], head)
    return hub.commit(to.branch, head, operations, prepared.tag, marker(prepared.version, head, release.files))


def _changes(release: LocalRelease, hub: Hub, tagged: str) -> bool:
    """Whether a tagged version holds anything else than the release."""
    files = hub.files(tagged)
    names = {file.path for file in release.files}
    data = {file.path for file in files if file.path.endswith(".parquet")}
    return bool(differences(release.files, files)) or bool(data - names)
