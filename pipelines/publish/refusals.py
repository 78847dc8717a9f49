"""Why a release is not published: small rules, each with a stable code and a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from typing import Any

from .licences import licence_faults
from .plan import RemoteFile, shown


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason: stable `code`, and what is wrong and what to do."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ConfigCounts:
    """What the shards of one config say: features as a card's YAML spells them, or None; rows by split."""

    features: Any
    rows: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Case:
    """All that is judged. `acceptances`, `findings`, `private`: rows that the workspace holds (`records`), empty without."""

    licence: str
    sources: Mapping[str, str]
    version: str
    gated: Sequence[str] = ()
    private: bool = False
    torn: Sequence[str] = ()
    version_taken: bool = False
    card: Mapping[str, Any] = field(default_factory=dict)
    configs: Mapping[str, ConfigCounts] = field(default_factory=dict)
    acceptances: Sequence[Mapping[str, Any]] = ()
    findings: Sequence[Mapping[str, Any]] = ()
    private_data: Sequence[Mapping[str, Any]] = ()
    repo_private: bool | None = None
    foreign: Sequence[str] = ()
    files: Sequence[RemoteFile] = ()
    manifested: bool = False


def refusals(case: Case) -> list[Refusal]:
    """All reasons not to publish, in order of the rules."""
    rules = (
        torn, licences, gated_sources, version_exists, card_differs, acceptance_below_bar, finding_open, private_data_open,
        repository_public, repository_foreign,
    )  # fmt: skip
    return [refusal for rule in rules for refusal in rule(case)]


def torn(case: Case) -> Iterator[Refusal]:
    """`release_changed`: the files are those of the manifest."""
    if case.torn:
        message = f"{shown(case.torn)}: not what the manifest lists; run `cairn release` again, it mends what was changed"
        yield Refusal("release_changed", message)


def licences(case: Case) -> Iterator[Refusal]:
    """`licence_unknown`, `licence_not_allowed`: each source allows the dataset's licence."""
    for code, message in licence_faults(case.licence, case.sources):
        yield Refusal(code, message)


def gated_sources(case: Case) -> Iterator[Refusal]:
    """`source_gated`: a public copy would go round the terms that readers of a gated source agree to."""
    if not case.private:
        for name in case.gated:
            yield Refusal(
                "source_gated",
                f"source {name!r} is a gated repository, whose readers agree to terms: publish with --private, or leave it out",
            )


def version_exists(case: Case) -> Iterator[Refusal]:
    """`version_exists`: a tag names one content for ever."""
    if case.version_taken:
        yield Refusal(
            "version_exists",
            f"version {case.version} is published with other files, and a version never changes: raise release.version",
        )


def card_differs(case: Case) -> Iterator[Refusal]:
    """`card_differs`: features and numbers that a card states are those of the shards; loaders fail or lie otherwise."""
    stated = case.card.get("dataset_info") or []
    for info in [stated] if isinstance(stated, Mapping) else stated:
        name = info.get("config_name", "default")
        found = case.configs.get(name)
        if found is None:
            yield _card(f"it states dataset_info of {name!r}, which no file belongs to")
            continue
        if "features" in info and found.features is not None and info["features"] != found.features:
            yield _card(
                f"features of {name!r} are not those of its files ({_first_difference(info['features'], found.features)})"
            )
        for split in info.get("splits") or ():
            rows = found.rows.get(split["name"], 0)
            if split.get("num_examples", rows) != rows:
                yield _card(f"{name!r}, split {split['name']}: num_examples is {split['num_examples']}, its files hold {rows}")


def acceptance_below_bar(case: Case) -> Iterator[Refusal]:
    """`acceptance_below_bar`: the last sample of each reviewed batch reached the project's bar."""
    last = {(row["project"], row["batch"]): row for row in sorted(case.acceptances, key=lambda r: r["round"])}
    for (project, batch), row in sorted(last.items()):
        if row["checked"] and row["right"] / row["checked"] < row["bar"]:
            share = f"{row['right']} of {row['checked']} were right, the bar is {row['bar']:.0%}"
            message = f"project {project!r}, batch {batch}: {share}; let it be reviewed again, then `cairn review resolve`"
            yield Refusal("acceptance_below_bar", message)


def finding_open(case: Case) -> Iterator[Refusal]:
    """`finding_open`: what a person must settle is settled."""
    found = [row for row in case.findings if row["open"]]
    if found:
        first = f"{found[0]['project']}: {found[0]['message']}"
        yield Refusal(
            "finding_open", f"{len(found)} findings of the review are open, the first: {first}; see `cairn review status`"
        )


def private_data_open(case: Case) -> Iterator[Refusal]:
    """`private_data_open`: what the scan for private data found is decided."""
    found = [row for row in case.private_data if row["decision"] is None]
    if found:
        first = f"{found[0]['trajectory_id']}, {found[0]['kind']}"
        yield Refusal("private_data_open", f"{len(found)} finds of private data are undecided, the first: {first}; decide them")


def repository_public(case: Case) -> Iterator[Refusal]:
    """`repository_public`: what is meant to be private does not go where everybody reads."""
    if case.private and case.repo_private is False:
        yield Refusal(
            "repository_public", "--private was given and the repository is public: make it private on its page first"
        )


def repository_foreign(case: Case) -> Iterator[Refusal]:
    """`repository_foreign`: the repository is ours or empty, and no file of others would be read as part of a config."""
    strangers = [file.path for file in case.files if not file.path.startswith(".")]
    if strangers and not case.manifested and strangers != ["README.md"]:
        message = f"the repository holds files that Cairn did not publish ({shown(strangers)}): name an empty one with --to"
        yield Refusal("repository_foreign", message)
        return
    globs = [data["path"] for config in case.card.get("configs") or () for data in config.get("data_files") or ()]
    mixed = [path for path in case.foreign if any(fnmatch(path, glob) for glob in globs)]
    if mixed:
        message = f"{shown(mixed)}: not of Cairn's, and loaders would read it as part of the dataset; delete or rename it there"
        yield Refusal("repository_foreign", message)


def _card(message: str) -> Refusal:
    return Refusal("card_differs", f"the card does not fit the files: {message}; run `cairn release` again")


def _first_difference(stated: Collection[Any], found: Collection[Any]) -> str:
    names = [[feature.get("name") for feature in side] for side in (stated, found)]
    lacking = [f"{name} is not on the card" for name in names[1] if name not in names[0]]
    extra = [f"{name} is in no file" for name in names[0] if name not in names[1]]
    return next(iter(lacking + extra), "order or type of a column")
