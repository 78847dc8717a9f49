"""Long trajectories become several tasks."""

from __future__ import annotations

import pytest

from pipelines.review.windows import Window, around, windows


def test_what_fits_is_one_task() -> None:
    assert windows([(0, 5), (5, 9)], 9, 12) == [Window((0, 9), (0, 9))]
    assert windows([], 9, 12) == [Window((0, 9), (0, 9))]


@pytest.mark.parametrize(("regions", "most"), [(13, 12), (30, 12), (100, 5), (7, 3)])
def test_tasks_overlap_by_one_region_and_own_every_step_once(regions: int, most: int) -> None:
    spans = [(10 * i, 10 * i + 10) for i in range(regions)]
    found = windows(spans * 2, 10 * regions, most)
    assert len(found) > 1
    assert [w.owned[0] for w in found[1:]] == [w.owned[1] for w in found[:-1]]
    assert (found[0].owned[0], found[-1].owned[1]) == (0, 10 * regions)
    for window in found:
        assert sum(window.shown[0] <= a and b <= window.shown[1] for a, b in spans) <= most
    assert all(w.shown[0] == w.owned[0] - 10 for w in found[1:])


def test_no_region_is_cut() -> None:
    spans = [(10 * i, 10 * i + 10) for i in range(20)] + [(35, 95)]
    borders = {w.owned[0] for w in windows(spans, 200, 6)} - {0}
    assert borders
    assert not any(35 < border < 95 for border in borders)


def test_events_share_a_window_where_theirs_meet() -> None:
    times = [i / 20 for i in range(200)]
    assert around([50], times, 1.0, 200) == [Window((30, 71), (30, 71))]
    assert around([50, 60, 150], times, 1.0, 200) == [Window((30, 81), (30, 81)), Window((130, 171), (130, 171))]
    assert around([5], [None] * 200, 1.0, 200) == [Window((0, 16), (0, 16))]
