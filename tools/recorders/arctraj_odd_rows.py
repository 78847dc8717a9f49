"""Rows of ARCTraj's layout that can't be taken, or not joined to a task, or are too long for Python's own CSV reader.

Each is made of a row that is right, and has an id of its own.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import orjson

Row = dict[str, str]

LONGEST = 298_865
"""Characters of the longest field of ARCTraj; 15 rows hold more than the 131,072 at which Python's reader stops."""


@dataclass(frozen=True, slots=True)
class OddRow:
    """`often`: in how many of 10,670 rows; `made` of a right one, None where that does not lend itself to it."""

    often: int
    made: Callable[[Row], Row | None]


def _long(row: Row) -> Row | None:
    """The first selection over and over, which changes nothing."""
    first, *others = orjson.loads(row["actionSequence"])
    text = orjson.dumps(first)
    if first["operation"] != "SelectCell" or first["category"] != "Selection":
        return None
    return row | {"actionSequence": orjson.dumps([first] * (1 + LONGEST // len(text)) + others).decode()}


ODD_ROWS: Mapping[str, OddRow] = {
    "not_json": OddRow(1, lambda row: row | {"actionSequence": "fancyfancylog"}),
    "no_task": OddRow(476, lambda row: row | {"taskId": "", "number": ""}),
    "task_unknown": OddRow(5, lambda row: row | {"taskId": "ffff0000", "number": "401"}),
    "long": OddRow(15, _long),
}


def with_odd_rows(rows: Iterator[Row], seed: int = 0) -> Iterator[Row]:
    """The rows, and after some of them an odd one; of each kind one as soon as may be, however few rows there are."""
    dice = random.Random(seed)
    due = set(ODD_ROWS)
    odd_id = 1_000_000
    for row in rows:
        yield row
        for kind, odd in ODD_ROWS.items():
            if kind not in due and dice.random() > odd.often / 10_670:
                continue
            made = odd.made(row)
            if made is not None:
                due.discard(kind)
                odd_id += 1
                yield made | {"logId": str(odd_id), "id": str(odd_id)}
