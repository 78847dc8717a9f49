"""Exports: a release in a format that other tools open. One entry here is one format; its module holds its `EXPORTER`.

    EXPORTER = LeRobotExport("v3.0")      # module level, in pipelines/export/lerobot_v30.py

An exporter writes what its format can hold and reports the rest: nothing is left out silently.
"""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from pipelines.errors import ConfigurationError, DataError
from pipelines.export.released import Released
from pipelines.export.report import Report

FORMATS: Mapping[str, str] = {
    "lerobot-v2.1": "pipelines.export.lerobot_v21",
    "lerobot-v3.0": "pipelines.export.lerobot_v30",
    "robointer-v2.1": "pipelines.export.robointer_v21",
}
"""Format → the module of its exporter. A format is added with a line here and a module."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What to export: `source` narrows to one source of the recipe; `proposals` takes statements that nobody confirmed too.

    `picture_statistics`: whether frames are decoded for the statistics of cameras.
    """

    source: str | None = None
    proposals: bool = False
    picture_statistics: bool = True


class Exporter(Protocol):
    """Writes releases in one format."""

    def write(self, released: Released, wishes: Wishes, folder: Path) -> Report:
        """Write into an empty folder. Raises ConfigurationError where what was chosen is no one dataset of the format."""
        ...


def export(release: Path, form: str, to: Path, wishes: Wishes | None = None) -> Report:
    """Write a release in a format to a folder that is not there yet; it appears when it is whole.

    Raises ConfigurationError (unknown format, folder taken, nothing to choose), DataError (not a release, nothing fits).
    """
    if form not in FORMATS:
        raise ConfigurationError(f"no format {form!r}; there are {', '.join(FORMATS)}")
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise ConfigurationError(f"{to} is there already and is not empty: name another folder")
    exporter = cast(Exporter, importlib.import_module(FORMATS[form]).EXPORTER)
    partial = to.with_name(f"{to.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    report = exporter.write(Released(release), wishes or Wishes(), partial)
    if not report.trajectories:
        shutil.rmtree(partial)
        raise DataError(f"nothing of {release} could be exported: {report.first_reason}")
    if to.exists():
        to.rmdir()
    partial.rename(to)
    return report
