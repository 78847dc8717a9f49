"""What a damaged source may give: a reject, something said, the same content, or (of bytes without a checksum) another recording."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch

from tests.pipelines.sources.mutations.examine import Content, Examined
from tests.pipelines.sources.mutations.kinds import BYTES, Mutation
from tests.pipelines.sources.mutations.samples import Sample

UNTOLD = ("reader_failed",)
"""Codes that say that a reader stopped with an exception nobody expected."""


def faults(sample: Sample, mutation: Mutation, whole: Examined, found: Examined) -> Iterator[str]:
    """What must not come of a mutation; `whole`: the source as it was."""
    for code, message in found.rejects:
        if code in UNTOLD or not re.fullmatch("[a-z][a-z0-9_]+", code) or len(message) < 20:
            yield f"{code}: {message}"
        if str(sample.folder) in message:
            yield f"a path of this machine: {message}"
    said = [reject for reject in found.rejects if reject not in whole.rejects]
    if _same(whole, found) or _moved(sample, mutation, whole, found):
        return
    for name, content in whole.trajectories.items():
        now = found.trajectories.get(name)
        if now is None:
            renamed = any(other.digest == content.digest for other in found.trajectories.values())
            if not said and not renamed and not _alone(sample, mutation):
                yield f"{name} is lost and nothing says so"
        elif now.digest != content.digest and now.amiss == content.amiss:
            yield from _silent(sample, mutation, name, content, now)
    for name in found.trajectories.keys() - whole.trajectories.keys():
        if not said and not sample.unchecked(mutation):
            yield f"{name} is new and nothing says so"


def _same(whole: Examined, found: Examined) -> bool:
    return {k: c.digest for k, c in whole.trajectories.items()} == {k: c.digest for k, c in found.trajectories.items()}


def _moved(sample: Sample, mutation: Mutation, whole: Examined, found: Examined) -> bool:
    """Whether whole recordings have changed places: the name of a file is all that told them apart, and it still does."""
    recordings = mutation.kind == "swap" and _any(mutation.file, sample.recordings)
    before, after = (Counter(c.digest for c in of.trajectories.values()) for of in (whole, found))
    return recordings and before == after


def _alone(sample: Sample, mutation: Mutation) -> bool:
    """Whether a whole recording is gone of which nothing else in the source knows."""
    return mutation.kind == "remove" and _any(mutation.file, sample.recordings)


def _silent(sample: Sample, mutation: Mutation, name: str, before: Content, now: Content) -> Iterator[str]:
    """What is wrong with content that has changed without a word."""
    if mutation.kind == "swap" and any(all(fnmatch(n, one) for n in mutation.changed) for one in sample.alike):
        return
    if not sample.unchecked(mutation):
        yield f"{name} has changed, and the format has a checksum of it"
    elif mutation.kind not in BYTES and not _is_text(mutation):
        yield f"{name} has changed and nothing says so"
    elif now.source == before.source:
        yield f"{name} has changed, and what is recorded of its source has not"


def _is_text(mutation: Mutation) -> bool:
    """Metadata in text says a thing once: a word that lost a letter is another word."""
    return mutation.kind in ("lose", "double") and mutation.file.endswith((".json", ".jsonl", ".yaml", ".zarray", ".zattrs"))


def _any(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatch(name, pattern) for pattern in patterns)
