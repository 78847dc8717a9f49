"""A first draft of what the person was doing, stretch by stretch (layer `activity`), from places and kinds of action.

A stretch ends where the place changes: the application, or the page without its query; the window's title where there is
no page. Inside a place it ends where the kind of action changes:

* typing into what calls itself a search or a filter, and Enter after it: *search*;
* typing elsewhere, picking, ticking, uploading, dragging: *enter*;
* scrolling, hovering, waiting, observing: *check*;
* going back, and the keys that undo: *recover*;
* opening a page or an application: *navigate*;
* a click says nothing alone. It goes with what follows it in its place, else with the typing before it (it sends a form),
  else it is *navigate*.

One step between two stretches of one kind joins them. The words are templates around window titles and typed text. Reading
is not told from thinking, and a mistake that was not taken back by keys is not seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar
from urllib.parse import urlsplit

from ..annotation import Annotation
from ..protocol import Requires
from ..trajectory import TrajectoryView
from .action_points import TYPES, arguments_of, label_of

_PICKS = frozenset(
    {"select", "selectOption", "check", "uncheck", "setChecked", "setInputFiles", "upload", "drag", "dragAndDrop"}
)
_OPENS = frozenset({"goto", "open", "open_app", "navigate", "newPage", "switch_tab", "goForward", "reload"})
_BACK = frozenset({"goBack", "back", "undo"})
_UNDO = ({"ctrl", "z"}, {"control", "z"}, {"meta", "z"}, {"cmd", "z"}, {"command", "z"})
_SEARCHES = ("search", "filter", "find", "query")
_COLUMNS = ["step", "action_name", "action_args", "text", "keys", "app", "window", "url"]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Steps `[start, end)` of one activity, and it in words."""

    start: int
    end: int
    label: str
    text: str


def activities(rows: Sequence[Mapping[str, Any]]) -> list[Stretch]:
    """Stretches that tile all steps. `rows`: of the step table, with the columns above."""
    if not rows:
        return []
    places = [_place(row) for row in rows]
    kinds = _kinds(rows, places)
    for before, at, after in zip(range(len(rows)), range(1, len(rows)), range(2, len(rows)), strict=False):
        if kinds[before] == kinds[after] and places[before] == places[at] == places[after]:
            kinds[at] = kinds[before]
    cuts = [n for n in range(1, len(rows)) if (kinds[n], places[n]) != (kinds[n - 1], places[n - 1])]
    return [
        Stretch(start, end, kinds[start], _words(kinds[start], rows, start, end))
        for start, end in pairwise([0, *cuts, len(rows)])
    ]


def _kinds(rows: Sequence[Mapping[str, Any]], places: Sequence[Any]) -> list[str]:
    """The activity of each step, clicks given to their neighbours."""
    own: list[str | None] = []
    for row in rows:
        own.append(_kind(row, own[-1] if own else None))
    for n in reversed(range(len(own))):
        if own[n] is None and n + 1 < len(own) and places[n + 1] == places[n]:
            own[n] = own[n + 1]
    kinds: list[str] = []
    for n, kind in enumerate(own):
        sends = kind is None and n > 0 and places[n - 1] == places[n] and kinds[-1] in ("enter", "search")
        kinds.append(kinds[-1] if sends else kind or "navigate")
    return kinds


def _kind(row: Mapping[str, Any], before: str | None) -> str | None:
    """The activity that one step shows by itself; None where it shows none. `before`: of the step before it."""
    name = row["action_name"]
    keys = {key.lower() for key in row["keys"] or ()}
    if name in _BACK or keys in _UNDO:
        return "recover"
    if name in _OPENS:
        return "navigate"
    arguments = arguments_of(row)
    target = " ".join(str(arguments.get(key) or "") for key in ("name", "role", "selector", "label")).lower()
    if any(word in target for word in _SEARCHES):
        return "search"
    if name in TYPES:
        named = "box" in arguments or "selector" in arguments
        return "search" if before == "search" and not named else "enter"
    if name in _PICKS:
        return "enter"
    return None if name is not None and label_of(name) == "click" else "check"


def _place(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Where a step takes place: app and page without query, or app and window."""
    if row["url"]:
        parts = urlsplit(row["url"])
        return row["app"], parts.netloc, parts.path
    return row["app"], row["window"]


def _words(label: str, rows: Sequence[Mapping[str, Any]], start: int, end: int) -> str:
    """A template's sentence, in the imperative."""
    here = rows[start]["window"] or rows[start]["app"] or "the screen"
    if label == "navigate":
        after = rows[min(end, len(rows) - 1)]
        return f"go to {after['window'] or after['app'] or 'the next screen'}"
    if label == "search":
        typed = [row["text"] for row in rows[start:end] if row["text"]]
        return f"search for {typed[-1]}" if typed else f"search in {here}"
    return {"enter": f"fill in {here}", "check": f"look at {here}", "recover": f"take back a step in {here}"}[label]


@dataclass(frozen=True)
class Activities:
    """Proposes `activity`."""

    name: ClassVar[str] = "gui.activities"
    version: ClassVar[str] = "1"
    producer_type: ClassVar[str] = "signal"
    emits: ClassVar[tuple[str, ...]] = ("activity",)
    requires: ClassVar[Requires] = Requires("gui", columns=("action_name",))
    deterministic: ClassVar[bool] = True

    def propose(self, trajectory: TrajectoryView) -> Iterable[Annotation]:
        """Stretches over all steps."""
        for stretch in activities(trajectory.steps.select(_COLUMNS).to_pylist()):
            payload = {"label": stretch.label, "text": stretch.text}
            yield Annotation("activity", payload, stretch.start, stretch.end)


ANNOTATOR = Activities()
