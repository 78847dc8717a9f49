"""`cairn view`: writes the page (or the contact sheet, or a recording) of one trajectory, or the page of one ARC task."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from pipelines.errors import ConfigurationError
from tools.console import reporting, say


def view(
    trajectory: Annotated[
        str | None, typer.Argument(metavar="TRAJECTORY", help="The trajectory's id, as in `trajectories`.")
    ] = None,
    release: Annotated[
        str, typer.Option(metavar="FOLDER|RECIPE", help="A release, a workspace, or a recipe that was run.")
    ] = ".",
    task: Annotated[
        str | None, typer.Option(metavar="TASK_ID", help="An ARC task in place of a trajectory: its state graph and solutions.")
    ] = None,
    to: Annotated[
        Path | None, typer.Option(metavar="FILE.html", help="The page; else it is named after what it shows.")
    ] = None,
    sheet: Annotated[Path | None, typer.Option(metavar="FILE.png", help="Also a contact sheet of the trajectory.")] = None,
    rerun: Annotated[
        Path | None, typer.Option(metavar="FILE.rrd", help="Also a recording for the Rerun viewer (extra `rerun`).")
    ] = None,
    width: Annotated[
        int | None, typer.Option(min=64, max=3840, help="Pixels of pictures; else 480 of cameras and 960 of screens.")
    ] = None,
    frames: Annotated[int, typer.Option(min=1, help="Pictures in a page at most, over all cameras.")] = 800,
    states: Annotated[int, typer.Option(min=2, help="States in the graph of a task at most.")] = 150,
) -> None:
    """Look at one trajectory, or one ARC task: one HTML page that needs nothing else, opened in any browser.

    cairn view lift/episode_000000 --release examples/quickstart.yaml
    """
    with reporting():
        from .folder import like, open_release

        folder = open_release(release)
        if trajectory is None and task is None:
            raise ConfigurationError(f"name a trajectory or a --task; {like('', folder.ids())}")
        if trajectory is not None and task is not None:
            raise ConfigurationError("name a trajectory or a --task, not both: each has a page of its own")
        if task is not None:
            if sheet is not None or rerun is not None:
                raise ConfigurationError("a task has no contact sheet and no recording: leave them out, or name a trajectory")
            from .task_page import task_page

            _write(to or _named(task), task_page(folder, task, states))
        elif trajectory is not None:
            from .page import trajectory_page
            from .pictures import Limits
            from .stored import stored

            found = stored(folder, trajectory)
            if sheet is not None:
                from .sheet import sheet as contact_sheet

                _write(sheet, contact_sheet(found))
            if rerun is not None:
                from .rerun import write_recording

                for note in write_recording(found, rerun, Limits(width, frames)):
                    say(note)
                _written(rerun)
            if to is not None or (sheet is None and rerun is None):
                _write(to or _named(trajectory), trajectory_page(found, Limits(width, frames)))


def _named(what: str) -> Path:
    """The file of a page in the current folder."""
    return Path(re.sub(r"[^A-Za-z0-9_.-]+", "-", what).strip("-.") + ".html")


def _write(path: Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    _written(path)


def _written(path: Path) -> None:
    say(f"{path}  ({path.stat().st_size / 1e6:.2f} MB)")
