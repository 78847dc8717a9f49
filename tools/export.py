"""`cairn export`: a release in a format that other tools open. The work is in `pipelines.export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from .console import reporting, say, shown


def export(
    release: Annotated[Path, typer.Argument(metavar="RELEASE", help="The folder of a release (the one with MANIFEST.sha256).")],
    form: Annotated[str, typer.Option("--format", metavar="FORMAT", help="lerobot-v3.0, lerobot-v2.1 or robointer-v2.1.")],
    to: Annotated[Path, typer.Option(metavar="DIR", help="A folder that is not there yet, or is empty.")],
    source: Annotated[str | None, typer.Option(help="Only the trajectories of this source of the recipe.")] = None,
    proposals: Annotated[
        bool, typer.Option("--proposals", help="Take statements that nobody confirmed too; LeRobot cannot tell them apart.")
    ] = False,
    picture_statistics: Annotated[
        bool, typer.Option(help="Decode key frames for the statistics of cameras that training normalises by.")
    ] = True,
) -> None:
    """Write a release in another format, packets and numbers as they are, and say what that format cannot hold."""
    from pipelines.export import Wishes
    from pipelines.export import export as write

    with reporting():
        report = write(release, form, to, Wishes(source, proposals, picture_statistics))
        for line in report.lines():
            say(line)
        say(f"\n{form}: {shown(str(to))}")
