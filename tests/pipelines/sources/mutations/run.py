"""Runs mutations through the decode child of production, with a watchdog of 5 s, and collects what must not come of them."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pipelines.engine import supervise
from pipelines.engine.supervise import ChildDiedError, ChildHungError, supervised
from tests.pipelines.sources.mutations.examine import Examined, examine
from tests.pipelines.sources.mutations.judge import faults
from tests.pipelines.sources.mutations.kinds import Mutation, mutation
from tests.pipelines.sources.mutations.samples import Sample

WATCHDOG_SECONDS = 5.0
CONFIRMING_SECONDS = 60.0
"""For a second look at what seemed to hang: on a machine that stood still nothing ends in time."""
STARTING_SECONDS = 120.0


@dataclass
class Tally:
    """What became of mutations: how many of each sample and kind, and of each end; `faults` as one line each."""

    of: Counter[tuple[str, str]] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        ends = ", ".join(f"{count} {end}" for end, count in sorted(self.ends.items()))
        return "\n".join([f"{self.of.total()} mutations: {ends}", *self.faults])


def run(samples: Sequence[Sample], numbers: Iterable[int], seed: int, scratch: Path) -> Tally:
    """Mutate samples in turn, so that each has as many. A child that dies or hangs is a fault, and the next one goes on."""
    tally = Tally()
    with _patience(STARTING_SECONDS):
        whole = [supervised(examine, sample.reader, str(sample.folder), sample.options) for sample in samples]
    files = [sample.files for sample in samples]
    for number in numbers:
        place = number % len(samples)
        sample = samples[place]
        made = mutation(seed, number, files[place], sample.more, len(samples))
        tally.of[sample.name, made.kind] += 1
        found = _read(sample, made, files[place], scratch / str(number))
        wrong = [found] if isinstance(found, str) else list(faults(sample, made, whole[place], found))
        tally.ends[_end(found, whole[place]) if not wrong else "faults"] += 1
        where = f"seed {seed}, number {number}: {sample.name}: {made.kind} of {made.file}: {made.says}"
        tally.faults += [f"{where}: {one}" for one in wrong]
    return tally


def place(sample: Sample, made: Mutation, files: Mapping[str, bytes], folder: Path) -> Path:
    """The sample in a folder of its own with the mutation in place; what is unchanged is linked."""
    for name in files:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name not in made.changed:
            os.link(sample.folder / name, target)
        elif (data := made.changed[name]) is not None:
            target.write_bytes(data)
    return folder


def _read(sample: Sample, made: Mutation, files: Mapping[str, bytes], folder: Path) -> Examined | str:
    place(sample, made, files, folder)
    try:
        for seconds in (WATCHDOG_SECONDS, CONFIRMING_SECONDS):
            try:
                with _patience(seconds):
                    return supervised(examine, sample.reader, str(folder), sample.options)
            except (ChildDiedError, ChildHungError) as error:
                with _patience(STARTING_SECONDS):  # the next child begins with its imports
                    supervised(examine, sample.reader, str(sample.folder), sample.options)
                if seconds == CONFIRMING_SECONDS or isinstance(error, ChildDiedError):
                    return str(error)
        raise AssertionError
    finally:
        shutil.rmtree(folder)


def _end(found: Examined | str, whole: Examined) -> str:
    assert isinstance(found, Examined)
    if set(found.rejects) - set(whole.rejects):
        return "rejected"
    if found.trajectories == whole.trajectories:
        return "without effect"
    before, after = (sorted(content.digest for content in of.trajectories.values()) for of in (whole, found))
    if before == after:
        return "read as before"
    if set(after) < set(before):
        return "a recording less"
    said = any(c.amiss != whole.trajectories[k].amiss for k, c in found.trajectories.items() if k in whole.trajectories)
    return "reported" if said else "another recording"


@contextmanager
def _patience(seconds: float) -> Iterator[None]:
    before, supervise.PATIENCE_SECONDS = supervise.PATIENCE_SECONDS, seconds
    try:
        yield
    finally:
        supervise.PATIENCE_SECONDS = before
