"""What readers fetch of a release that holds media stays within its bounds."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tools.bench.made_release import Size, make_release
from tools.bench.read_bytes import Measure, column_bytes, measure, repository_bytes

SIZE = Size(episodes=150, screens=60, file_bytes=3_000_000)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("release")
    make_release(folder, SIZE)
    return folder


@pytest.fixture(scope="module")
def measured(release: Path) -> list[Measure]:
    return measure(release)


def test_the_release_is_large_enough_to_tell(release: Path) -> None:
    assert 30e6 < repository_bytes(release) < 60e6
    assert len(list((release / "robot_steps").iterdir())) >= 3
    assert sum(pq.read_metadata(file).num_rows for file in (release / "robot_steps").iterdir()) == 150 * 300


def test_labels_alone_are_a_hundredth_of_the_repository(release: Path, measured: list[Measure]) -> None:
    labels = [found for found in measured if found.name.startswith("labels")]
    assert [found.rows for found in labels] == [150 * 3, 150 * 300]
    assert all(0 < found.fetched <= 0.01 * repository_bytes(release) for found in labels), labels


def test_states_of_one_task_cost_at_most_twice_their_columns(measured: list[Measure]) -> None:
    place = next(number for number, found in enumerate(measured) if found.name.startswith("states of one task"))
    with_defaults, in_small_blocks, of_all = measured[place : place + 3]
    assert with_defaults.rows == in_small_blocks.rows == 10 * 300
    assert of_all.rows == 150 * 300
    assert in_small_blocks.needed < of_all.needed / 2, "row groups without the task were read"
    assert 0.9 * in_small_blocks.needed < in_small_blocks.fetched <= 2 * in_small_blocks.needed


def test_needed_bytes_are_those_of_the_row_groups_that_hold_the_trajectories(release: Path) -> None:
    file = sorted((release / "robot_steps").iterdir())[0]
    group = pq.read_metadata(file).row_group(0)
    assert pq.read_metadata(file).num_row_groups == 1
    chunks = {group.column(i).path_in_schema: group.column(i).total_compressed_size for i in range(group.num_columns)}
    assert column_bytes(release / "robot_steps", ["state"], ["made/episode_000000"]) == chunks["state.list.element"]
    assert column_bytes(release / "robot_steps", ["state"], ["made/nobody"]) == 0
