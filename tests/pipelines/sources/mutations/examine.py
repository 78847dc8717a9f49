"""What one reading of a whole source gave, small enough to come back from the decode child and to be compared.

`examine` does what an ingest does with a source: plan, read each ref, check the invariants.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.io.media import MediaEntry
from pipelines.plan import plan_source
from pipelines.sources import Source, reader
from pipelines.stages.reading import Tables, read_ref, reject_of
from schemas.invariants import check_annotations, check_trajectories

_OF_THE_FILE = ("input_sha256", "source_uri", "completeness", "trajectory_id", "native_id", "annotation_id")
"""Columns that say what content is called, where it came from and what is amiss with it; they are no content."""


@dataclass(frozen=True)
class Content:
    """One trajectory: a digest of what it holds, what is said to be amiss, and what is recorded of its source: the sha256 of
    its files, and what the source's index says of it.
    """

    digest: str
    amiss: str
    source: tuple[str, str]


@dataclass(frozen=True)
class Examined:
    """Trajectories by native id, and rejects as (code, message)."""

    trajectories: dict[str, Content]
    rejects: tuple[tuple[str, str], ...]


def examine(reader_name: str, uri: str, options: dict[str, Any]) -> Examined:
    """Plan and read a source. `{here}` in an option stands for the source's folder."""
    found = reader(reader_name)
    options = {k: v.replace("{here}", uri) if isinstance(v, str) else v for k, v in options.items()}
    source = Source("s", reader_name, f"{uri}/source", "cc0-1.0", None, found.options(**options))
    refs, rejects = plan_source(source)
    trajectories: dict[str, Content] = {}
    with tempfile.TemporaryDirectory() as folder:
        media: dict[str, MediaEntry] = {}
        for ref in refs:
            result = read_ref(found, source, ref, Path(folder), "media/test.pack", media)
            media |= result.media
            rejects += result.rejects
            for tables in result.trajectories:
                header = tables["trajectories"].to_pylist()[0]
                violations = [*check_trajectories(tables), *check_annotations(tables)]
                if violations:
                    rejects += [reject_of(source, ref, _Broken(v.code, v.message)) for v in violations]
                else:
                    trajectories[header["native_id"]] = _content(header, tables, ref.selector)
    return Examined(trajectories, tuple((reject.code, reject.message) for reject in rejects))


class _Broken(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message, self.detail = code, message, None


def _content(header: dict[str, Any], tables: Tables, selector: str) -> Content:
    rows: dict[str, Any] = {
        name: table.select([column for column in table.column_names if column not in _OF_THE_FILE]).to_pylist()
        for name, table in tables.items()
    }
    for stream in rows["trajectories"][0]["streams"] or ():
        del stream["media_sha256"]  # of the source's file; what was kept of it has a sha256 of its own
    digest = hashlib.sha256(repr(sorted(rows.items())).encode()).hexdigest()
    amiss = json.dumps(json.loads(header["completeness"] or "{}"), sort_keys=True)
    return Content(digest, amiss, (header["input_sha256"], selector))
