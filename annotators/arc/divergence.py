"""Where a failed ARC trace parts from a successful one (Recon-Act's contrast of trajectories; layer `divergence`).

Of the traces of the same task and test that succeeded, the one that goes the same way longest is what a failed trace is
compared with; the step at which each of them leaves for another state is the divergence point. Of several, the first by
id counts. Traces that begin in different states, or of which one only ends earlier, part nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TaskView
from .paths import TABLE, Path, divergence, paths_of


@dataclass(frozen=True, slots=True)
class Parting:
    """A failed path, the successful one that it follows for `shared` moves, and the step of each that leads elsewhere."""

    failed: Path
    succeeded: Path
    shared: int
    failed_step: int
    succeeded_step: int


@dataclass
class _Branch:
    """Successful paths that have gone the same way: the first of them, and where they go from here."""

    path: Path
    ways: dict[str, _Branch]


def partings(paths: Sequence[Path]) -> list[Parting]:
    """Each failed path with its divergence point, in the order of `paths`; those that part nowhere are not in it."""
    succeeded = [path for path in paths if path.entries and path.outcome(0) == 1]
    roots: dict[str, _Branch] = {}
    for path in succeeded:
        branch = roots.setdefault(path.entries[0][1], _Branch(path, {}))
        for move in path.moves:
            branch = branch.ways.setdefault(move.target, _Branch(path, {}))
    found = []
    for path in paths:
        if not path.entries or path.outcome(0) != 0 or path.entries[0][1] not in roots:
            continue
        branch, shared = roots[path.entries[0][1]], 0
        while shared < len(path.moves) and path.moves[shared].target in branch.ways:
            branch, shared = branch.ways[path.moves[shared].target], shared + 1
        at = divergence(path, branch.path)
        if at is not None:
            found.append(Parting(path, branch.path, shared, *at))
    return found


@dataclass(frozen=True)
class Divergence:
    """Proposes `divergence`."""

    name: ClassVar[str] = "arc.divergence"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("divergence",)
    requires: ClassVar[Requires] = Requires("arc", tables=(TABLE,), scope="task", task=True)
    deterministic: ClassVar[bool] = True

    def propose(self, task: TaskView) -> Iterable[Annotation]:
        """A link between two steps per failed trace, about that trace."""
        for one in partings(paths_of(task)):
            payload = {
                "source_step": one.failed_step,
                "destination_step": one.succeeded_step,
                "relation": "diverges",
                "evidence": f"{one.succeeded.trajectory_id} goes the same way for {one.shared} moves and succeeds",
            }
            start = one.failed_step
            yield Annotation(
                "divergence",
                payload,
                start,
                start + 1,
                target=one.succeeded.trajectory_id,
                trajectory_id=one.failed.trajectory_id,
            )


ANNOTATOR = Divergence()
