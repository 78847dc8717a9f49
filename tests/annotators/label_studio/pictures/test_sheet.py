"""Contact sheets: every picture once, in order, labelled."""

from __future__ import annotations

import numpy as np
import pytest

from annotators.label_studio.pictures.sheet import contact_sheet


def flat(level: int, width: int = 64, height: int = 48) -> np.ndarray:
    return np.full((height, width, 3), level, np.uint8)


def test_order_and_width() -> None:
    sheet = contact_sheet([flat(level) for level in (60, 90, 120, 150, 180)], list("abcde"), columns=3, width=608)
    assert sheet.shape == (2 * 150 + 4, 608, 3)
    assert [int(sheet[100, x, 0]) for x in (100, 300, 500)] == [60, 90, 120]
    assert [int(sheet[250, x, 0]) for x in (100, 300)] == [150, 180]
    assert tuple(sheet[250, 500]) == (255, 255, 255)


def test_labels_are_burnt_in() -> None:
    a, b = (contact_sheet([flat(90)], [label], 1, 320) for label in ("0.0 s", "9.9 s"))
    assert not np.array_equal(a[:40, :80], b[:40, :80])
    assert np.array_equal(a[120:], b[120:])


def test_pictures_of_several_sizes() -> None:
    sheet = contact_sheet([flat(60, 100, 50), flat(90, 50, 100)], ["wide", "high"], 2, 204)
    assert sheet.shape == (200, 204, 3)


@pytest.mark.parametrize(("pictures", "labels", "columns"), [([], [], 2), ([flat(1)], [], 2), ([flat(1)] * 40, ["x"] * 40, 40)])
def test_what_makes_no_sheet(pictures: list[np.ndarray], labels: list[str], columns: int) -> None:
    with pytest.raises(ValueError, match="picture"):
        contact_sheet(pictures, labels, columns, 320)
