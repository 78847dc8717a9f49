"""The instruction panel of a project: what to do, the words, three examples, what a submit asserts, the keys."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from schemas.layers import Layer

from ..project import Project
from .hotkeys import VERDICTS, terms_of

TIMELINE_KEYS = (
    ("Alt + → / ←", "some frames on, some back: as many as Settings, ‘Video hop size’ says; make it 1 (your browser keeps it)"),
    ("Ctrl + Alt + Space", "play, pause"),
)
LIST_KEYS = (
    ("Ctrl + → / ←", "next picture, picture before"),
    ("Ctrl + click", "begin a point, outline or path inside a region; a click without Ctrl selects that region"),
)
LINK_KEYS = (
    ("Alt + R", "link the selected region to the next one you click, on any picture; give it its word under Relations"),
)
KEYS = (
    ("Ctrl + Enter", "submit (not while you type: first Shift + Enter)"),
    ("Ctrl + Z", "undo"),
    ("Backspace", "delete the selected region"),
    ("U", "let go of the selected region: do this before you draw another"),
)


def instructions(project: Project) -> str:
    """HTML for `expert_instruction`. What the declarations say stands in it as text."""
    return "".join(
        (
            f"<h3>{escape(project.name)}</h3>",
            f"<p>You see {escape(project.review_view.shows)}.</p>",
            f"<h4>What to do</h4>{_list('ol', map(escape, _asks(project)))}",
            f"<h4>Words</h4>{_words(project)}",
            f"<h4>Three examples</h4>{_list('ol', map(escape, examples(project)))}",
            f"<h4>What submitting says</h4>{_list('ul', map(escape, asserts(project)))}",
            f"<h4>Keys</h4>{_list('ul', (f'<b>{escape(key)}</b>: {escape(what)}' for key, what in _keys(project)))}",
        )
    )


def asserts(project: Project) -> list[str]:
    """What a submit and a skip mean, one sentence each."""
    said = [
        "You looked at everything below. What you leave as it is, you confirm; what you delete was wrong.",
        *(
            f"{_name(layer)}: where you leave nothing, you say: {layer.review.absent}."
            for layer in project.declared
            if layer.review
        ),
        "Skip says nothing at all. Skip when you cannot tell.",
    ]
    if project.view == "verdict":
        said[0] = "Right confirms a row and wrong rejects it. Unclear, or no choice, says nothing about the row."
        del said[1:-1]
    if any(layer.kind == "choices" for layer in project.declared):
        said[0] = "The order that is on the screen is yours, also if you left it as it was."
    return said


def examples(project: Project) -> list[str]:
    """Three cases: right as it is, to be mended, not there."""
    layer = project.declared[0]
    if project.view == "verdict" and layer.kind != "choices":
        return [
            "The picture shows what its line says: press 1, right.",
            "The mask also covers the table, the box is around another thing: press 2, wrong, and say why in a few words.",
            "The thing is hidden or the picture is too dark: press 3, unclear.",
        ]
    right, mend, absent = _example(layer, project.review_view.surface == "timeline")
    return [f"{_name(layer)}. {right}", f"{_name(layer)}. {mend}", f"{_name(layer)}. {absent}"]


def _example(layer: Layer, timeline: bool) -> tuple[str, str, str]:
    """For a kind: what is right, what is to be mended, what is not there."""
    terms = terms_of(layer)
    word = terms[0].value if terms else ""
    match layer.kind:
        case "segments" if layer.level == "step":
            return (
                f"The mark ‘{word}’ lies on its frame: leave it.",
                f"‘{word}’ is to be seen two frames later: drag the mark there, or type the frame into Start and End.",
                f"There is no ‘{word}’ in the clip: select the mark and press Backspace.",
            )
        case "segments":
            return (
                "Boundaries, word and text are right: leave the region.",
                "The region ends too early: drag its end. Its word is wrong: select it and press the key of the right one.",
                "Nothing of the kind happens there: select the region and press Backspace.",
            )
        case "regions" if timeline:
            return (
                f"The box stays around ‘{word}’ while you play: leave it.",
                "It drifts off in the middle: stop there and put it right. The frames between follow.",
                f"The box follows something else than ‘{word}’: delete it, press {terms[0].hotkey} and draw the right one.",
            )
        case "regions" | "traces":
            return (
                f"‘{word}’ lies where it belongs: leave it.",
                "It is a little off: drag it, or pull at its corners or points.",
                f"‘{word}’ cannot be seen: delete it.",
            )
        case "texts":
            return (
                "The words say what happens: leave them.",
                "They name the wrong thing: click the pencil, mend them, and press Shift + Enter.",
                "Nothing can be said: click the bin.",
            )
        case "checks":
            return (
                "Function, key and value are right: leave the small box at the edge.",
                "The value is wrong: select the box, click the pencil beside the value, mend it, press Shift + Enter.",
                "It need not hold: delete the box. Something else has to: press its key, draw a small box, click it, fill in key and value.",
            )
        case "choices":
            return (
                "The best action is on top: leave the list.",
                "The second is better: drag it to the top.",
                "Two are equally good: leave them in the order they are in.",
            )
        case "links":
            return (
                f"The second step would not be there without the first: leave ‘{word}’.",
                "The arrow has the wrong word: open Relations and choose the other.",
                "The steps have nothing to do with each other: delete the arrow in Relations.",
            )
    return (
        f"‘{word}’ is right: leave it.",
        "Another word is right: press its key.",
        "No word fits: click the chosen one again, so that nothing is chosen.",
    )


def _asks(project: Project) -> Iterable[str]:
    yield from project.review_view.asks
    if project.blind:
        yield "Nothing is proposed here: make everything yourself, and do not look at other projects of this recording."
    if project.review_view.surface == "list" and any(layer.kind == "texts" for layer in project.declared):
        yield "Press Add after a new text, before you turn to the next picture: it belongs to the picture you see then."


def _words(project: Project) -> str:
    if project.view == "verdict" and not any(layer.kind == "choices" for layer in project.declared):
        return _list("ul", (f"<b>{escape(t.value)}</b> ({escape(t.hotkey or '')}): {escape(t.meaning)}" for t in VERDICTS))
    parts = []
    for layer in project.declared:
        parts.append(f"<p><b>{escape(_name(layer))}</b>: {escape(layer.doc)}</p>")
        if terms := terms_of(layer):
            key = {t.value: f" ({escape(t.hotkey)})" if t.hotkey and layer.kind != "links" else "" for t in terms}
            parts.append(_list("ul", (f"<b>{escape(t.value)}</b>{key[t.value]}: {escape(t.meaning)}" for t in terms)))
    return "".join(parts)


def _keys(project: Project) -> Iterable[tuple[str, str]]:
    yield from TIMELINE_KEYS if project.review_view.surface == "timeline" else LIST_KEYS
    if any(layer.kind == "links" for layer in project.declared):
        yield from LINK_KEYS
    yield from KEYS
    yield "The key beside a word", "that word, for the selected region or for the next one you draw"


def _name(layer: Layer) -> str:
    return layer.name.replace("_", " ")


def _list(kind: str, items: Iterable[str]) -> str:
    return f"<{kind}>{''.join(f'<li>{item}</li>' for item in items)}</{kind}>"
