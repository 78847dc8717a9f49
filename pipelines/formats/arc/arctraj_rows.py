"""The rows of an ARCTraj CSV file, a stretch of bytes at a time.

No field holds a line break, so a row is a line; it belongs to the stretch that its first byte lies in. Fields hold up to
300 kB of JSON in quotes. A line that is no row costs itself alone.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv

from pipelines.sources import Rejected

csv.field_size_limit(2**31 - 1)  # Python's own limit of 131,072 characters is too low for 23 of the 9,111 rows measured

_IDS = ("logId", "id")
_NEEDED = ("userId", "taskId", "actionSequence", "startedAt", "endedAt")

Refused = list[tuple[str | None, Rejected]]
"""(id of the row, why it is not taken)."""


@dataclass(frozen=True, slots=True)
class FileIndex:
    """What is known of a whole file: its columns, where its first row begins, and at which bytes an id comes again."""

    columns: tuple[str, ...]
    body: int
    again: Mapping[int, int]

    @property
    def id_column(self) -> str:
        """`logId`, or `id` in the older export."""
        return next(name for name in _IDS if name in self.columns)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as columns of text; `scores` None where the file has none."""

    ids: Sequence[str]
    users: Sequence[str]
    tasks: Sequence[str]
    actions: Sequence[bytes]
    started: Sequence[str]
    ended: Sequence[str]
    scores: Sequence[str] | None


def file_index(path: Path) -> FileIndex:
    """The index of a file; one pass over it, remembered. Raises Rejected (`columns_missing`) where it is not ARCTraj's."""
    info = path.stat()
    return _index(str(path), info.st_size, info.st_mtime_ns)


@lru_cache(maxsize=64)
def _index(path: str, size: int, changed: int) -> FileIndex:
    with open(path, "rb") as file:
        head = file.readline()
        columns = _columns(head.decode("utf-8-sig", errors="replace"))
        column = columns.index(next(name for name in _IDS if name in columns))
        first: dict[bytes, int] = {}
        again: dict[int, int] = {}
        place = len(head)
        for line in file:
            known = first.setdefault(_id_in(line, column), place)
            if known != place and line.strip():
                again[place] = known
            place += len(line)
    return FileIndex(columns, len(head), again)


def _columns(head: str) -> tuple[str, ...]:
    columns = tuple(name.strip() for name in next(csv.reader([head]), []))
    missing = [name for name in _NEEDED if name not in columns]
    missing += ["logId (or id)"] if not set(_IDS) & set(columns) else []
    if missing:
        message = f"the first line names no column {', '.join(missing)}: this is no ARCTraj file, or its header is gone"
        raise Rejected("columns_missing", message, {"columns": list(columns)[:50]})
    if len(set(columns)) < len(columns):
        raise Rejected("columns_missing", "the first line names a column twice: export the file again")
    return columns


def _id_in(line: bytes, column: int) -> bytes:
    if column == 0:
        return line[: line.find(b",")]
    try:
        return next(csv.reader([line.decode()]))[column].encode()
    except (UnicodeDecodeError, csv.Error, IndexError, StopIteration):
        return line  # no row; rows_between says so


def rows_between(path: Path, index: FileIndex, start: int, end: int) -> tuple[Rows, Refused]:
    """The rows whose first byte lies in `[start, end)`, and what is no row, or has an id that an earlier row has."""
    with path.open("rb") as file:
        begin = max(start, index.body)
        if begin > index.body:
            file.seek(begin - 1)
            begin = begin - 1 + len(file.readline())
        else:
            file.seek(begin)
        data = file.read(max(0, end - begin))
        if data and not data.endswith(b"\n"):
            data += file.readline()
    places = {place for place in index.again if begin <= place < begin + len(data)}
    if not places:
        rows = _parsed(data, index)
        if rows is not None:
            return rows, []
    return _line_by_line(data, begin, index)


def _parsed(data: bytes, index: FileIndex) -> Rows | None:
    """All rows at once; None where a line is no row, so that it has to be looked for."""
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    if not data:
        return _rows(index, [])
    types = {name: pa.string() for name in index.columns} | {"actionSequence": pa.large_binary()}
    wanted = [name for name in (index.id_column, *_NEEDED, "score") if name in index.columns]
    try:
        table = arrow_csv.read_csv(
            io.BytesIO(data),
            arrow_csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=index.columns),
            arrow_csv.ParseOptions(newlines_in_values=False, ignore_empty_lines=False),
            arrow_csv.ConvertOptions(column_types=types, include_columns=wanted, strings_can_be_null=False),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != lines:
        return None
    columns = {name: table[name].to_pylist() for name in wanted}
    return _from_columns(index, columns)


def _from_columns(index: FileIndex, columns: Mapping[str, Sequence[str | bytes]]) -> Rows:
    own = [columns[name] for name in (index.id_column, *_NEEDED)]
    return Rows(own[0], own[1], own[2], own[3], own[4], own[5], columns.get("score"))  # type: ignore[arg-type]


def _line_by_line(data: bytes, begin: int, index: FileIndex) -> tuple[Rows, Refused]:
    good: list[list[str]] = []
    refused: Refused = []
    column = index.columns.index(index.id_column)
    for place, line in _lines(data, begin):
        if not line.strip():
            continue
        try:
            fields = next(csv.reader([line.decode()], strict=True))
            if len(fields) != len(index.columns):
                raise csv.Error(f"{len(fields)} fields, the header has {len(index.columns)}")
        except (UnicodeDecodeError, csv.Error) as error:
            shown = line[:40].decode(errors="replace")
            message = f"the line at byte {place} is no row of CSV ({error}; it starts {shown!r}): export the file again"
            refused.append((None, Rejected("row_invalid", message, {"byte": place, "bytes": len(line)})))
            continue
        if place in index.again:
            message = (
                f"row {index.id_column}={fields[column]}: the row at byte {index.again[place]} has this id already; keep one"
            )
            refused.append((fields[column], Rejected("native_id_clash", message, {"byte": place})))
            continue
        good.append(fields)
    return _rows(index, good), refused


def _lines(data: bytes, begin: int) -> Iterator[tuple[int, bytes]]:
    place = begin
    for line in io.BytesIO(data):
        yield place, line.rstrip(b"\r\n")
        place += len(line)


def _rows(index: FileIndex, rows: Sequence[Sequence[str]]) -> Rows:
    columns: dict[str, Sequence[str | bytes]] = {name: [row[i] for row in rows] for i, name in enumerate(index.columns)}
    columns["actionSequence"] = [str(text).encode() for text in columns["actionSequence"]]
    return _from_columns(index, columns)
