"""The benchmark of robot formats measures what it says: the same rows and frames on both sides, and inputs that are sound."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from pipelines.io.video import scan_video
from tools.bench import lerobot_baseline
from tools.bench.made_robot import DIMENSIONS, made_clip, made_v21, made_v30
from tools.bench.robot_formats import Table
from tools.bench.robot_frames import changes, colours, film_view, raw_of
from tools.bench.robot_steps import ingested, rows_as_dicts
from tools.bench.turns import Cost, in_turn, once

EPISODES, ROWS = 3, 20


@pytest.mark.parametrize("make", [made_v21, made_v30])
def test_both_ways_take_every_row_of_a_made_dataset(make: Callable[[Path, int, int], Path], tmp_path: Path) -> None:
    source = make(tmp_path / "set", EPISODES, ROWS)
    assert ingested(source, tmp_path / "workspace") == EPISODES * ROWS
    assert not (tmp_path / "workspace").exists()
    assert rows_as_dicts(source, tmp_path / "rows.parquet") == EPISODES * ROWS
    written = pq.read_table(tmp_path / "rows.parquet")
    assert np.unique(written["episode_index"]).tolist() == list(range(EPISODES))
    assert {len(row) for row in written["action"].to_pylist()} == {DIMENSIONS}


def test_a_row_that_does_not_follow_is_seen_by_the_plain_way_too(tmp_path: Path) -> None:
    source = made_v30(tmp_path / "set", 1, ROWS)
    path = next(source.glob("data/*/*.parquet"))
    table = pq.read_table(path)
    pq.write_table(table.take([*range(10), *range(11, ROWS)]), path)
    with pytest.raises(ValueError, match="row 11 is not the next one"):
        rows_as_dicts(source, tmp_path / "rows.parquet")


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", "libx264", 12, 4, 64, 48)


def test_annotators_and_bare_decoding_see_the_same_frames(clip: Path, tmp_path: Path) -> None:
    view = film_view(clip, tmp_path / "film", 10)
    assert len(colours(view)) == 10
    differences = changes(view)
    assert len(differences) == 10
    assert min(differences[1:]) > 1, "the made picture stands still"
    assert raw_of(clip, "rgb24", 10) == 10 * 64 * 48 * 3
    assert raw_of(clip, "luma", 10) == 10 * 64 * 48


def test_the_other_converter_joins_all_frames(clip: Path, tmp_path: Path) -> None:
    assert lerobot_baseline.join([clip, clip], tmp_path / "joined.mp4", 30) == [0.0, 12 / 30]
    assert len(scan_video(tmp_path / "joined.mp4").packets) == 24


def test_turns_and_thresholds(capsys: pytest.CaptureFixture[str]) -> None:
    done: list[str] = []
    in_turn(lambda: done.append("ours"), lambda: done.append("plain"), 2, lambda: None)
    assert done == ["plain", "ours", "ours", "plain", "plain", "ours"]
    assert once(lambda: sum(range(300_000))).cpu > 0
    table = Table()
    table.ratio("a", Cost(2.0, 2.0), Cost(1.0, 1.0), 1, 45)
    table.ratio("b", Cost(2.0, 2.0), Cost(1.0, 1.0), 1, 55)
    assert table.missed == ["b"]
    said = capsys.readouterr().out
    assert "50.0 % of its speed" in said
    assert "[at least 55 %: NOT MET]" in said
