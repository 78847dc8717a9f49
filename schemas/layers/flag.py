"""What speaks against using an ARC trace as it is."""

from . import Layer, Term

LAYER = Layer(
    name="flag",
    domain="arc",
    kind="checks",
    level="trajectory",
    doc=(
        "What a rule found that speaks against using the trace as it is: one row per trajectory, empty lists where nothing "
        "was found. `steps` says where, `observed` what. Nothing is taken out for it."
    ),
    vocabulary=(
        Term("orphan_paste", "something was pasted before anything had been copied"),
        Term("fraud_suspect", "in no time and few steps the answer was pasted without a copy: a script's work"),
        Term("idle", "nothing happened for long before this step, or the whole took long"),
        Term("empty_attempt", "a grid was handed in and nothing else was done"),
    ),
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="an oracle computes it",
)
