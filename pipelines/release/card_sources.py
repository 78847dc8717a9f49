"""The sources of a card: what was taken and refused of each, where the public finds it, and what was refused and why."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from urllib.parse import urlsplit

from data_cards.facts import RejectFacts, SourceFacts
from pipelines.engine.run import JobResult
from pipelines.recipe import SourceSpec
from pipelines.shard import Reject
from pipelines.stages.release import Release

_RECORDINGS = ("plan", "read", "check")
"""Stages at which a recording is refused; at others it is an annotation."""
_LONGEST_EXAMPLE = 160


def source_facts(release: Release, ingested: JobResult) -> list[SourceFacts]:
    """The sources of the recipe, with what was taken and refused of each.

    A reject of a recording that was taken is about annotations that came with it, and no refusal.
    """
    taken = Counter(header["source_name"] for header in release.catalogue.headers)
    there = {header["trajectory_id"] for header in release.catalogue.headers}
    found = []
    for source in release.recipe.sources:
        own = [r for r in ingested.rejects if r.source_name == source.name and r.stage in _RECORDINGS]
        refused = Counter(r.code for r in own if f"{source.name}/{r.native_id}" not in there)
        found.append(
            SourceFacts(
                name=source.name,
                reader=source.reader,
                license=source.license,
                trajectories=taken[source.name],
                rejects=dict(sorted(refused.items())),
                address=public_address(source),
                revision=source.revision,
                citation=source.citation,
            )
        )
    return found


def public_address(source: SourceSpec) -> str | None:
    """Where the public finds a source: a page of the Hub, or a web address without names, keys and queries in it."""
    if found := re.match(r"hf://(?:datasets/)?(?P<repo>[^/]+/[^/@]+)(?:@(?P<revision>[^/]+))?", source.uri):
        revision = source.revision or found["revision"]
        return f"https://huggingface.co/datasets/{found['repo']}" + (f"/tree/{revision}" if revision else "")
    parts = urlsplit(source.uri)
    if parts.scheme in ("http", "https") and parts.hostname:
        return f"{parts.scheme}://{parts.hostname}{parts.path}"
    return None


def reject_facts(rejects: Sequence[Reject]) -> list[RejectFacts]:
    """What was refused, by source, stage and code."""
    groups: dict[tuple[str, str, str], list[Reject]] = defaultdict(list)
    for reject in rejects:
        groups[reject.source_name, reject.stage, reject.code].append(reject)
    return [
        RejectFacts(source, stage, code, len(group), _shortened(group[0].message))
        for (source, stage, code), group in sorted(groups.items())
    ]


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST_EXAMPLE else f"{text[: _LONGEST_EXAMPLE - 1].rstrip()}…"
