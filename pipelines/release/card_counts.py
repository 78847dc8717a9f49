"""Counting for the card: every number comes from published files, read one by one and without media.

A trajectory's rows never cross a file, so counts of trajectories and of rows by id add up over files.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from data_cards.facts import DomainFacts, FateFacts, PeopleFacts

Fate = tuple[str, str, str, str]
"""Layer, producer, its version, its type."""

TRAJECTORY_COLUMNS = (
    "trajectory_id", "domain", "agent_type", "embodiment", "success", "num_steps", "duration", "task_id", "instruction", "streams",
)  # fmt: skip
LAYER_COLUMNS = ("trajectory_id", "producer", "quality", "annotator")
HISTORY_COLUMNS = (
    "annotation_id", "layer", "status", "supersedes", "created_at", "submission", "producer", "producer_version",
    "producer_type", "annotator", "seconds",
)  # fmt: skip

_ENGLISH = frozenset(["and", "from", "into", "it", "onto", "that", "the", "then", "this", "to", "with", "your"])
"""Words without which English hardly says anything, and that its neighbours do not have."""
_UNSAID = "not recorded"


@dataclass
class TrajectoryCount:
    """What the rows of `trajectories` say, by domain; `rows` are the small columns of each."""

    rows: dict[str, list[Mapping[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    splits: dict[str, dict[str, list[int]]] = field(default_factory=lambda: defaultdict(dict))

    def add(self, split: str, table: pa.Table) -> None:
        """Count the rows of one file."""
        for row in table.to_pylist():
            self.rows[row["domain"]].append({**row, "streams": len(row["streams"] or ())})
            of_split = self.splits[row["domain"]].setdefault(split, [0, 0])
            of_split[0] += 1
            of_split[1] += row["num_steps"]

    def domain(self, name: str) -> DomainFacts:
        """The facts of one domain."""
        rows = self.rows[name]
        steps = [row["num_steps"] for row in rows]
        times = [row["duration"] for row in rows if row["duration"] is not None]
        success = Counter({True: "success", False: "failure", None: "unknown"}[row["success"]] for row in rows)
        return DomainFacts(
            name=name,
            trajectories=len(rows),
            steps=sum(steps),
            shortest=min(steps),
            median=float(median(steps)),
            longest=max(steps),
            seconds=float(sum(times)),
            timed=len(times),
            tasks=len({row["task_id"] for row in rows} - {None}),
            agents=_by_count(row["agent_type"] or _UNSAID for row in rows),
            devices=_by_count(row["embodiment"] for row in rows if row["embodiment"]),
            outcomes={word: success[word] for word in ("success", "failure", "unknown")},
            splits={split: (n, of_steps) for split, (n, of_steps) in self.splits[name].items()},
        )

    def tasks(self, name: str) -> dict[str, str]:
        """trajectory_id → task_id, of the trajectories of a domain that have one."""
        return {row["trajectory_id"]: row["task_id"] for row in self.rows[name] if row["task_id"] is not None}

    def lacks(self) -> dict[str, int]:
        """What trajectories lack → how many do."""
        every = [(domain, row) for domain, rows in self.rows.items() for row in rows]
        found = {
            "trajectories whose outcome is not recorded": sum(row["success"] is None for _, row in every),
            "trajectories without times": sum(row["duration"] is None for _, row in every),
            "robot and GUI trajectories without an instruction": sum(d != "arc" and not row["instruction"] for d, row in every),
            "robot trajectories without a camera": sum(d == "robot" and not row["streams"] for d, row in every),
        }
        return {what: count for what, count in found.items() if count}


def _by_count(words: Iterable[str]) -> dict[str, int]:
    """Word → how often, the most frequent first."""
    return dict(sorted(Counter(words).items(), key=lambda entry: (-entry[1], entry[0])))


@dataclass
class LayerCount:
    """The current rows of one layer."""

    rows: int = 0
    trajectories: int = 0
    primary: int = 0
    by_people: int = 0
    confirmed: int = 0
    producers: set[str] = field(default_factory=set)

    def add(self, table: pa.Table) -> None:
        """Count the rows of one file."""
        sure = pc.equal(table["quality"], "primary").fill_null(False)
        self.rows += table.num_rows
        self.trajectories += pc.count_distinct(table["trajectory_id"]).as_py()
        self.primary += pc.sum(sure).as_py() or 0
        self.by_people += table.num_rows - table["annotator"].null_count
        self.confirmed += pc.count_distinct(table["trajectory_id"].filter(sure)).as_py()
        self.producers |= set(pc.unique(table["producer"]).to_pylist())


@dataclass
class HistoryCount:
    """What became of every proposal, and what people did, from all states of all rows."""

    fates: dict[Fate, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    rejected: Counter[str] = field(default_factory=Counter)
    added: Counter[str] = field(default_factory=Counter)
    annotators: set[str] = field(default_factory=set)
    submissions: dict[str, float | None] = field(default_factory=dict)

    def add(self, table: pa.Table) -> None:
        """Count the states of one file."""
        last = _last_states(table)
        words = _fates(last)
        names = ["layer", "producer", "producer_version", "producer_type"]
        machine = pc.not_equal(last["producer_type"], "human")
        counted = last.select(names).append_column("fate", pa.array(words)).filter(machine)
        for row in counted.group_by([*names, "fate"]).aggregate([([], "count_all")]).to_pylist():
            key = (row["layer"], row["producer"], row["producer_version"] or "", row["producer_type"])
            self.fates[key][row["fate"]] += row["count_all"]
        self.rejected.update(last["layer"].filter(pc.equal(last["status"], "rejected")).to_pylist())
        new = pc.and_(pc.invert(machine), pc.and_(pc.is_null(last["supersedes"]), pc.not_equal(last["status"], "rejected")))
        self.added.update(last["layer"].filter(new).to_pylist())
        self.annotators |= set(pc.unique(table["annotator"]).to_pylist()) - {None}
        work = table.select(["submission", "seconds"]).filter(pc.is_valid(table["submission"]))
        for row in work.group_by("submission").aggregate([("seconds", "max")]).to_pylist():
            self.submissions[row["submission"]] = row["seconds_max"]

    @property
    def people(self) -> PeopleFacts:
        """The work behind it; a submission counts once, whatever number of rows it left."""
        known = [seconds for seconds in self.submissions.values() if seconds is not None]
        return PeopleFacts(len(self.annotators), len(self.submissions), len(known), float(sum(known)))

    def of_layer(self, layer: str) -> list[FateFacts]:
        """What became of the proposals of each producer of a layer."""
        return [
            FateFacts(
                producer, version, type_, sum(counts.values()), counts["accepted"], counts["corrected"], counts["rejected"]
            )
            for (name, producer, version, type_), counts in sorted(self.fates.items())
            if name == layer
        ]


def _last_states(table: pa.Table) -> pa.Table:
    """The last state of each row: what a machine said comes first, then the states in order of submission."""
    keys = [(name, "ascending") for name in ("annotation_id", "created_at", "submission")]
    ordered = table.take(pc.sort_indices(table, sort_keys=keys, null_placement="at_start"))
    if ordered.num_rows < 2:
        return ordered
    ids = ordered["annotation_id"]
    is_last = pc.not_equal(ids[:-1].combine_chunks(), ids[1:].combine_chunks()).to_pylist()
    return ordered.filter(pa.array([*is_last, True]))


def _fates(last: pa.Table) -> list[str]:
    """accepted, corrected, rejected by people, or open, of each row in its last state; an oracle's own accepted is open."""
    states = dict(zip(last["annotation_id"].to_pylist(), _times(last), strict=True))
    corrections = last.filter(pc.and_(pc.is_valid(last["supersedes"]), pc.not_equal(last["status"], "rejected")))
    replaced = {
        name
        for name, at in zip(corrections["supersedes"].to_pylist(), _times(corrections), strict=True)
        if name in states and at >= states[name]
    }
    word = {"rejected": "rejected", "accepted": "accepted", "corrected": "accepted"}
    columns = (last[name].to_pylist() for name in ("annotation_id", "status", "annotator"))
    return [
        "corrected" if name in replaced and status != "rejected" else "open" if annotator is None else word.get(status, "open")
        for name, status, annotator in zip(*columns, strict=True)
    ]


def _times(table: pa.Table) -> npt.NDArray[np.int64]:
    """Microseconds of each state; what a machine said lies before all else."""
    return np.asarray(table["created_at"].cast(pa.int64()).fill_null(np.iinfo(np.int64).min))


def languages(texts: Iterable[str]) -> list[str]:
    """`en` where the words of at least three texts (or of all) are English by their function words, else nothing.

    A language is only named where it shows; instructions of fewer than three words say nothing.
    """
    long = [words for text in texts if len(words := re.findall(r"[^\W\d_]+", text.lower())) > 2]
    english = sum(sum(word in _ENGLISH for word in words) >= max(1, len(words) // 8) for words in long)
    return ["en"] if long and english >= 0.6 * len(long) else []
