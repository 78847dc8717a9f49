"""What each clip of an episode is for, in words."""

from ..types import Column
from . import Layer, Review, Tiling, ViewColumn

LAYER = Layer(
    name="subtask",
    domain="robot",
    kind="segments",
    level="span",
    doc="One sentence per clip, in the imperative: what is done with what, and where.",
    vocabulary=None,
    open_because="free text",
    stream="video",
    tiling=Tiling(overlap=False, gaps=True),
    review=Review(view="robot_language", region="clip", absent="the steps belong to no clip", text=True),
    columns=(ViewColumn("robot_labels", Column("subtask", "string", "what the clip at this step is for"), "text"),),
)
