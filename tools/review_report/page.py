"""The report as one HTML page with its pictures inside, and the pictures beside it."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from pathlib import Path

import jinja2

from annotators.label_studio.rounds.report import Report

from .plots import plots
from .tables import headline, tables

TEMPLATE = "review_report.html.jinja"
PAGE = "review_report.html"


def write_report(reports: Sequence[Report], folder: Path, title: str = "What the review was worth") -> Path:
    """Write the page and its pictures to `folder`; returns the page. The same reports give the same bytes.

    Raises OSError where the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {report.project: plots(report) for report in reports}
    for project, drawn in pictures.items():
        for name, data in drawn.items():
            (folder / f"{re.sub(r'[^a-z0-9_.-]', '_', project)}-{name}.png").write_bytes(data)
    page = folder / PAGE
    page.write_text(render_page(reports, pictures, title), encoding="utf-8")
    return page


def render_page(reports: Sequence[Report], pictures: dict[str, dict[str, bytes]], title: str) -> str:
    """The page. Nothing in it is fetched from anywhere; every text is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("data_cards", "."), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
    )
    embedded = {
        project: {name: "data:image/png;base64," + base64.b64encode(data).decode() for name, data in drawn.items()}
        for project, drawn in pictures.items()
    }
    return environment.get_template(TEMPLATE).render(
        title=title,
        headline=tuple(headline(reports)),
        projects=[(report.project, tables(report), embedded.get(report.project, {})) for report in reports],
        picture_of=_PICTURES,
    )


_PICTURES = {
    "What became of the proposals": "fates",
    "How good the proposals were": "proposals",
    "How people agreed": "agreement",
    "Acceptance": "acceptance",
    "Time per submission": "time",
    "Drift": "drift",
}
"""The picture that stands above a table."""
