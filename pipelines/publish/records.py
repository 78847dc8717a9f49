"""What the workspace keeps about the people and the scan behind a release, for the rules of publication. Absent = nothing known.

`review/acceptance.json`: a list of {project, batch, round, right, checked, bar}, one per sample of a batch.
`review/findings.json`: a list of {project, item, code, message, open}.
`private_data/findings.json`: a list of {trajectory_id, kind, decision}, decision null until it is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipelines.errors import DataError
from pipelines.io.store import Store

ACCEPTANCE = "review/acceptance.json"
FINDINGS = "review/findings.json"
PRIVATE_DATA = "private_data/findings.json"

_KEYS = {
    ACCEPTANCE: ("project", "batch", "round", "right", "checked", "bar"),
    FINDINGS: ("project", "item", "code", "message", "open"),
    PRIVATE_DATA: ("trajectory_id", "kind", "decision"),
}


def read_rows(store: Store, path: str) -> Sequence[Mapping[str, Any]]:
    """The rows of one of the three files; none where it is not there. Raises DataError where it is not what it should be."""
    if not store.exists(path):
        return ()
    rows = store.read_json(path)
    if not isinstance(rows, list) or any(not isinstance(r, dict) or set(_KEYS[path]) - r.keys() for r in rows):
        raise DataError(f"{store.uri(path)} is torn: it should be a list of rows with {', '.join(_KEYS[path])}; make it again")
    return rows
