"""The semantic actions of an AgentNetTool recording, as its own reduction wrote them (reference/gui-recordings 4.1).

`reduced_events_complete.jsonl` holds an action a line; `reduced_events_vis.jsonl` the same actions after a person looked
at them: actions the person deleted are gone, and `action` holds the person's words where the person wrote any ("Click on
Power & sleep") and the machine's word where not. So an action has a person's label where that is no machine's word.

Times are seconds of the recorder's monotonic clock. Points are pixels of the screen as the input device sees it, kept
also where they lie outside the declared screen.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipelines.io.exact_json import exact_loads
from pipelines.sources import Rejected

COMPLETE = "reduced_events_complete.jsonl"
VIS = "reduced_events_vis.jsonl"

KNOWN_ACTIONS = ("click", "drag", "mouse_press", "scroll", "type", "press", "long_press")
POINTER_ACTIONS = ("click", "drag", "mouse_press")

_HEAVY = frozenset({"axtree", "trace", "time_trace", "drag_trace", "drag_time_trace", "coordinates", "children", "pre_move"})
"""Bodies that have a home of their own (`gui_trees`, `point`) or are raw pointer paths."""

_TYPED = {"space": " ", "enter": "\n", "tab": "\t"}


@dataclass(frozen=True, slots=True)
class Event:
    """One action: `start`, `end` and `pre_move` (start of the pointer's way there) in seconds of the recorder's clock.

    `row`: the columns of `gui_steps` that the record itself gives; `label`: the person's words; `tree`: the
    accessibility tree at the action, None once it is stored.
    """

    id: int
    action: str
    start: float
    end: float
    pre_move: float | None
    row: Mapping[str, Any]
    label: str | None
    tree: Any

    def without_tree(self) -> Event:
        """The same event, light."""
        return replace(self, tree=None)


def read_object(path: Path, name: str) -> dict[str, Any]:
    """A JSON file that holds one object, with or without a byte order mark. Raises Rejected `json_broken`."""
    return _object(path.read_bytes(), name)


def read_lines(path: Path, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line number from 1, object) of a JSON-lines file; blank lines are skipped. Raises Rejected `json_broken`."""
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if line.strip(b"\xef\xbb\xbf \t\r\n"):
                yield number, _object(line, f"{name} line {number}")


def read_timed(path: Path, name: str) -> Iterator[tuple[float, dict[str, Any]]]:
    """(time_stamp in seconds, object) of a log. Raises Rejected `json_broken`, `time_missing`, `clock_backwards`."""
    last = -math.inf
    for number, record in read_lines(path, name):
        time = record.get("time_stamp")
        if not isinstance(time, (int, float)) or isinstance(time, bool):
            raise Rejected(
                "time_missing", f"{name} line {number} has no `time_stamp`: it is no log of AgentNetTool, or was cut"
            )
        if time < last:
            raise Rejected(
                "clock_backwards",
                f"{name} line {number} is at {time} s, after {last} s: two clocks were merged; record or export it again",
                {"line": number, "time": time, "before": last},
            )
        last = float(time)
        yield last, record


def read_labels(path: Path, name: str) -> dict[int, str]:
    """What the reviewed file calls each action: id → `action`. Raises Rejected `json_broken`, `event_malformed`."""
    labels: dict[int, str] = {}
    for number, record in read_lines(path, name):
        identity, action = record.get("id"), record.get("action")
        if not isinstance(identity, int) or not isinstance(action, str):
            raise Rejected("event_malformed", f"{name} line {number} needs a whole `id` and an `action` in words")
        labels[identity] = action
    return labels


def read_events(complete: Path, name: str, labels: Mapping[int, str]) -> Iterator[Event]:
    """The actions that the reviewer kept, in the file's order, which must be that of time.

    Raises Rejected: `json_broken`, `event_malformed`, `action_unknown`, `clock_backwards`, `event_missing` (reviewed
    but not in this file), `event_twice`.
    """
    seen: set[int] = set()
    last = -math.inf
    for number, record in read_lines(complete, name):
        where = f"{name} line {number}"
        identity = record.get("id")
        if not isinstance(identity, int):
            raise Rejected("event_malformed", f"{where} needs a whole `id`, it has {identity!r}")
        if identity not in labels or record.get("vis") is False:
            continue
        event = event_of(record, labels[identity], where)
        if event.id in seen:
            raise Rejected("event_twice", f"{where}: id {event.id} occurs twice; ids name actions")
        if event.start < last:
            raise Rejected(
                "clock_backwards", f"{where} starts at {event.start} s, before the action above ({last} s)", {"line": number}
            )
        last = event.start
        seen.add(event.id)
        yield event
    missing = sorted(labels.keys() - seen)
    if missing:
        raise Rejected(
            "event_missing",
            f"{name} lacks the actions with ids {missing} that {VIS} holds: the two files belong to different exports",
            {"ids": missing},
        )


def event_of(record: Mapping[str, Any], reviewed: str, where: str) -> Event:
    """One record as an event. `reviewed` is its `action` in the reviewed file; `where` names file and line."""
    action = record.get("action")
    if action not in KNOWN_ACTIONS:
        raise Rejected("action_unknown", f"{where}: action {action!r} is none of {', '.join(KNOWN_ACTIONS)}")
    label = reviewed.strip() or None
    if label is not None and label.casefold() in KNOWN_ACTIONS:
        label = None
    before = record.get("pre_move")
    try:
        start, end = float(record["start_time"]), float(record["end_time"])
        pre_move = float(before["start_time"]) if before else None
        row = _ROWS[action](record)
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise Rejected(
            "event_malformed", f"{where}: a {action} needs other fields ({type(error).__name__}: {error})"
        ) from error
    if not start <= end or not math.isfinite(end):
        raise Rejected("event_malformed", f"{where}: the {action} ends at {end} s, before it starts at {start} s")
    source = {key: value for key, value in record.items() if key not in _HEAVY}
    if before:
        source["pre_move"] = {"start_time": before["start_time"], "end_time": before.get("end_time")}
    if label is not None:
        source["label"] = label
    return Event(
        int(record["id"]), str(action), start, end, pre_move, {**row, "source_action": source}, label, record.get("axtree")
    )


def _click(record: Mapping[str, Any]) -> dict[str, Any]:
    """Clicks and long presses of a mouse button."""
    button, clicks = str(record["button"]), int(record.get("click_type") or 1)
    if record["action"] == "mouse_press":
        name = "mousePress"
    elif button == "left":
        name = {1: "click", 2: "doubleClick", 3: "tripleClick"}.get(clicks, "click")
    else:
        name = {"right": "rightClick", "middle": "middleClick"}.get(button, "click")
    return {"action_name": name, "action_args": {"button": button, "clicks": clicks}, "point": _point(record["coordinate"])}


def _drag(record: Mapping[str, Any]) -> dict[str, Any]:
    """A drag ends where its path ends; null where the recorder kept no path."""
    paths = [record.get("drag_trace"), *(child.get("trace") for child in record.get("children") or [])]
    path: Sequence[Sequence[float]] = next((p for p in paths if p), [])
    end = [float(path[-1][0]), float(path[-1][1])] if path else None
    start = _point(record["coordinate"])
    return {"action_name": "drag", "action_args": {"button": str(record["button"])}, "point": start, "end_point": end}


def _scroll(record: Mapping[str, Any]) -> dict[str, Any]:
    """The turns of a wheel summed: the recorder's dy > 0 is a wheel turned up, our y > 0 one turned down."""
    trace = record["trace"]
    dx, dy = sum(turn["dx"] for turn in trace), sum(turn["dy"] for turn in trace)
    arguments = {"dx": dx, "dy": dy}
    return {"action_name": "scroll", "action_args": arguments, "point": _point(trace[0]), "scroll": [float(dx), float(-dy)]}


def _type(record: Mapping[str, Any]) -> dict[str, Any]:
    """Keys struck one after another; `text` only where every key is a character or edits the one before."""
    keys = [str(key) for key in record["key_names"]]
    return {"action_name": "type", "action_args": {"keys": keys}, "text": typed_text(keys)}


def _press(record: Mapping[str, Any]) -> dict[str, Any]:
    """Keys held together: the key itself, and those pressed while it was down."""
    keys = _held(record)
    name = "longPress" if record["action"] == "long_press" else "press" if len(keys) == 1 else "hotkey"
    return {"action_name": name, "action_args": {}, "keys": keys}


_ROWS = {
    "click": _click,
    "mouse_press": _click,
    "drag": _drag,
    "scroll": _scroll,
    "type": _type,
    "press": _press,
    "long_press": _press,
}


def typed_text(keys: Sequence[str]) -> str | None:
    """The text that a row of key strokes leaves in an empty field; None where a key's effect is not known."""
    text = ""
    for key in keys:
        if key == "backspace" and text:
            text = text[:-1]
        elif key in _TYPED or len(key) == 1:
            text += _TYPED.get(key, key)
        else:
            return None
    return text


def _held(record: Mapping[str, Any]) -> list[str]:
    keys = [str(record["key_name"])]
    for child in record.get("children") or []:
        if child.get("action") == "type":
            keys += [str(key) for key in child["key_names"]]
        elif child.get("action") in ("press", "long_press") and child.get("pressed", True):
            keys += _held(child)
    return keys


def _point(value: Mapping[str, Any]) -> list[float]:
    return [float(value["x"]), float(value["y"])]


def _object(data: bytes, where: str) -> dict[str, Any]:
    try:
        value = exact_loads(data.removeprefix(b"\xef\xbb\xbf"))
    except json.JSONDecodeError as error:
        raise Rejected("json_broken", f"{where} is not JSON ({error}): the file was cut or edited; copy it again") from error
    if not isinstance(value, dict):
        raise Rejected("json_broken", f"{where} holds {type(value).__name__}, not an object")
    return value
