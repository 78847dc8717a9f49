"""LARC (Acquaviva et al. 2022): people who solve an ARC task and describe it in words, and people who build from the words.

    {"name": "67a3c6ac.json", "train", "test",
     "descriptions": {id: {"uid", "see_description", "do_description", "grid_description", "action_sequence", …,
                           "builds": {id: {"uid", "success", "action_sequence", …}}}}}
    action_sequence: [{"action": {"tool": "edit", "x": "2", "y": "0", "symbol": "1"}, "grid": [[1, "7"], …], "time": 4.2}, …]

One trajectory per sequence: `<file>/<description>` of who described (agent: its `uid`), `<file>/<description>/<build>` of
who built. The words are the layer `description` (channels see, do, grid) of both, and the builder's `instruction`, since
a builder saw nothing else but the test input; they share a `group`.

`grid` is the state *after* the action, so `grid_before` is that of the event before; at first it is the page's 3 x 3 cells
of colour 0, which no event records. The page shows the first test alone. **x is a row and y a column there**; Cairn's arguments are turned round, `source_action`
is not. Cells and coordinates are texts or numbers there, integers here. `time` is seconds since the page was shown, null
in whole sequences. `timestamp` is not said to be the begin or the end, so it stays in `extras` and `started_at` is null.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from annotators.annotation import Annotation
from pipelines.formats.arc.field_map import Word, in_our_words, number
from pipelines.formats.arc.grids import Grid, grid_of
from pipelines.formats.arc.json_text import value_of
from pipelines.formats.arc.step_columns import ArcStep, step_columns
from pipelines.formats.arc.tasks import MAX_TASK_SIDE
from pipelines.io.files import list_files
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject
from pipelines.sources import LocalFiles, Options, Rejected, Source, TaskRows, Trajectory
from schemas.arc_operations import OPERATIONS

_CELL = {"x": "y", "y": "x"}

WORDS: Mapping[str, Word] = {
    "edit": Word("draw", {**_CELL, "color": "symbol"}),
    "floodfill": Word("flood_fill", {**_CELL, "color": "symbol"}),
    "copyFromInput": Word("copy_from_input"),
    "resizeOutputGrid": Word("resize", {"width": "width", "height": "height"}, {"color": 0}),
    "resetOutputGrid": Word("reset_grid"),
    "paste": Word("paste_cells", {**_CELL, "cells": "copy_paste_data"}),
    "copy": Word("copy_cells", {"cells": "copy_paste_data"}),
    "select": Word("fill_cells", {"cells": "selected_cells", "color": "symbol"}),
    "check": Word("submit", {"correct": "correct"}),
}
"""LARC's tools. What `select` fills is not recorded whole, so its steps cannot be computed again."""

CHANNELS = {"see": "see_description", "do": "do_description", "grid": "grid_description"}
"""Channel of the layer `description` → the source's key."""

BLANK: Grid = np.zeros((3, 3), np.uint8)
"""What the page shows at first."""

BYTES_PER_EVENT = 830
"""118.6 MB hold 142,324 events (measured): how many steps a file has, for cutting shards without reading it."""

_NOT_KEPT = frozenset({"action_sequence", "builds", "uid", *CHANNELS.values()})


@dataclass(frozen=True, slots=True)
class Sequence:
    """One person at one task: what the source says of it, and of the description that it is or follows."""

    native_id: str
    role: str
    said: Mapping[str, Any]
    description_id: str
    description: Mapping[str, Any]

    @property
    def words(self) -> dict[str, str]:
        """Channel → what the describer wrote."""
        texts = {channel: self.description.get(key) for channel, key in CHANNELS.items()}
        return {channel: text for channel, text in texts.items() if isinstance(text, str) and text}


@dataclass
class _Steps:
    """The steps of a sequence, event by event, and what is odd about them."""

    steps: list[ArcStep] = field(default_factory=list)
    state: Grid | None = field(default_factory=lambda: BLANK)
    nameless: list[int] = field(default_factory=list)
    without_grid: list[int] = field(default_factory=list)
    unknown: dict[str, int] = field(default_factory=dict)
    text_cells: int = 0


class Larc:
    """Reads the task files of LARC."""

    version: ClassVar[str] = "1"
    native: ClassVar[bool] = False
    options: ClassVar[type[Options]] = Options

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """A ref per task file; of a folder the *.json files alone. Raises Rejected where there is none."""
        for file in list_files(source.uri, "**/*.json"):
            yield Ref(file.name.removesuffix(".json"), (file,), steps=file.size // BYTES_PER_EVENT)

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """None: the columns of `arc_steps` hold it all."""
        return {}

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterator[Trajectory | TaskRows | Reject]:
        """The task and its sequences; one that is empty or wrong costs itself alone. Raises Rejected for the file as a whole."""
        document = _document(files.only.read_bytes(), ref.native_id)
        yield TaskRows([_task_row(_task_id(document), document)])
        for sequence in sequences(ref.native_id, document["descriptions"]):
            try:
                trajectory, nameless = trajectory_of(document, sequence)
            except Rejected as rejected:
                faults = [rejected]
            else:
                faults = [_without_tool(sequence.native_id, event) for event in nameless]
                yield trajectory
            for fault in faults:
                place = ref.files[0].name
                yield Reject("read", source.name, place, sequence.native_id, fault.code, fault.message, fault.detail)


READER = Larc


def sequences(file: str, descriptions: Mapping[str, Any]) -> Iterator[Sequence]:
    """The sequences of a file in its order: of each description that of its writer, then those of the builders."""
    for description_id, description in descriptions.items():
        native_id = f"{file}/{description_id}"
        if not isinstance(description, dict) or not isinstance(description.get("builds") or {}, dict):
            description = {}  # its sequence is then rejected as missing
        yield Sequence(native_id, "describer", description, description_id, description)
        for build_id, build in (description.get("builds") or {}).items():
            said = build if isinstance(build, dict) else {}
            yield Sequence(f"{native_id}/{build_id}", "builder", said, description_id, description)


def trajectory_of(document: Mapping[str, Any], sequence: Sequence) -> tuple[Trajectory, list[int]]:
    """The trajectory of a sequence, and the numbers of the events that name no tool.

    Raises Rejected: `sequence_empty`, `event_invalid`, `time_invalid`, and what `grid_of` raises.
    """
    events = sequence.said.get("action_sequence")
    if not events or not isinstance(events, list):
        shown = "not there" if "action_sequence" not in sequence.said else "empty or null"
        message = f"{sequence.native_id} ({sequence.role}): its action_sequence is {shown}: there are no steps to take"
        raise Rejected("sequence_empty", message, {"uid": sequence.said.get("uid"), "description": sequence.words})
    found = _steps(sequence.native_id, events)
    task_id = _task_id(document)
    role = {"success": sequence.said.get("succeeded_verification" if sequence.role == "describer" else "success")}
    success = role["success"] if isinstance(role["success"], bool) else None
    words = sequence.words
    building = sequence.role == "builder"
    followed = {"description": sequence.description_id, "describer": sequence.description.get("uid")} if building else {}
    header = {
        "domain": "arc",
        "task_id": task_id,
        "instruction": "\n".join(words.values()) or None if building else None,
        "agent": sequence.said.get("uid") if isinstance(sequence.said.get("uid"), str) else None,
        "agent_type": "human",
        "success": success,
        "success_by": None if success is None else "source",
        "group": f"{task_id}/{sequence.description_id}",
        "completeness": _missing(found) or None,
        "extras": {
            "role": sequence.role,
            "tests_offered": [0],
            **followed,
            **{k: v for k, v in sequence.said.items() if k not in _NOT_KEPT},
        },
    }
    tables = {"arc_steps": step_columns(found.steps, task_id)}
    texts = tuple(
        Annotation("description", {"channel": channel, "steps": [0], "texts": [text]}, 0, len(found.steps))
        for channel, text in words.items()
    )
    return Trajectory(sequence.native_id, header, tables, texts), found.nameless


def _steps(native_id: str, events: list[Any]) -> _Steps:
    """The steps of a sequence's events. Raises Rejected: `event_invalid`, `time_invalid`, and what `grid_of` raises."""
    found = _Steps()
    zero: float | None = None
    for at, event in enumerate(events):
        action = event.get("action") if isinstance(event, dict) else None
        if not isinstance(event, dict) or not isinstance(action, dict):
            message = f"{native_id}, event {at}: it is no object with an `action`: correct the file or leave the sequence out"
            raise Rejected("event_invalid", message, {"event": at})
        tool, where = action.get("tool"), f"{native_id}, event {at} ({action.get('tool')})"
        time = _seconds(event.get("time"), where)
        after = _grid(event.get("grid"), where, found)
        if not isinstance(tool, str):
            found.nameless.append(at)
            found.state = after
            continue
        if after is None:
            found.without_grid.append(len(found.steps))
        if tool not in WORDS:
            found.unknown[tool] = found.unknown.get(tool, 0) + 1
        said = {key: value for key, value in action.items() if key != "tool"}
        name, arguments = in_our_words(WORDS, tool, said)
        zero = time if not found.steps else zero
        since = None if time is None or zero is None else time - zero
        source = {key: value for key, value in event.items() if key != "grid"}
        found.steps.append(
            ArcStep(name, arguments, source, found.state, after, since, 0, selection=_selection(name, arguments))
        )
        found.state = after
    if not found.steps:
        raise Rejected(
            "sequence_empty", f"{native_id}: no event of its action_sequence names a tool: there are no steps to take"
        )
    return found


def _grid(value: Any, where: str, found: _Steps) -> Grid | None:
    """The grid of an event with texts made numbers (and counted); None where there is none."""
    if value is None:
        return None
    if isinstance(value, list):
        found.text_cells += sum(isinstance(cell, str) for row in value if isinstance(row, list) for cell in row)
    return grid_of(number(value), where, MAX_TASK_SIDE)


def _selection(name: str, arguments: Mapping[str, Any]) -> list[list[int]] | None:
    """The cell that an action points at."""
    x, y = arguments.get("x"), arguments.get("y")
    pointed = name in OPERATIONS and "x" in OPERATIONS[name].arguments
    return [[y, x]] if pointed and type(x) is int and type(y) is int and 0 <= x < 100 and 0 <= y < 100 else None


def _seconds(value: Any, where: str) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float) or not math.isfinite(value):
        message = f"{where}: `time` is {str(value)[:80]!r}; it must be seconds since the page was shown, or null"
        raise Rejected("time_invalid", message)
    return float(value)


def _missing(found: _Steps) -> dict[str, Any]:
    """What the record lacks, for `completeness`."""
    notes: dict[str, Any] = {}
    untimed = [number for number, step in enumerate(found.steps) if step.time is None]
    if untimed:
        notes["timestamp"] = "no event has a time" if len(untimed) == len(found.steps) else {"steps without a time": untimed}
    if found.nameless:
        notes["events"] = {"reason": "these events name no tool and were left out", "events": found.nameless}
    if found.without_grid:
        notes["grid_after"] = {"reason": "these steps were recorded without a grid", "steps": found.without_grid}
    if found.unknown:
        notes["action_name"] = {"reason": "nobody has met these tools: they stay as they are", "tools": found.unknown}
    if found.text_cells:
        notes["cells"] = f"{found.text_cells} cells were written as texts"
    return notes


def _without_tool(native_id: str, event: int) -> Rejected:
    message = f"{native_id}, event {event}: its action names no `tool`: the event is left out, the rest of the sequence is kept"
    return Rejected("event_without_tool", message, {"event": event})


def _document(data: bytes, native_id: str) -> Mapping[str, Any]:
    """The parsed file. Raises Rejected: `json_invalid`, `not_larc`."""
    document = value_of(data, native_id)
    named = isinstance(document, dict) and isinstance(document.get("name"), str) and document["name"].removesuffix(".json")
    if not named or not isinstance(document.get("descriptions"), dict):
        message = f"{native_id}: no task file of LARC: it has no `name` of a task, or no `descriptions`; leave it out"
        raise Rejected("not_larc", message)
    return document  # type: ignore[no-any-return]  # a dict of JSON


def _task_id(document: Mapping[str, Any]) -> str:
    return str(document["name"]).removesuffix(".json")


def _task_row(task_id: str, document: Mapping[str, Any]) -> dict[str, Any]:
    """The task as LARC has it; its set is not named there, so it joins the task of that id in any set."""
    row: dict[str, Any] = {"task_id": task_id, "domain": "arc"}
    for column, key in (("demonstrations", "train"), ("tests", "test")):
        pairs = document.get(key) or []
        row[column] = [
            {part: _task_grid(pair.get(part), f"{task_id}, {key} {n} {part}") for part in ("input", "output")}
            for n, pair in enumerate(pairs)
        ]
    return row


def _task_grid(value: Any, where: str) -> list[list[int]] | None:
    return None if value is None else grid_of(number(value), where, MAX_TASK_SIDE).tolist()
