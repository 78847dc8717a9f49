"""Elements of a label config as text, with everything that comes from a declaration escaped."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

HEADING = "flex-basis:100%;margin:6px 0 0;font-size:13px;font-weight:600;line-height:1.3"


def tag(element: str, *inside: str, **attributes: object) -> str:
    """One element around others that are already markup. An attribute of None is left out."""
    given = {name: value for name, value in attributes.items() if value is not None}
    head = element + "".join(f" {name}={quoteattr(str(value))}" for name, value in given.items())
    return f"<{head}>{''.join(inside)}</{element}>" if inside else f"<{head}/>"


def group(title: str, *inside: str, **attributes: object) -> str:
    """A heading and what stands below it."""
    return tag("View", heading(title), *inside, className="group", **attributes)


def heading(title: str) -> str:
    """A small heading on a line of its own: names of layers with their underscores as spaces."""
    return tag("Header", value=title.replace("_", " "), size=5, style=HEADING)
