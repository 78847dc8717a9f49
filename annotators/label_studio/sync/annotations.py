"""Saving an annotation through the API, once."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from ..client import Client
from .patience import Patience


def annotate(
    client: Client,
    task: int,
    result: Sequence[Mapping[str, Any]],
    key: uuid.UUID,
    patience: Patience | None = None,
    lead_time: float | None = None,
    skip: bool = False,
) -> None:
    """Save `result` on a task in the name of whose token the client has; the same `key` saves once, however often it is sent.

    `lead_time`: seconds. Raises LabelStudioError.
    """
    (patience or Patience()).repeat(
        lambda: client.create_annotation(task, result, unique_id=str(key), lead_time=lead_time, was_cancelled=skip)
    )
