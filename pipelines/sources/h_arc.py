"""H-ARC (LeGris et al., Sci Data 12:1380, 2025): people on 800 ARC tasks, `data.csv` with one row per action.

**Schema-tested only: written from the readme of the data and the page of the experiment, and no file of it was seen.** Every
trajectory's `completeness` says so.

    exp_name, task_type, hashed_id, joint_id_task, task_name, task_number, time, attempt_number, action_id, solved, done,
    test_input_grid, …_size_x, …_size_y, test_output_grid, …_size_x, …_size_y, action, action_x, action_y, select_loc,
    selected_data, selected_symbol, selected_tool, copy_paste_data, complete

One trajectory per person, task and attempt (`<joint_id_task>/<attempt>`); what is logged as attempt 4 comes after the third
and belongs to it. Attempts of one person at one task share a `group`, and the grid goes over from one to the next.

A grid is a text, `|912|443|`: a row of digits between bars, as it was *after* the action. Which column is the grid that a
person works on is not said alike everywhere; the page writes it into `test_output_grid`. With the option `grid: auto` the
column that changes within more traces is taken, and `completeness` names it. The page shows a task's first test alone. **x is a row and y a column there.** Times
come in three formats and have no zone, so `started_at` is null. Columns that are not named above (the authors join
demographics to the rows) are left out.
"""

from __future__ import annotations

import csv
import json
import zlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

from pipelines.formats.arc.field_map import Word, cells, in_our_words
from pipelines.formats.arc.grids import Grid, grid_of
from pipelines.formats.arc.step_columns import ArcStep, step_columns
from pipelines.formats.arc.tasks import MAX_TASK_SIDE
from pipelines.io.files import list_files
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject
from pipelines.sources import LocalFiles, Options, Rejected, Source, Trajectory

GRIDS = ("test_output_grid", "test_input_grid")
NEEDED = ("hashed_id", "joint_id_task", "task_name", "time", "attempt_number", "action_id", "solved", "action")
TIMES = ("%m/%d/%Y, %I:%M:%S %p", "%m/%d/%Y, %H:%M:%S", "%Y-%m-%d %H:%M:%S.%f")
ACTION = (
    *("time", "attempt_number", "action_id", "solved", "done", "action", "action_x", "action_y", "select_loc"),
    *("selected_data", "selected_symbol", "selected_tool", "copy_paste_data", "test_output_size_x", "test_output_size_y"),
)
"""The columns of an action, for `source_action`."""

_AT = {"x": "action_y", "y": "action_x"}
_FILL = Word("fill_cells", {"cells": "selected_data", "color": "selected_symbol"})
_PASTE = Word("paste_cells", {**_AT, "cells": "copy_paste_data"})
_SIZE = Word("resize", {"width": "test_output_size_y", "height": "test_output_size_x"}, {"color": 0})
_DRAW = Word("draw", {**_AT, "color": "selected_symbol"})
_FLOOD = Word("flood_fill", {**_AT, "color": "selected_symbol"})
_SELECT = Word("select_cells", {"cells": "selected_data"})
_COPY = Word("copy_cells", {"cells": "copy_paste_data"})
_SUBMIT = Word("submit", {"correct": "solved"})

WORDS: Mapping[str, Word] = {
    "edit": _DRAW,
    "draw_cell_click": _DRAW,
    "floodfill": _FLOOD,
    "floodfill_cell": _FLOOD,
    "select_change_color": _FILL,
    "change_color_selected_cells": _FILL,
    "change_color": Word("pick_color", {"color": "selected_symbol"}),
    "change_tool": Word("pick_tool", {"toolId": "selected_tool"}),
    "select_cells": _SELECT,
    "selection_updated_input": _SELECT,
    "selection_updated_output": _SELECT,
    "select_copy": _COPY,
    "copy_cells_to_clipboard": _COPY,
    "select_paste": _PASTE,
    "paste_cells": _PASTE,
    "change_height": _SIZE,
    "change_width": _SIZE,
    "resize_output_grid": _SIZE,
    "copy_from_input": Word("copy_from_input"),
    "copy_input_to_output": Word("copy_from_input"),
    "reset_grid": Word("reset_grid"),
    "reset_output_grid": Word("reset_grid"),
    "undo": Word("undo"),
    "submit": _SUBMIT,
    "submit_solution_check": _SUBMIT,
    **dict.fromkeys(
        ("write_description", "write_first_description", "write_last_description", "no_last_description"), Word("describe")
    ),
    **dict.fromkeys(("submit_first_description", "submit_final_description"), Word("describe")),
}
"""Actions of the experiment's page and of the later viewer's log → words."""

BYTES_PER_PART = 64_000_000
"""A part of a file reads all of it and keeps the traces that fall to it, so that memory has a bound."""

_UNSEEN = "read by the columns of its readme: no file of H-ARC was seen when the reader was written"


class HArcOptions(Options):
    """`grid`: the column of the grid that people work on; `auto`: the one that changes within more traces."""

    grid: Literal["auto", "test_output_grid", "test_input_grid"] = "auto"


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the file: its `line`, and its values by column; what is empty is not there."""

    line: int
    values: Mapping[str, str]


@dataclass
class _Part:
    """The traces of a part by `joint_id_task`, what is wrong with some of them, and how often each grid column changes."""

    traces: dict[str, list[_Row]] = field(default_factory=lambda: defaultdict(list))
    wrong: dict[str, Rejected] = field(default_factory=dict)
    nobody: list[Rejected] = field(default_factory=list)
    changing: dict[str, set[str]] = field(default_factory=lambda: {name: set() for name in GRIDS})


class HArc:
    """Reads `data.csv` of H-ARC."""

    version: ClassVar[str] = "1"
    native: ClassVar[bool] = False
    options: ClassVar[type[Options]] = HArcOptions

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """The refs of each file, of a folder those of its data.csv: one per 64 MB. Raises Rejected where there is none."""
        for file in list_files(source.uri, "**/data.csv"):
            parts = max(1, -(-file.size // BYTES_PER_PART))
            for part in range(parts):
                selector = json.dumps({"part": part, "of": parts})
                yield Ref(f"{file.name.removesuffix('.csv')}@{part}", (file,), selector)

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """None: the columns of `arc_steps` hold it all."""
        return {}

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterator[Trajectory | Reject]:
        """The trajectories of a part; a wrong row costs its person's trace of that task. Raises Rejected for a wrong file."""
        selector = json.loads(ref.selector)
        part = _part(files.only, selector["part"], selector["of"])
        grid, why = working_grid(part.changing, cast(HArcOptions, source.options).grid)
        place = ref.files[0].name
        for fault in part.nobody:
            yield Reject("read", source.name, place, None, fault.code, fault.message, fault.detail)
        for joint_id, rows in part.traces.items():
            try:
                if joint_id in part.wrong:
                    raise part.wrong[joint_id]
                yield from list(trajectories_of(joint_id, rows, grid, why))
            except Rejected as fault:
                yield Reject("read", source.name, place, joint_id, fault.code, fault.message, fault.detail)


READER = HArc


def working_grid(changing: Mapping[str, set[str]], wanted: str) -> tuple[str, str]:
    """(the column of the grid that people work on, a sentence about it), from the traces in which each column changes."""
    counts = {name: len(changing[name]) for name in GRIDS}
    seen = f"test_output_grid changes in {counts[GRIDS[0]]} traces of the file, test_input_grid in {counts[GRIDS[1]]}"
    if wanted != "auto":
        return wanted, f"{wanted}, as the recipe says; {seen}"
    taken = GRIDS[1] if counts[GRIDS[1]] > counts[GRIDS[0]] else GRIDS[0]
    return taken, f"{taken}; {seen}"


def text_grid(text: str, where: str) -> Grid:
    """`|912|443|` as a grid. Raises Rejected: `grid_invalid`, and what `grid_of` raises."""
    rows = text.strip().removeprefix("|").removesuffix("|").split("|")
    if not text.strip().startswith("|") or not all(row.isascii() and row.isdigit() for row in rows):
        raise Rejected("grid_invalid", f"{where}: the grid {text[:40]!r} is not rows of digits between bars, as in |91|44|")
    return grid_of([[int(cell) for cell in row] for row in rows], where, MAX_TASK_SIDE)


def time_of(text: str, where: str) -> datetime:
    """A time in one of the three formats, without zone. Raises Rejected (`time_invalid`)."""
    for layout in TIMES:
        try:
            return datetime.strptime(text, layout)
        except ValueError:
            continue
    raise Rejected("time_invalid", f"{where}: the time {text[:40]!r} is in none of the formats {', '.join(TIMES)}")


def trajectories_of(joint_id: str, rows: Sequence[_Row], grid: str, why: str) -> Iterator[Trajectory]:
    """The attempts of one person at one task. Raises Rejected: `row_invalid`, `time_invalid`, and what `text_grid` raises."""
    numbered = sorted((_whole(row, "action_id"), min(_whole(row, "attempt_number"), 3), row.line, row) for row in rows)
    attempts: dict[int, list[_Row]] = defaultdict(list)
    for _, attempt, _, row in numbered:
        attempts[attempt].append(row)
    state: Grid | None = None
    for attempt in sorted(attempts):
        if attempt < 1:
            raise Rejected("row_invalid", f"line {attempts[attempt][0].line}: attempt {attempt}; attempts count from 1")
        steps, unknown = _steps(attempts[attempt], grid, state)
        state = steps[-1].after
        yield _trajectory(joint_id, attempt, attempts[attempt], steps, unknown, why)


def _trajectory(
    joint_id: str, attempt: int, rows: Sequence[_Row], steps: list[ArcStep], unknown: Mapping[str, int], why: str
) -> Trajectory:
    first = rows[0].values
    task_id = first["task_name"].removesuffix(".json")
    name = joint_id.removesuffix(".json")
    solved = any(_true(row.values.get("solved")) for row in rows)
    decided = solved or any(step.name == "submit" for step in steps)
    notes: dict[str, Any] = {"source": _UNSEEN, "grid": why, "started_at": "the times have no zone"}
    if unknown:
        notes["action_name"] = {"reason": "nobody has met these actions: they stay as they are", "actions": dict(unknown)}
    without = [number for number, step in enumerate(steps) if step.after is None]
    if without:
        notes["grid_after"] = {"reason": "these rows hold no grid", "steps": without}
    kept = {key: first[key] for key in ("exp_name", "task_type", "task_number", "complete", "time") if key in first}
    header = {
        "domain": "arc",
        "task_id": task_id,
        "agent": first["hashed_id"],
        "agent_type": "human",
        "attempt": attempt - 1,
        "group": name,
        "success": solved if decided else None,
        "success_by": "source" if decided else None,
        "completeness": notes,
        "extras": {**kept, "tests_offered": [0]},
    }
    tasks = [{"task_id": task_id, "domain": "arc"}]
    return Trajectory(f"{name}/{attempt}", header, {"arc_steps": step_columns(steps, task_id), "tasks": tasks})


def _steps(rows: Sequence[_Row], grid: str, state: Grid | None) -> tuple[list[ArcStep], dict[str, int]]:
    """The steps of an attempt that begins in `state`, and the actions without a word, counted."""
    steps: list[ArcStep] = []
    unknown: dict[str, int] = defaultdict(int)
    zero = time_of(rows[0].values["time"], f"line {rows[0].line}")
    for row in rows:
        said, where = row.values, f"line {row.line}"
        action = said["action"]
        name, arguments = in_our_words(WORDS, action, _said(said))
        if action not in WORDS:
            unknown[action] += 1
            arguments = {}
        marked = arguments.get("cells") if name == "select_cells" else None
        after = text_grid(said[grid], f"{where} ({grid})") if grid in said else None
        since = (time_of(said["time"], where) - zero).total_seconds()
        source = {column: said[column] for column in ACTION if column in said}
        steps.append(ArcStep(name, arguments, source, state, after, since, 0, selection=marked))
        state = after
    return steps, unknown


def _said(values: Mapping[str, str]) -> dict[str, Any]:
    """The values of an action as numbers, lists of cells and truth values, where they are; others are left out."""
    said: dict[str, Any] = dict(values)
    said["solved"] = _true(values.get("solved"))
    for column, length in (("selected_data", 2), ("copy_paste_data", 3)):
        said[column] = cells(values.get(column), length)
    for column in ("action_x", "action_y", "selected_symbol", "test_output_size_x", "test_output_size_y"):
        said[column] = _integer(values.get(column))
    return said


def _part(path: Path, part: int, of: int) -> _Part:
    """The rows of a file that fall to a part. Raises Rejected: `columns_missing`, `not_text`."""
    found = _Part()
    before: dict[tuple[str, str], str] = {}
    csv.field_size_limit(2**31 - 1)
    try:
        with path.open(encoding="utf-8", newline="") as opened:
            reader = csv.reader(opened)
            columns = next(reader, [])
            _check_columns(columns)
            for cells_ in reader:
                line = reader.line_num
                values = {name: cell for name, cell in zip(columns, cells_, strict=False) if cell != ""}
                joint_id = values.get("joint_id_task")
                if joint_id is None:
                    if part == 0 and cells_:
                        message = f"line {line}: it names no joint_id_task, so nobody knows whose action it is"
                        found.nobody.append(Rejected("row_invalid", message, {"line": line}))
                    continue
                for name in GRIDS:
                    if name in values and before.setdefault((joint_id, name), values[name]) != values[name]:
                        found.changing[name].add(joint_id)
                if zlib.crc32(joint_id.encode()) % of == part:
                    found.traces[joint_id].append(_Row(line, values))
                    _check_row(found, joint_id, line, values, len(columns) == len(cells_))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Rejected("not_text", f"the file is no CSV in UTF-8: {error}; copy it again from where it came") from error
    return found


def _check_columns(columns: Sequence[str]) -> None:
    missing = [name for name in NEEDED if name not in columns]
    missing += [] if set(GRIDS) & set(columns) else ["test_output_grid"]
    if missing:
        message = f"the file lacks the columns {', '.join(missing)}: it is not H-ARC's data.csv, or was cut down"
        raise Rejected("columns_missing", message, {"missing": missing})


def _check_row(found: _Part, joint_id: str, line: int, values: Mapping[str, str], whole: bool) -> None:
    """Note the first fault of a trace: a row of another length, or one that lacks a value."""
    missing = [name for name in NEEDED if name not in values and name != "solved"]
    if whole and not missing:
        return
    what = f"has no {', '.join(missing)}" if whole else "has not as many cells as there are columns"
    message = f"line {line}: the row {what}; the trace {joint_id} is left out"
    found.wrong.setdefault(joint_id, Rejected("row_invalid", message, {"line": line}))


def _whole(row: _Row, column: str) -> int:
    value = _integer(row.values[column])
    if value is None:
        shown = row.values[column][:40]
        raise Rejected("row_invalid", f"line {row.line}: {column} is {shown!r}, which is no whole number", {"line": row.line})
    return value


def _integer(text: str | None) -> int | None:
    """A whole number, also as `3.0`, which tables write where others are missing."""
    digits = (text or "").strip().removesuffix(".0")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 10 else None


def _true(text: str | None) -> bool:
    return (text or "").strip().lower() in ("true", "1")
