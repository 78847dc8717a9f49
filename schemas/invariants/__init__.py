"""The second guard beside the Arrow schema: small named checks over tables, each with a stable code.

A check is a function of tables (stored or published, by name) that yields violations. A violation says what, where, and
what would have been right. Columns are looked at as arrays: a check over 50,000 steps takes milliseconds.
"""

from __future__ import annotations

from .annotations import ANNOTATION_CHECKS
from .trajectories import TRAJECTORY_CHECKS
from .violation import Tables, Violation


def check_trajectories(tables: Tables) -> list[Violation]:
    """All violations of what happened, in order of the checks."""
    return [violation for check in TRAJECTORY_CHECKS for violation in check(tables)]


def check_annotations(tables: Tables) -> list[Violation]:
    """All violations of what was said: `tables` holds kinds and, for the intervals, `trajectories`."""
    return [violation for check in ANNOTATION_CHECKS for violation in check(tables)]


__all__ = ["ANNOTATION_CHECKS", "TRAJECTORY_CHECKS", "Tables", "Violation", "check_annotations", "check_trajectories"]
