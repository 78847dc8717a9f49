"""Keys: which a project's words take, and which the editor keeps for itself."""

from __future__ import annotations

from collections import Counter

from schemas.layers import Layer, Term

from ..project import Project

EDITOR_KEYS = frozenset("behkmopruvw[]")
"""Single keys of the editor: tools (ellipse O, eraser E, pan H, detect M, key point K, wand W, polygon and vector P,
rectangle R, move V, brush B, size [ and ]) and unselect (u). Source: the key map in its shipped code (1.23.2)."""

UNUSED_KEY = "f19"
"""For a label that nobody presses. Without a key of its own the editor deals it one, and that may be somebody's."""

VERDICTS = (
    Term("right", "what is drawn is right", "1", "#009e73"),
    Term("wrong", "what is drawn is wrong", "2", "#d55e00"),
    Term("unclear", "it cannot be told from the picture", "3", "#665555"),
)
"""What people say of a row in the verdict view. Only the first two say something about it."""


def terms_of(layer: Layer) -> tuple[Term, ...]:
    """What people choose from: the words of the review, else the vocabulary; empty for free text."""
    review_words = layer.review.words if layer.review else ()
    return review_words or layer.vocabulary or ()


def keyed_terms(project: Project) -> list[tuple[str, Term]]:
    """(layer, word) of everything in the project's view that takes a key."""
    if project.view == "verdict":
        return [("verdict", term) for term in VERDICTS]
    return [(layer.name, term) for layer in project.declared if layer.kind != "links" for term in terms_of(layer)]


def key_faults(project: Project) -> list[str]:
    """A sentence for each word without a key, key given twice, and key that the editor keeps."""
    keyed = keyed_terms(project)
    faults = [f"{layer}: word {term.value!r} has no hotkey" for layer, term in keyed if term.hotkey is None]
    times = Counter(term.hotkey for _, term in keyed if term.hotkey is not None)
    for layer, term in keyed:
        if term.hotkey is not None and times[term.hotkey] > 1:
            faults.append(f"{layer}: hotkey {term.hotkey!r} of {term.value!r} is another word's, too")
        if term.hotkey in EDITOR_KEYS:
            faults.append(f"{layer}: hotkey {term.hotkey!r} of {term.value!r} belongs to the editor")
    return faults
