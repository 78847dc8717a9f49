"""The review views: what a person sees of a trajectory, and on which surface.

A view knows no layer; layers name the view that they are reviewed in (`schemas.layers.Review.view`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class ReviewView:
    """One way to look at a trajectory.

    `domain`: None = any. `surface`: `timeline` is one video with a timeline below it, `list` a list of pictures.
    `shows`: what is on it. `asks`: what a person is asked to do, one sentence each, for the instruction panel.
    `max_regions`: timeline regions of one task; what has more becomes several tasks. `markers`: every picture has a small
    region of its own, so that links and checks have ends.
    """

    name: str
    domain: str | None
    surface: Literal["timeline", "list"]
    shows: str
    asks: tuple[str, ...]
    max_regions: int | None = None
    markers: bool = False


VIEWS: dict[str, ReviewView] = {
    view.name: view
    for view in (
        ReviewView(
            "robot_language",
            "robot",
            "timeline",
            "the whole episode on a slow proxy",
            ("Play the clip.", "Drag a boundary that lies wrong.", "Mend the label or the words of a region that is wrong."),
            max_regions=12,
        ),
        ReviewView(
            "robot_contact",
            "robot",
            "timeline",
            "one second before and after a proposed contact or release, at full rate",
            (
                "Step frame by frame.",
                "Move the mark to the first frame of the contact or release.",
                "Delete it if there is none.",
            ),
        ),
        ReviewView(
            "robot_tracks",
            "robot",
            "timeline",
            "the whole episode at full rate",
            ("Play the clip.", "Where a box has drifted, stop and put it right: that makes a key frame."),
        ),
        ReviewView(
            "robot_key_frames",
            "robot",
            "list",
            "the frames that carry a proposal",
            ("Look at each picture.", "Put points, boxes and paths where they belong."),
        ),
        ReviewView(
            "arc_story",
            "arc",
            "timeline",
            "one video frame per step: demonstrations, test input, before, after, caption",
            ("Step through the trace.", "Mend the sub-goals and detours.", "Say the rule and the strategy in words."),
            max_regions=12,
        ),
        ReviewView(
            "arc_steps",
            "arc",
            "list",
            "one picture per step: demonstrations, test input, before, after, caption",
            ("Look at each step.", "Say what the person wanted.", "Mark the cells that made the person act."),
        ),
        ReviewView(
            "gui_story",
            "gui",
            "timeline",
            "one video frame per step: the screenshot with the action drawn on it",
            ("Step through the recording.", "Mend the spans and anchors."),
            max_regions=12,
        ),
        ReviewView(
            "gui_steps",
            "gui",
            "list",
            "the screenshots",
            (
                "Look at each screenshot.",
                "Put the box around the element that the action is meant for.",
                "Say what the step does and whether it was right.",
            ),
            markers=True,
        ),
        ReviewView(
            "verdict",
            None,
            "list",
            "one rendered picture per proposed row",
            ("Look at each picture.", "Say whether it is right or wrong."),
        ),
    )
}
