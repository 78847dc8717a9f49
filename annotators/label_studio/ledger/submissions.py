"""What people said last, under pseudonyms."""

from __future__ import annotations

import hashlib
import uuid

from ..project import Submission
from .state import Saved, State

_NAMESPACE = uuid.UUID("2f0c1d0e-5a7e-5b0b-9f6d-0f3a4f6c1b77")
"""The one namespace of all submissions. It never changes."""


def pseudonym(salt: str, user: int) -> str:
    """`a-<8 hex digits>` for a user of Label Studio; who has the ledger and the server can tell who it is, nobody else."""
    return "a-" + hashlib.sha256(f"{salt}/{user}".encode()).hexdigest()[:8]


def submission_id(state: State, saved: Saved) -> str:
    """The id of a submission: the same however often it is saved again."""
    assert state.identity is not None
    return str(uuid.uuid5(_NAMESPACE, f"{state.identity.uid}/{saved.generation}/{saved.key}"))


def submissions(state: State, cap_seconds: float) -> list[Submission]:
    """What each person saved last on each task, in order of task, then of time. `seconds`: lead time, at most the cap.

    `created_at` is when it was last saved: of two states of one submission the later counts.
    """
    found = [
        Submission(
            uid=saved.uid,
            annotator=saved.annotator,
            submission=submission_id(state, saved),
            created_at=saved.updated_at,
            seconds=None if saved.lead_time is None else min(saved.lead_time, cap_seconds),
            results=() if saved.skipped else saved.results,
            skipped=saved.skipped,
        )
        for saved in state.current().values()
    ]
    return sorted(found, key=lambda submission: (submission.uid, submission.created_at, submission.submission))
