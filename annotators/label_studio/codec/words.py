"""The words of a layer between a row and a control."""

from __future__ import annotations

from schemas.layers import Layer

from ..config.hotkeys import terms_of


def words_of(layer: Layer) -> tuple[str, ...]:
    """What people choose from; empty for free text."""
    return tuple(term.value for term in terms_of(layer))


def shown_word(layer: Layer, word: str | None) -> str | None:
    """The word that stands for a row's own: itself, or the last one where the layer's labels are open."""
    words = words_of(layer)
    if word is None or word in words or layer.vocabulary is not None:
        return word
    return words[-1] if words else None
