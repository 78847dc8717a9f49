"""Ids of tasks that a source only has words for."""

from __future__ import annotations

import hashlib
import re


def task_id(text: str) -> str:
    """A readable id from a task's words alone, so that one task has one id in all sources: `pick-up-the-cup-1a2b3c4d`."""
    slug = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:48].rstrip("-")
    return f"{slug}-{hashlib.sha256(text.encode()).hexdigest()[:8]}".lstrip("-")
