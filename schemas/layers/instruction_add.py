"""The instruction of an episode as annotators wrote it anew."""

from . import Layer

LAYER = Layer(
    name="instruction_add",
    domain="robot",
    kind="texts",
    level="trajectory",
    doc="What the whole episode is for, in one sentence, written by annotators beside the recording's own instruction.",
    vocabulary=None,
    open_because="free text",
    stream="video",
    tiling=None,
    review=None,
    unreviewed_because="it is imported from RoboInter, whose people wrote and checked it; the instruction itself is the task's",
)
