"""The append-only record of a project: what was pushed, and everything that people saved.

`record` writes and reads entries, `state` folds them to what holds now, `texts` keeps tasks exact, `submissions` gives
what people said, under pseudonyms. Nothing in it is ever changed or deleted, and it holds no name and no e-mail address.
"""

from .record import Entry, Ledger, LedgerError, Storage
from .state import Identity, Saved, State, Version
from .submissions import submissions
from .texts import task_from_text, task_text

__all__ = [
    "Entry",
    "Identity",
    "Ledger",
    "LedgerError",
    "Saved",
    "State",
    "Storage",
    "Version",
    "submissions",
    "task_from_text",
    "task_text",
]
