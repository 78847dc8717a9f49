"""Which earlier ARC trace a trace repeats."""

from . import Layer, Term

LAYER = Layer(
    name="duplicate",
    domain="arc",
    kind="checks",
    level="trajectory",
    doc=(
        "Whether the same person did exactly the same at this task before: one row per trajectory, empty lists where not. "
        "`observed` names the trace that was first. Nothing is taken out for it."
    ),
    vocabulary=(Term("duplicate_of", "the same person did the same at this task; `observed` names the earlier trace"),),
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="an oracle computes it",
)
