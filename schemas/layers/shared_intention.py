"""What several people did to the same cells of an ARC task."""

from . import Layer

LAYER = Layer(
    name="shared_intention",
    domain="arc",
    kind="regions",
    level="trajectory",
    doc="Cells that several people of a task worked on by the same operation, which is the label.",
    vocabulary=None,
    open_because="labels are operations of schemas.arc_operations",
    stream=None,
    tiling=None,
    review=None,
    unreviewed_because="it counts what was recorded",
)
