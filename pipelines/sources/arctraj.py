"""ARCTraj: what people did in O2ARC 3.0 on the 400 training tasks of ARC-AGI-1, one attempt a row of a CSV file.

    logId, userId, taskId, actionSequence, startedAt, endedAt[, score]          as on the Hub
    id, userId, taskId (1 to 400), actionSequence, startedAt, endedAt, parsed_trajectory     an older export

A number as `taskId` is the place in the sorted names of ARC-AGI-1's training tasks, so it needs the option `tasks`, the
folder of their JSON files. From there also comes what was seen before the first action, which the rows don't say: the
input of the task's first test (no other was ever played). Without it, it is taken from a first action that changes nothing.

A record shows the layers *after* its action (`pipelines.formats.arc.arctraj`): `background` and `floating` hold them,
`grid_after` what a person saw then, `grid_before` what was seen after the step before. `source_action` is the action
without its layers and its stamp. The rows' own `succeed` is constantly false, so `success` is null until `arc.success`
has compared the grid with the answer. Times without a zone are UTC.

A file is read in stretches of bytes, since one may hold gigabytes: a row is a line, and belongs to where its first byte is.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import ClassVar, Literal, cast

from pipelines.formats.arc.arctraj_batch import KnownTasks, batch_of
from pipelines.formats.arc.arctraj_rows import file_index, rows_between
from pipelines.formats.arc.tasks import id_of, list_tasks, read_task, task_of
from pipelines.io.files import filesystem, list_files
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject
from pipelines.sources import Batch, LocalFiles, Options, Rejected, Source, TaskRows
from schemas.identity import digest

STRETCH = 16_000_000
"""Bytes of a file that are read at once."""

BYTES_PER_STEP = 740
"""116 MB hold 157,399 actions (measured): how many steps a stretch has, for cutting shards without reading it."""

_TASKS = "tasks"


class ArcTrajOptions(Options):
    """`tasks`: folder (path or URI) of the training tasks of ARC-AGI-1; `collection`: their set, for `tasks.collection`."""

    uris: ClassVar[tuple[str, ...]] = (_TASKS,)
    tasks: str | None = None
    collection: str | None = "ARC-AGI-1"
    agent_type: Literal["human", "model", "script"] = "human"


class ArcTraj:
    """Reads CSV files of ARCTraj."""

    version: ClassVar[str] = "1"
    native: ClassVar[bool] = False
    options: ClassVar[type[Options]] = ArcTrajOptions

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """A ref for the tasks, and one per stretch of a file. Raises Rejected where there is no file, or no task."""
        stamp = None
        if (uri := cast(ArcTrajOptions, source.options).tasks) is not None:
            tasks = list_tasks(uri)
            stamp = digest([[file.name, file.size, file.stamp] for file in tasks])[:16]
            yield Ref(_TASKS, tuple(tasks))
        for file in list_files(source.uri, "**/*.csv"):
            name = file.name.removesuffix(".csv")
            local = filesystem(file.uri)[0].protocol in ("file", ("file", "local"))
            for start in range(0, max(file.size, 1), STRETCH if local else max(file.size, 1)):
                end = min(start + STRETCH, file.size) if local else file.size
                selector = json.dumps({"start": start, "end": end, "tasks": stamp})
                yield Ref(f"{name}@{start}", (file,), selector, (end - start) // BYTES_PER_STEP)

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """None: the columns of `arc_steps` hold it all."""
        return {}

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterator[Batch | TaskRows | Reject]:
        """The tasks, or the trajectories of a stretch. Raises Rejected where the file is not ARCTraj's."""
        options = cast(ArcTrajOptions, source.options)
        if ref.native_id == _TASKS and not ref.selector:
            yield from _tasks(source, files, options)
            return
        selector = json.loads(ref.selector)
        tasks = _known_tasks(options.tasks, selector["tasks"])
        index = file_index(files.only)
        for start in range(selector["start"], selector["end"], STRETCH):
            rows, refused = rows_between(files.only, index, start, min(start + STRETCH, selector["end"]))
            batch, wrong = batch_of(rows, tasks, options.agent_type)
            for native_id, rejected in (*refused, *wrong):
                yield Reject(
                    "read", source.name, ref.files[0].name, native_id, rejected.code, rejected.message, rejected.detail
                )
            if batch is not None:
                yield batch


READER = ArcTraj


def _tasks(source: Source, files: LocalFiles, options: ArcTrajOptions) -> Iterator[TaskRows | Reject]:
    """The rows of `tasks`; a file that is no task is a reject."""
    for name, path in files.paths.items():
        task_id = name.rsplit("/", 1)[-1].removesuffix(".json")
        try:
            yield TaskRows([task_of(task_id, path.read_bytes()).row(options.collection)])
        except Rejected as rejected:
            yield Reject("read", source.name, name, task_id, rejected.code, rejected.message, rejected.detail)


@lru_cache(maxsize=4)
def _known_tasks(uri: str | None, stamp: str | None) -> KnownTasks:
    """The names of all tasks, and the first inputs of those that can be read; `stamp` tells two states of a folder apart."""
    if uri is None:
        return KnownTasks()
    starts = {}
    files = list_tasks(uri)
    for file in files:
        try:
            grid = read_task(file).tests[0][0]
        except Rejected:
            continue  # the ref of the tasks says so
        starts[id_of(file)] = grid.tobytes(), grid.shape[0], grid.shape[1]
    return KnownTasks([id_of(file) for file in files], starts)
