"""What RoboInter's files call things, and what they are here: one declaration that reader and exporter both go by.

Each of the 14 fields is a key of the LMDB's records and a column `annotation.<field>` of the LeRobot datasets; all but two are
rated, in `Q_annotation.<field>` and in the Qsheet.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

ANNOTATION, QUALITY = "annotation.", "Q_annotation."
EPISODE_NAME, CAMERA_VIEW = "episode_name", "camera_view"
PRIMARY, WRIST = "observation.images.primary", "observation.images.wrist"
"""Camera that everything in pixels is about, and the one at the gripper."""
STATE, ACTION = "state", "action"

ZEROS_FROM = 6
"""Dimensions of a pose or of joints from which zeros in every row are no measurement: the converter had none."""

RATINGS: Mapping[str, str] = {"Primary": "primary", "Secondary": "secondary"}
"""Rating in the files → `quality`."""


@dataclass(frozen=True, slots=True)
class Field:
    """A field by its right `name`; `layer`: which layer holds it (None: none does), `said`: as the files spell it.

    `text`: its column holds plain text, that of others JSON. `past`: after the contact it is `[]`.
    """

    name: str
    layer: str | None
    said: str
    text: bool = False
    rated: bool = True
    past: bool = False

    @property
    def column(self) -> str:
        """Its column in a LeRobot dataset."""
        return f"{ANNOTATION}{self.said}"

    @property
    def rating(self) -> str | None:
        """The column of its rating; None where it has none."""
        return f"{QUALITY}{self.said}" if self.rated else None


FIELDS: tuple[Field, ...] = (
    Field("time_clip", None, "time_clip", rated=False),
    Field("instruction_add", "instruction_add", "instruction_add", text=True),
    Field("subtask", "subtask", "substask", text=True),  # misspelt in the files
    Field("primitive_skill", "primitive_skill", "primitive_skill", text=True),
    Field("segmentation", "segmentation", "segmentation", text=True),
    Field("object_box", "object_box", "object_box"),
    Field("placement_proposal", "placement_proposal", "placement_proposal"),
    Field("trace", "trace", "trace"),
    Field("gripper_box", "gripper_box", "gripper_box"),
    Field("contact_frame", "contact", "contact_frame"),
    Field("state_affordance", "state_affordance", "state_affordance", past=True),
    Field("affordance_box", "affordance_box", "affordance_box", past=True),
    Field("contact_points", "contact_points", "contact_points", past=True),
    Field("origin_shape", None, "origin_shape", rated=False),
)
NAMES: tuple[str, ...] = tuple(field.name for field in FIELDS)
BY_NAME: Mapping[str, Field] = {field.name: field for field in FIELDS}
COLUMNS: tuple[str, ...] = (
    *(field.column for field in FIELDS),
    *(field.rating for field in FIELDS if field.rating is not None),
)
"""The columns that are annotations, as the files spell them."""
PIXELS = ("object_box", "gripper_box", "placement_proposal", "trace", "affordance_box", "contact_points")
"""Fields in pixels of `origin_shape`."""

_SPELLED = {field.said: field.name for field in FIELDS}


def spelled(said: str) -> str:
    """The right spelling of a name in the files; a name that is none of theirs as it is."""
    return _SPELLED.get(said, said)
