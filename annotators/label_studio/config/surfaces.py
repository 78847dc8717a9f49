"""What a person looks at: a video over a timeline, or a list of pictures."""

from __future__ import annotations

from xml.sax.saxutils import escape

from ..project import Project
from .markup import heading, tag

MEDIA = "flex:1 1 0;min-width:0;overflow:hidden"
"""A flex child is as wide as its content, and a timeline is 16 px per frame: without `min-width:0` the video leaves the
screen; without `overflow:hidden` the player's bar lies over the labels beside it."""

SIDE = "flex:0 0 310px;min-width:0;padding-left:10px;max-height:calc(100vh - 140px);overflow-y:auto"
TITLE = "margin:0;font-size:14px;font-weight:600;line-height:1.3;max-height:56px;overflow-y:auto;overflow-wrap:anywhere"
PROPOSED = (
    "white-space:pre-wrap;overflow-wrap:anywhere;font-size:13px;font-weight:400;line-height:1.35;margin:0;"
    "max-height:291px;overflow-y:auto"
)
"""Plain text with its line breaks. A long list scrolls by itself, so that the controls below stay in sight: 16 lines and the
upper half of another, which says that there are more."""

STYLE = "".join(
    (
        # The counts below a text are wider than the column and push its button out of it.
        '.review-side [data-testid="textarea-counts"],.review-side [data-testid="textarea-instruction"]{display:none}',
        # Pencil and bin stand beside a text: the editor lays them over its end, and only while the mouse is there.
        ".review-side .lsf-textarea__region{flex-direction:row;align-items:flex-start;padding:0;gap:4px}",
        ".review-side .lsf-textarea__actions{position:static;flex:none;gap:2px;opacity:1;pointer-events:auto;transform:none!important}",
        # The tools leave the row while a picture loads, and the next one is drawn wider than its frame: cut off at the right.
        ".review-list .lsf-object{padding-right:48px}.review-list .lsf-toolbar{position:absolute;right:0;top:80px}",
        ".review-side .lsf-labels{margin:2px 0;padding:0}.review-side .lsf-label{margin:0 6px 4px 0}",
    )
)
"""What the editor's own looks get wrong in a narrow column. Class names of 1.23.2."""

ROW, RULER, ROOM = 24, 36, 650
"""Pixels: a row of the timeline, what stands above the rows, and video and rows together on a screen of 900."""

FEW = 6
"""Rows of the timeline of a view that does not say how many regions it has."""


def timeline(project: Project) -> str:
    """The video over its timeline, with a row for each region that a task may have."""
    rows = RULER + ROW * (project.review_view.max_regions or FEW)
    return tag("Video", name="media", value="$media", frameRate="$fps", muted="true", height=ROOM - rows, timelineHeight=rows)


def pictures(project: Project) -> str:
    """The list of pictures, one shown large. Cells of a grid keep their edges."""
    sharp = "false" if project.review_view.domain == "arc" else "true"
    return tag(
        "Image", name="media", valueList="$images", zoom="true", zoomControl="true", smoothing=sharp,
        maxWidth="100%", maxHeight="calc(100vh - 170px)",
    )  # fmt: skip


def layout(project: Project, fields: list[str], controls: list[str]) -> str:
    """The media, and beside it the title, the proposed texts and the controls.

    `fields`: what is typed about the selected region; above all else, for below it would lie out of sight.
    """
    surface = project.review_view.surface
    media = timeline(project) if surface == "timeline" else pictures(project)
    proposed = [] if project.blind else [heading("proposed"), tag("Header", value="$proposed", style=PROPOSED)]
    title = tag("Header", value="$title", size=5, style=TITLE)
    return tag(
        "View",
        tag("Style", escape(STYLE)),
        tag("View", media, style=MEDIA, className=f"review-{surface}"),
        tag("View", title, *fields, *proposed, *controls, style=SIDE, className="review-side"),
        style="display:flex",
    )
