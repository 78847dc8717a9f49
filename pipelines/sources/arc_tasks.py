"""The tasks of ARC-AGI-1 and ARC-AGI-2: a JSON file each, whose name is the task's id. They become rows of `tasks`.

It gives no trajectories. Those of other sources of the recipe join the rows by `task_id`: what a task's answer is, and what
its demonstrations are, then is known to annotators (`TrajectoryView.task`) whatever the trajectories' own source says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar, cast

from pipelines.formats.arc.tasks import id_of, list_tasks, task_of
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject
from pipelines.sources import LocalFiles, Options, Source, TaskRows


class ArcTasksOptions(Options):
    """`collection`: the set that the tasks belong to, for `tasks.collection`; none joins them to a set that another names."""

    collection: str | None = None


class ArcTasks:
    """Reads folders of ARC tasks."""

    version: ClassVar[str] = "1"
    native: ClassVar[bool] = False
    options: ClassVar[type[Options]] = ArcTasksOptions

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """A ref per file; of a folder its *.json files. Raises Rejected where there is none."""
        for file in list_tasks(source.uri):
            yield Ref(id_of(file), (file,))

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """None: it has no steps."""
        return {}

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterator[TaskRows]:
        """The one task of a file. Raises Rejected where the file cannot be taken."""
        task = task_of(ref.native_id, files.only.read_bytes())
        yield TaskRows([task.row(cast(ArcTasksOptions, source.options).collection)])


READER = ArcTasks
