"""Which calls of a Playwright trace act on a page, what they are called here, and what of them goes into which column.

`ACTIONS` and `LOCATOR_ACTIONS` are the whole declaration: a call that is in neither (queries, waits, assertions,
evaluate, screenshots, routes, tracing, opening and closing of pages and contexts) is no step. Points and boxes are CSS
px of the viewport.

Names are those of other screen recordings (pyautogui's) where there is one: click, doubleClick, tripleClick, rightClick,
middleClick, drag, scroll, type, press (one key), hotkey (several together).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.formats.playwright.selectors import element_of
from pipelines.formats.playwright.trace import Call, Point, Rect


@dataclass(frozen=True, slots=True)
class Action:
    """How a call appears in `gui_steps`: action name and kind, and the parameters that hold its text and its key."""

    name: str
    kind: str = "gui"
    text: str | None = None
    key: str | None = None


_ON_AN_ELEMENT = {
    "blur": Action("blur"),
    "check": Action("check"),
    "click": Action("click"),
    "dblclick": Action("doubleClick"),
    "dispatchEvent": Action("dispatchEvent"),
    "fill": Action("fill", text="value"),
    "focus": Action("focus"),
    "hover": Action("hover"),
    "press": Action("press", key="key"),
    "scrollIntoViewIfNeeded": Action("scrollIntoView"),
    "selectOption": Action("select"),
    "selectText": Action("selectText"),
    "setInputFilePaths": Action("upload"),
    "setInputFiles": Action("upload"),
    "tap": Action("tap"),
    "type": Action("type", text="text"),
    "uncheck": Action("uncheck"),
}

_ON_A_FRAME = {
    "dragAndDrop": Action("drag"),
    "drop": Action("dropFiles"),
    "goto": Action("goto", "system"),
    "setContent": Action("setContent", "system"),
}

_ON_A_PAGE = {
    "bringToFront": Action("switchTab", "system"),
    "goBack": Action("back", "system"),
    "goForward": Action("forward", "system"),
    "keyboardDown": Action("keyDown", key="key"),
    "keyboardInsertText": Action("insertText", text="text"),
    "keyboardPress": Action("press", key="key"),
    "keyboardType": Action("type", text="text"),
    "keyboardUp": Action("keyUp", key="key"),
    "mouseClick": Action("click"),
    "mouseDown": Action("mouseDown"),
    "mouseMove": Action("mouseMove"),
    "mouseUp": Action("mouseUp"),
    "mouseWheel": Action("scroll"),
    "reload": Action("reload", "system"),
    "setViewportSize": Action("resize", "system"),
    "touchscreenTap": Action("tap"),
}

ACTIONS: dict[str, Action] = {
    **{f"{owner}.{method}": action for owner in ("Frame", "ElementHandle") for method, action in _ON_AN_ELEMENT.items()},
    **{f"Frame.{method}": action for method, action in _ON_A_FRAME.items()},
    **{f"Page.{method}": action for method, action in _ON_A_PAGE.items()},
    "Dialog.accept": Action("acceptDialog"),
    "Dialog.dismiss": Action("dismissDialog"),
}
"""`<class>.<method>` as the trace writes it → the action."""

LOCATOR_ACTIONS: dict[str, Action] = {
    "locator.scrollintoviewifneeded": Action("scrollIntoView"),
    "locator.selecttext": Action("selectText"),
    "scroll into view": Action("scrollIntoView"),
    "select text": Action("selectText"),
}
"""A locator does these in two calls, a query (`Frame.waitForSelector`) that bears the name and one that is not recorded.
The name in small letters without underscores (languages write it differently) → the action."""

_AT_A_POINT = ("mouseClick", "mouseMove", "touchscreenTap")
"""Calls of a page that name their point."""


def action_of(call: Call) -> Action | None:
    """What a call did to a page; None for one that only looked, and for a `trial`, which checks and does nothing."""
    before = call.before
    called = f"{before.class_}.{before.method}"
    if called == "Frame.waitForSelector":
        return LOCATOR_ACTIONS.get((before.title or before.api_name or "").lower().replace("_", ""))
    action = ACTIONS.get(called)
    if action is None or before.params.get("trial") is True:
        return None
    if action.name == "click":
        return Action(_click_name(before.params))
    if action.name == "press" and len(keys_of(str(before.params.get("key")))) > 1:
        return Action("hotkey", key="key")
    return action


def _click_name(params: dict[str, Any]) -> str:
    counted = {2: "doubleClick", 3: "tripleClick"}.get(params.get("clickCount", 1))
    return counted or {"right": "rightClick", "middle": "middleClick"}.get(str(params.get("button")), "click")


def columns_of(call: Call, action: Action) -> dict[str, Any]:
    """The columns of `gui_steps` that the call itself fills: name, kind, arguments, point, scroll, text, keys."""
    params = call.before.params
    first, last = _inputs(call)
    dragged = action.name == "drag"
    args = {**element_of(params.get("selector"), action.name), **params}
    if box := (first if dragged else last)[1]:
        args["box"] = box.box
    if dragged and first is not last and last[1]:
        args["end_box"] = last[1].box
    key = params.get(action.key) if action.key else None
    return {
        "action_kind": action.kind,
        "action_name": action.name,
        "action_args": args,
        "point": _pair(first[0] if dragged else last[0]),
        "end_point": _pair(last[0]) if dragged and first is not last else None,
        "scroll": _scroll(params) if action.name == "scroll" else None,
        "text": _text(params.get(action.text)) if action.text else None,
        "keys": keys_of(key) if isinstance(key, str) else None,
    }


def keys_of(key: str) -> list[str]:
    """`Control+Shift+T` as its keys; a plus is a key of its own where no key stands before it (`Control++`)."""
    keys = [""]
    for character in key:
        if character == "+" and keys[-1]:
            keys.append("")
        else:
            keys[-1] += character
    return [k for k in keys if k]


_Aim = tuple[Point | None, Rect | None]


def _inputs(call: Call) -> tuple[_Aim, _Aim]:
    """First and last place that input went to. Only a drag has two; in other calls an earlier one was tried in vain."""
    aims: list[_Aim] = [(given.point, given.box) for given in call.inputs if given.point or given.box]
    if not aims:
        aims = [(_stated_point(call), None)]
    return aims[0], aims[-1]


def _stated_point(call: Call) -> Point | None:
    """The point of a mouse call that stands in its parameters or in its last line."""
    params = call.before.params
    if call.before.class_ == "Page" and call.before.method in _AT_A_POINT:
        x, y = params.get("x"), params.get("y")
        if isinstance(x, (int, float)) and isinstance(y, (int, float)):
            return Point(x=x, y=y)
    return call.after.point if call.after else None


def _pair(point: Point | None) -> list[float] | None:
    return [point.x, point.y] if point else None


def _scroll(params: dict[str, Any]) -> list[float] | None:
    dx, dy = params.get("deltaX"), params.get("deltaY")
    return [float(dx), float(dy)] if isinstance(dx, (int, float)) and isinstance(dy, (int, float)) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
