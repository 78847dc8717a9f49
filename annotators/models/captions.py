"""What each step of a screen recording does, in a model's words (layer `caption`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .step_texts import StepTexts


@dataclass(frozen=True)
class Captions(StepTexts):
    """Proposes `caption`."""

    name: ClassVar[str] = "models.captions"
    emits: ClassVar[tuple[str, ...]] = ("caption",)
    task: ClassVar[str] = (
        "You see screenshots of a recording as a contact sheet, each as it was before the action of its step, with the step "
        "number burnt in. For each step say in one sentence, in the imperative, what its action does, naming what it acts on."
    )


ANNOTATOR = Captions()
