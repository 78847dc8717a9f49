"""Dealing trajectories to splits by the hash of a key, so that a key never moves as data grows."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipelines.errors import ConfigurationError
from pipelines.recipe import Splits
from schemas.vocabularies import SPLITS

DEFAULT_KEY = {"robot": "trajectory", "arc": "task", "gui": "task", "agent": "task"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """What dealing looks at: ids and small columns of one trajectory. `source_split` is the split its source gave it."""

    trajectory_id: str
    domain: str
    task_id: str | None = None
    scene: str | None = None
    group: str | None = None
    source_split: str | None = None


def deal(candidates: Sequence[Candidate], splits: Splits) -> dict[str, str]:
    """trajectory_id → split.

    A key goes where its hash falls between the thresholds of the ratios. `group` wins over every key, since no split may
    part it. Only where a domain's train split would be empty are its keys ranked, and the first by hash goes to train;
    what a source dealt (`by: source`) stays where it is. Raises ConfigurationError where a source's split is none of ours.
    """
    dealt = {}
    for domain in sorted({c.domain for c in candidates}):
        own = [c for c in candidates if c.domain == domain]
        keys = {c.trajectory_id: split_key(c, splits) for c in own}
        given = _given(own, keys) if splits.by == "source" else {}
        of_key = {key: given.get(key) or _by_hash(key, splits.ratios) for key in set(keys.values())}
        free = of_key.keys() - given.keys()
        if free and splits.train > 0 and "train" not in of_key.values():
            of_key[min(free, key=_position)] = "train"
        dealt.update({trajectory_id: of_key[key] for trajectory_id, key in keys.items()})
    return dealt


def split_key(candidate: Candidate, splits: Splits) -> str:
    """What is dealt as one: the group, else what `by` names, else (where that is null) the trajectory."""
    by = splits.by or DEFAULT_KEY[candidate.domain]
    value = {
        "task": candidate.task_id,
        "scene": candidate.scene,
        "trajectory": candidate.trajectory_id,
        "source": candidate.trajectory_id,
    }[by]
    if candidate.group is not None:
        return f"group {candidate.group}"
    if by == "source" and candidate.source_split is not None:
        return f"source {candidate.source_split}"
    return f"{by} {value}" if value is not None else f"trajectory {candidate.trajectory_id}"


def leaks(candidates: Iterable[Candidate], dealt: Mapping[str, str]) -> list[str]:
    """Sentences about what stands in more than one split: tasks and scenes, by domain."""
    found: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for c in candidates:
        for what, value in (("task", c.task_id), ("scene", c.scene)):
            if value is not None:
                found[c.domain, what][value].add(dealt[c.trajectory_id])
    sentences = []
    for (domain, what), splits_of in sorted(found.items()):
        shared = sorted(value for value, splits in splits_of.items() if len(splits) > 1)
        if shared:
            sentences.append(
                f"{domain}: {len(shared)} of {len(splits_of)} {what}s stand in more than one split (such as {shared[0]!r})"
            )
    return sentences


def _given(candidates: Iterable[Candidate], keys: Mapping[str, str]) -> dict[str, str]:
    """Key → the split that the source gave it; of a group that its source parted, the last in SPLITS."""
    given: dict[str, str] = {}
    for c in candidates:
        if c.source_split is None:
            continue
        if c.source_split not in SPLITS:
            raise ConfigurationError(
                f"the source of {c.trajectory_id} has a split {c.source_split!r}, which is none of {', '.join(SPLITS)}: "
                "deal by another key (release.splits.by)"
            )
        key = keys[c.trajectory_id]
        given[key] = max(given.get(key, c.source_split), c.source_split, key=SPLITS.index)
    return given


def _by_hash(key: str, ratios: Mapping[str, float]) -> str:
    position, reached = _position(key), 0.0
    for split in SPLITS:
        reached += ratios[split]
        if position < reached:
            return split
    return max(SPLITS, key=lambda split: ratios[split])


def _position(key: str) -> float:
    return int(hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:13], 16) / 2**52
