"""Why each step of a screen recording was done, as a model would explain it (layer `thought`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .step_texts import StepTexts


@dataclass(frozen=True)
class Thoughts(StepTexts):
    """Proposes `thought`."""

    name: ClassVar[str] = "models.thoughts"
    emits: ClassVar[tuple[str, ...]] = ("thought",)
    task: ClassVar[str] = (
        "You see screenshots of a recording as a contact sheet, each as it was before the action of its step, with the step "
        "number burnt in. For each step write what the person may have been thinking before it, in the first person and at "
        "most three sentences: what is seen, what remains to be done for the instruction, and why this action is next. Say "
        "nothing that can only be known from a later step."
    )


ANNOTATOR = Thoughts()
