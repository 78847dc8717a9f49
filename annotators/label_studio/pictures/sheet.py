"""Contact sheets: pictures in rows, each with its label burnt in, as vision-language models read them best."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from PIL import Image, ImageDraw

from annotators.frames import Picture

from .lettering import PAPER, fit, font, tag


def contact_sheet(pictures: Sequence[Picture], labels: Sequence[str], columns: int = 4, width: int = 1280) -> Picture:
    """Pictures from left to right and top to bottom, `columns` to a row, together `width` pixels wide.

    The rows are as high as their highest picture. Raises ValueError where there is no picture, a label is missing, or the
    columns have no room.
    """
    if not pictures or len(pictures) != len(labels):
        raise ValueError(f"{len(pictures)} pictures and {len(labels)} labels: every picture needs one, and one there must be")
    columns = min(columns, len(pictures))
    gap = 4
    wide = (width - gap * (columns - 1)) // columns if columns > 0 else 0
    if wide < 16:
        raise ValueError(f"{columns} columns in {width} pixels: a picture needs at least 16")
    cells = [_cell(picture, label, wide) for picture, label in zip(pictures, labels, strict=True)]
    rows = [cells[i : i + columns] for i in range(0, len(cells), columns)]
    heights = [max(cell.shape[0] for cell in row) for row in rows]
    sheet = np.full((sum(heights) + gap * (len(rows) - 1), width, 3), PAPER, np.uint8)
    y = 0
    for row, height in zip(rows, heights, strict=True):
        for column, cell in enumerate(row):
            x = column * (wide + gap)
            sheet[y : y + cell.shape[0], x : x + wide] = cell
        y += height + gap
    return sheet


def _cell(picture: Picture, label: str, wide: int) -> Picture:
    high = max(1, round(picture.shape[0] * wide / picture.shape[1]))
    way = cv2.INTER_AREA if wide < picture.shape[1] else cv2.INTER_LINEAR
    image = Image.fromarray(np.asarray(cv2.resize(picture, (wide, high), interpolation=way), np.uint8))
    words = font(max(11, min(22, wide // 14)), True)
    tag(ImageDraw.Draw(image), (0, 0), fit(label, words, wide - 8), words)
    return np.asarray(image)
