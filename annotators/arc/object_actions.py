"""What a person did to an object, of the operations that it took (layer `object_action`).

* A run of selections (and of taking up tools and colours, and of what floats before it is pasted) belongs to the operation
  that it serves: one action from the first of them to the operation. Where none follows on the same grid it is a `select`.
* A run of moves and quarter turns is one displacement: `dx` columns to the right, `dy` rows down, `k` quarter turns
  clockwise (0 to 3). Where an editor's moves come round the edge of a rectangle, they are counted as made.
* A run of single cells in one colour is one stroke (`draw`); undos in a row are one, and so are redos.

A new selection, another grid, or a look elsewhere ends a run. `attributes`: `operations` and `selections` that were merged,
`changed` (whether the grid after it is another than before; absent where one is not recorded), and what the operation has
of `color`, `axis`, `dx`, `dy`, `k`. ARCTraj asks for this as "action abstraction" (arXiv 2511.11079, with the number of
selections before an operation as a measure, RQ3); O2ARC, ARCLE and JaxARC know it as the object operations.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, ClassVar

import numpy as np
import orjson
import pyarrow as pa

from ..annotation import Annotation, Statements
from ..protocol import Requires
from ..trajectory import Trajectories, TrajectoryView
from .recorded import RecordedStep, recorded_steps
from .states import Panel, States, states_of
from .together import LightStep, together

LABELS: Mapping[str, str] = MappingProxyType(
    {
        "draw": "draw",
        "fill_selection": "paint",
        "paint": "paint",
        "fill_cells": "paint",
        "flood_fill": "flood_fill",
        **{f"move_{way}": "move" for way in ("up", "down", "left", "right")},
        **{f"rotate_{what}_{way}": "rotate" for what in ("selection", "grid") for way in ("clockwise", "counterclockwise")},
        "flip_x": "flip",
        "flip_y": "flip",
        "copy": "copy",
        "copy_cells": "copy",
        "copy_from_input": "copy_input",
        "paste": "paste",
        "paste_accept": "paste",
        "paste_cells": "paste",
        "resize": "resize",
        "crop": "crop",
        "undo": "undo",
        "redo": "redo",
        "start_over": "reset",
        "reset_grid": "reset",
        "game_reset": "reset",
        "submit": "submit",
    }
)
"""Operation → the word for what it does to an object; another edit is `other`."""

_WAYS: Mapping[str, tuple[int, int, int]] = MappingProxyType(
    {
        "move_up": (0, -1, 0),
        "move_down": (0, 1, 0),
        "move_left": (-1, 0, 0),
        "move_right": (1, 0, 0),
        "rotate_selection_clockwise": (0, 0, 1),
        "rotate_selection_counterclockwise": (0, 0, 3),
    }
)
"""Operation that displaces what is selected → dx, dy, k."""

_AXES = {"flip_x": "x", "flip_y": "y"}
_REPEATED = frozenset({"undo", "redo"})


@dataclass(slots=True)
class ObjectAction:
    """Steps `[start, end)` of one action: its `label`, and the `attributes` of the module's docstring."""

    label: str
    start: int
    end: int
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ObjectActions:
    """Proposes `object_action`."""

    name: ClassVar[str] = "arc.object_actions"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("object_action",)
    requires: ClassVar[Requires] = Requires("arc", columns=("action_name",))
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """A span per action."""
        steps = recorded_steps(trajectory)
        for one in object_actions(steps, states_of(steps)):
            yield Annotation("object_action", {"label": one.label, "attributes": one.attributes}, one.start, one.end)

    def propose_many(self, trajectories: Trajectories) -> Iterable[Statements]:
        """The same of many trajectories at once."""
        steps = together(trajectories)
        before, after = steps.states.before, steps.states.after
        found: list[ObjectAction] = []
        counts: list[int] = []
        for first, end in steps.runs():
            states = States([], [], before[first:end], after[first:end], [])
            own = object_actions(steps.light[first:end], states)
            counts.append(len(own))
            found += own
        attributes = [orjson.dumps(one.attributes, option=orjson.OPT_SORT_KEYS).decode() for one in found]
        payload = {"label": [one.label for one in found], "attributes": pa.array(attributes, pa.string())}
        owners = np.repeat(np.arange(len(counts)), counts)
        yield Statements("object_action", owners, payload, [one.start for one in found], [one.end for one in found])


ANNOTATOR = ObjectActions()


@dataclass(slots=True)
class _Open:
    """What the next step may go on with: the action under way, or the selections that wait for theirs."""

    panel: Panel
    first: int
    last: int
    selections: int = 0
    name: str | None = None
    action: ObjectAction | None = None


def object_actions(steps: Sequence[RecordedStep | LightStep], states: States) -> list[ObjectAction]:
    """The actions of a trace in order; no step belongs to two."""
    found: list[ObjectAction] = []
    rows: list[tuple[int, int]] = []
    under_way: _Open | None = None

    def close() -> None:
        """End what is under way; selections that served nothing are an action of their own."""
        nonlocal under_way
        if under_way is not None:
            action = under_way.action
            if action is None and under_way.selections:
                action = ObjectAction("select", steps[under_way.first].step, steps[under_way.last].step + 1)
                action.attributes = {"operations": 0, "selections": under_way.selections}
            if action is not None:
                found.append(action)
                rows.append((under_way.first, under_way.last))
        under_way = None

    for row, step in enumerate(steps):
        known = step.operation
        if known is not None and known.kind != "grid_op":
            if under_way is not None and under_way.action is not None:
                close()
            continue
        if known is not None and not known.edits and known.name not in LABELS:
            if under_way is None or under_way.action is not None or under_way.panel != step.panel:
                close()
                under_way = _Open(step.panel, row, row)
            under_way.last = row
            under_way.selections += known.name.startswith("select")
            continue
        if under_way is not None and under_way.panel == step.panel and _goes_on(under_way, step):
            _extend(under_way, step, row)
            continue
        if under_way is None or under_way.action is not None or under_way.panel != step.panel:
            close()
            under_way = _Open(step.panel, row, row)
        _begin(under_way, steps, row)
    close()
    for action, (first, last) in zip(found, rows, strict=True):
        before, after = states.before[first], states.after[last]
        if before is not None and after is not None:
            action.attributes["changed"] = before != after
    return found


def _begin(opened: _Open, steps: Sequence[RecordedStep | LightStep], row: int) -> None:
    """Begin the action of an operation, with the selections before it."""
    step = steps[row]
    name = step.name or ""
    attributes: dict[str, Any] = {"operations": 1, "selections": opened.selections}
    if name in _WAYS:
        attributes |= dict(zip(("dx", "dy", "k"), _WAYS[name], strict=True))
    elif name in _AXES:
        attributes["axis"] = _AXES[name]
    colour = step.arguments.get("color")
    if type(colour) is int and name != "resize":
        attributes["color"] = colour
    opened.action = ObjectAction(LABELS.get(name, "other"), steps[opened.first].step, step.step + 1, attributes)
    opened.name, opened.last = name, row


def _goes_on(opened: _Open, step: RecordedStep | LightStep) -> bool:
    """Whether an operation is one with the action under way."""
    action = opened.action
    if action is None:
        return False
    if step.name in _WAYS:
        return opened.name in _WAYS
    if step.name == "draw":
        return opened.name == "draw" and step.arguments.get("color") == action.attributes.get("color")
    return step.name in _REPEATED and step.name == opened.name


def _extend(opened: _Open, step: RecordedStep | LightStep, row: int) -> None:
    """Take an operation into the action under way."""
    action = opened.action
    assert action is not None
    action.end, opened.last = step.step + 1, row
    attributes = action.attributes
    attributes["operations"] += 1
    name = step.name or ""
    if name in _WAYS:
        dx, dy, k = _WAYS[name]
        attributes["dx"] += dx
        attributes["dy"] += dy
        attributes["k"] = (attributes["k"] + k) % 4
        if LABELS[name] != action.label:
            action.label = "displace"
