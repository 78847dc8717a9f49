"""Libraries that only some formats need: each belongs to an extra of the distribution, and its absence is said with its name."""

from __future__ import annotations

import importlib
from types import ModuleType

from pipelines.sources import Rejected


def library(module: str, extra: str, what: str) -> ModuleType:
    """The imported module. Raises Rejected (`extra_missing`) naming the extra that brings it; `what` is what needs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        top = module.split(".")[0]
        raise Rejected(
            "extra_missing",
            f"{what} needs {top}, which is not installed ({error}): pip install 'cairn-trajectories[{extra}]'",
            {"library": top, "extra": extra},
        ) from error
