"""The neutral format for new recorders of ARC traces: JSON Lines that a recorder can append to while a person works.

    {"record": "trajectory", "version": 1, "id": "ann-7", "task_id": "007bbfb7", "agent": "ann", "agent_type": "human",
     "started_at": "2026-01-02T03:04:05Z"}
    {"record": "step", "id": "ann-7", "action": "copy_from_input", "before": [[0, 0]], "after": [[7, 0]], "test": 0, "time": 0.0}
    {"record": "step", "id": "ann-7", "action": "draw", "args": {"x": 1, "y": 0, "color": 7}, "after": [[7, 7]], "test": 0,
     "time": 1.5, "source": {"tool": "pencil"}}
    {"record": "text", "id": "ann-7", "channel": "do", "text": "Paint it all in the colour that is there."}

`pipelines.formats.arc.trace_lines` holds the models of the three lines and prints their JSON Schema. An action is a word of
`schemas.arc_operations` (x is a column, y a row), or null with the recorder's own words in `source`. Observation before
action: `before` is what was seen when the action was chosen. Lines of several trajectories may be mixed; the steps of one
stand in order. A text becomes the layer `description`.

What is not so is rejected, with the numbers of its lines: a line that belongs to a trajectory costs this one; a line of
nobody (one that was cut off, say) costs itself alone, and all trajectories of the file say so in `completeness`. Tasks come from files of their own (`arc_tasks`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pydantic import ValidationError

from annotators.annotation import Annotation
from pipelines.formats.arc.grids import Grid, grid_of
from pipelines.formats.arc.json_lines import objects_of
from pipelines.formats.arc.step_columns import ArcStep, step_columns
from pipelines.formats.arc.trace_lines import LINE, StepLine, TextLine, TrajectoryLine
from pipelines.io.files import list_files
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject
from pipelines.sources import LocalFiles, Options, Rejected, Source, Trajectory
from schemas.arc_operations import MAX_SIDE, OPERATIONS

BYTES_PER_STEP = 700
"""About one grid of 11 x 11 before and after: how many steps a file has, for cutting shards without reading it."""

SHOWN_FAULTS = 5
"""How many faulty lines of a trajectory its reject names."""


@dataclass
class _Trace:
    """What the lines of one `id` gave so far, and what is wrong with them."""

    header: TrajectoryLine | None = None
    steps: list[ArcStep] = field(default_factory=list)
    texts: list[TextLine] = field(default_factory=list)
    faults: list[Rejected] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)

    @property
    def colours(self) -> int:
        """How many colours its grids may have."""
        return 10 if self.header is None else self.header.colours


class ArcJsonl:
    """Reads files of the neutral format."""

    version: ClassVar[str] = "1"
    native: ClassVar[bool] = False
    options: ClassVar[type[Options]] = Options

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """A ref per file; of a folder the *.jsonl files alone. Raises Rejected where there is none."""
        for file in list_files(source.uri, "**/*.jsonl"):
            yield Ref(file.name.removesuffix(".jsonl"), (file,), steps=1 + file.size // BYTES_PER_STEP)

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """None: the columns of `arc_steps` hold it all."""
        return {}

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterator[Trajectory | Reject]:
        """The trajectories of a file, in the order of their first lines, and what is wrong with others."""
        traces: dict[str, _Trace] = {}
        strays: list[int] = []
        place = ref.files[0].name

        def reject(fault: Rejected, native_id: str | None) -> Reject:
            return Reject("read", source.name, place, native_id, fault.code, fault.message, fault.detail)

        for number, line in objects_of(files.only, ref.native_id):
            owner = line.get("id") if isinstance(line, dict) else None
            try:
                if isinstance(line, Rejected):
                    raise line
                _take(traces, line, number, ref.native_id)
            except Rejected as fault:
                if isinstance(owner, str) and owner:
                    traces.setdefault(owner, _Trace()).faults.append(fault)
                else:
                    strays.append(number)
                    yield reject(fault, None)
        for own_id, trace in traces.items():
            native_id = f"{ref.native_id}/{own_id}"
            try:
                yield _trajectory(native_id, trace, strays)
            except Rejected as fault:
                yield reject(fault, native_id)


READER = ArcJsonl


def _take(traces: dict[str, _Trace], line: Mapping[str, Any], number: int, name: str) -> None:
    """Take up one line. Raises Rejected: `line_invalid`, `action_unknown`, and what `grid_of` raises."""
    where = f"{name}, line {number}"
    try:
        said = LINE.validate_python(line, context={"line": number})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in first["loc"] if part not in ("trajectory", "step", "text"))
        message = f"{where}: {key or 'the line'}: {first['msg']} (found {str(first.get('input'))[:60]!r})"
        raise Rejected("line_invalid", message, {"line": number}) from error
    trace = traces.setdefault(said.id, _Trace())
    trace.lines.append(number)
    if isinstance(said, TrajectoryLine):
        if trace.header is not None:
            raise Rejected(
                "line_invalid", f"{where}: a trajectory {said.id!r} has begun before: ids are unique", {"line": number}
            )
        trace.header = said
    elif trace.header is None:
        raise Rejected("line_invalid", f"{where}: no trajectory {said.id!r} has begun: write its line first", {"line": number})
    elif isinstance(said, TextLine):
        trace.texts.append(said)
    else:
        trace.steps.append(_step(said, trace, where))


def _step(said: StepLine, trace: _Trace, where: str) -> ArcStep:
    """The step of a line. Raises Rejected: `action_unknown`, `cell_invalid`, `time_back`, and what `grid_of` raises."""
    if said.action is not None and said.action not in OPERATIONS:
        message = (
            f"{where}: {said.action[:60]!r} is no word of schemas.arc_operations; write null and your own words in `source`"
        )
        raise Rejected("action_unknown", message)
    last = trace.steps[-1] if trace.steps else None
    if last is not None and said.time is not None and last.time is not None and said.time < last.time:
        raise Rejected(
            "time_back", f"{where}: its time is {said.time:g} s, should be {last.time:g} s (of the step before) or later"
        )

    def grid(value: Any, key: str) -> Grid | None:
        return None if value is None else grid_of(value, f"{where}, {key}", MAX_SIDE, trace.colours - 1)

    for name, cells in (("selection", said.selection), ("floating", said.floating)):
        if any(not -(2**15) <= part < 2**15 for cell in cells or () for part in cell):
            raise Rejected("cell_invalid", f"{where}: {name} holds a cell that no grid has")
    if any(not 0 <= colour < trace.colours for _, _, colour in said.floating or ()):
        raise Rejected("cell_invalid", f"{where}: floating holds a colour that is not 0 to {trace.colours - 1}")
    seen = None if last is None or last.test != said.test else last.after
    between = [grid_of(value, f"{where}, between", MAX_SIDE, trace.colours - 1) for value in said.between or ()]
    return ArcStep(
        said.action,
        said.args,
        said.source,
        seen if "before" not in said.model_fields_set else grid(said.before, "before"),
        grid(said.after, "after"),
        said.time,
        said.test,
        between=between or None,
        selection=said.selection,
        background=grid(said.background, "background"),
        floating=said.floating,
    )


def _trajectory(native_id: str, trace: _Trace, strays: Sequence[int]) -> Trajectory:
    """The trajectory of the lines of one id. Raises Rejected with the faults of its lines: the code is that of the first."""
    if trace.faults:
        more = f" (and {len(trace.faults) - SHOWN_FAULTS} more)" if len(trace.faults) > SHOWN_FAULTS else ""
        sentences = "; ".join(fault.message for fault in trace.faults[:SHOWN_FAULTS])
        raise Rejected(trace.faults[0].code, f"{sentences}{more}", {"faults": len(trace.faults), "lines": trace.lines[:1]})
    header = trace.header
    if header is None or not trace.steps:
        line = trace.lines[0] if trace.lines else 0
        raise Rejected("no_steps", f"{native_id}: no step follows its line {line}: a trajectory needs at least one")
    zero = trace.steps[0].time or 0.0
    if zero:
        message = f"{native_id}: the time of its first step is {zero:g} s; times are seconds since the first step, so it is 0"
        raise Rejected("time_origin", message)
    columns = {
        "domain": "arc",
        **header.model_dump(include={"task_id", "instruction", "agent", "agent_type", "started_at"}),
        **header.model_dump(include={"success", "score", "attempt", "extras"}),
        "success_by": None if header.success is None else "source",
        "completeness": _missing(trace, strays) or None,
    }
    tables: dict[str, Any] = {"arc_steps": step_columns(trace.steps, header.task_id)}
    if header.task_id is not None:
        tables["tasks"] = [{"task_id": header.task_id, "domain": "arc"}]
    texts = tuple(
        Annotation("description", {"channel": said.channel, "steps": [0], "texts": [said.text]}, 0, len(trace.steps))
        for said in trace.texts
    )
    return Trajectory(native_id, columns, tables, texts)


def _missing(trace: _Trace, strays: Sequence[int]) -> dict[str, Any]:
    """What the record lacks, for `completeness`. `strays`: lines of the file that say nobody's id."""
    notes: dict[str, Any] = {}
    if strays:
        notes["lines"] = {"reason": "nobody knows whose these lines of the file are: steps may be missing", "lines": strays}
    for name, reason in (("name", "no word of the vocabulary fits"), ("after", "these steps were recorded without a grid")):
        steps = [number for number, step in enumerate(trace.steps) if getattr(step, name) is None]
        if steps:
            notes["action_name" if name == "name" else "grid_after"] = {"reason": reason, "steps": steps}
    if any(step.time is None for step in trace.steps):
        notes["timestamp"] = "a step has no time"
    return notes
