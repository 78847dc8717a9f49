"""What an annotator sees: one trajectory with its header, its tables, and its media on demand, or those of one task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from schemas.tables import STEP_TABLES

from .task import Task


@dataclass(frozen=True)
class TrajectoryView:
    """One trajectory, read-only.

    `header` is its row of `trajectories`; `tables` holds its rows of the other stored tables (`gui_steps`, `videos`,
    `gui_trees`, …), each sorted by step or frame. Packed columns (`screenshot`, `tree`, `image`, `video`) hold a sha256:
    `read_media(sha256)` gives the bytes, `open_media(sha256)` a local path for the time of a `with`. `task` is given to
    annotators that declare `Requires.task`; None where no source says what the task is. `known`: what was decoded of the
    trajectory, by name, so that the next annotator finds it.
    """

    header: Mapping[str, Any]
    tables: Mapping[str, pa.Table]
    read_media: Callable[[str], bytes]
    open_media: Callable[[str], AbstractContextManager[Path]]
    task: Task | None = None
    known: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def trajectory_id(self) -> str:
        """`<source name>/<native id>`."""
        return str(self.header["trajectory_id"])

    @property
    def num_steps(self) -> int:
        """Rows of `steps`."""
        return int(self.header["num_steps"])

    @property
    def steps(self) -> pa.Table:
        """The step table of its domain, sorted by step."""
        return self.tables[STEP_TABLES[self.header["domain"]]]


@dataclass(frozen=True, eq=False)
class Trajectories:
    """Many trajectories at once: `views` of each, and the `steps` of all, which stand one after another in that order.

    `known`: what was decoded of all of them, by name.
    """

    views: Sequence[TrajectoryView]
    steps: pa.Table
    known: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """Steps of each."""
        return np.array([view.num_steps for view in self.views], np.int64)


@dataclass(frozen=True)
class TaskView:
    """All trajectories of one task that have what the annotator requires, in order of id, with the columns it declares.

    `task`: as in `TrajectoryView`.
    """

    task_id: str
    trajectories: tuple[TrajectoryView, ...]
    task: Task | None = None
