"""The layers of ARCTraj's actions taken straight from their JSON text, as its source writes it.

Nine tenths of the text are grids and cells. Written without blanks, a grid of digits and a list of cells have a skeleton
that depends on their size alone; where the text has exactly that, its digits are the values and need no parser. Where
anything differs (null, two digits in a grid, a blank), nothing is said, and the whole text is parsed as any other.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import cache

import orjson

from pipelines.formats.arc.tasks import MAX_TASK_SIDE

_GRID, _OBJECT = b'"grid":[[', b'"object":['
_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_VALUES = bytes.maketrans(b"0123456789", bytes(range(10)))
_NUMBER = b"0123456789-"
_CELL = b'{"x":,"y":,"color":}'


@dataclass(frozen=True, slots=True)
class TextLayers:
    """Per action its grid as (cells row after row, height, width) and the `counts` of its floating cells, `cells` all of
    those as row, column, colour; `rest` is the text with 0 for each grid and each list of cells.
    """

    grids: list[tuple[bytes, int, int]]
    counts: list[int]
    cells: array[int]
    rest: bytes


def text_layers(text: bytes) -> TextLayers | None:
    """The layers in the text of an `actionSequence`; None where it is not written as its source writes it."""
    found: list[tuple[bytes, int, int]] = []
    known: dict[bytes, tuple[bytes, int, int]] = {}
    pieces = text.split(_GRID)
    for at in range(1, len(pieces)):
        piece = pieces[at]
        end = piece.find(b"]]")
        drawn = piece[:end]
        grid = known.get(drawn)
        if grid is None:
            grid = _grid(drawn)
            if grid is None:
                return None
            known[drawn] = grid
        found.append(grid)
        pieces[at] = piece[end + 2 :]
    pieces = b'"grid":0'.join(pieces).split(_OBJECT)
    counts: list[int] = []
    numbers: list[bytes] = []
    for at in range(1, len(pieces)):
        piece = pieces[at]
        end = piece.find(b"]")
        listed = piece[:end]
        count = listed.count(b"{")
        if listed.translate(None, _NUMBER) != _skeleton(count):
            return None
        counts.append(count)
        if count:
            numbers.append(listed.translate(None, b'{}"xycolr:'))
        pieces[at] = piece[end + 1 :]
    if len(counts) != len(found):
        return None
    try:
        flat = orjson.loads(b"[%b]" % b",".join(numbers))
        cells = array("h", flat)
    except (orjson.JSONDecodeError, TypeError, OverflowError):
        return None
    cells[0::3], cells[1::3] = cells[1::3], cells[0::3]
    return TextLayers(found, counts, cells, b'"object":0'.join(pieces))


def _grid(drawn: bytes) -> tuple[bytes, int, int] | None:
    """`3,0],[1,2` as cells, height, width."""
    first = drawn.find(b"]")
    width = ((first if first >= 0 else len(drawn)) + 1) // 2
    height = drawn.count(b"[") + 1
    if not (0 < width <= MAX_TASK_SIDE and height <= MAX_TASK_SIDE) or drawn.translate(_ZEROS) != _zeros(height, width):
        return None
    return drawn.translate(_VALUES, b",[]"), height, width


@cache
def _zeros(height: int, width: int) -> bytes:
    return b"],[".join([b",".join([b"0"] * width)] * height)


@cache
def _skeleton(count: int) -> bytes:
    return b",".join([_CELL] * count)
