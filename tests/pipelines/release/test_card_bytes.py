"""What reading a part costs: which row groups a task needs, and which columns count."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.release.card_bytes import reading_facts, task_costs
from pipelines.release.published import footer_of

TASKS = {"a": "t1", "b": "t1", "c": "t2", "d": "t3"}


@pytest.mark.parametrize(
    ("groups", "costs"),
    [
        ([("a", "a", 10), ("b", "b", 20), ("c", "d", 40)], {"t1": 30, "t2": 40, "t3": 40}),
        ([("a", "b", 10)], {"t1": 10, "t2": 0, "t3": 0}),  # a group is fetched once for all ids of a task
        ([("a", "d", 10)], {"t1": 10, "t2": 10, "t3": 10}),  # a range says no more than that the ids may be in it
        ([("bb", "bc", 10), ("e", "f", 20)], {"t1": 0, "t2": 0, "t3": 0}),
        ([(None, None, 5), ("d", "d", 1)], {"t1": 5, "t2": 5, "t3": 6}),  # without statistics nothing is skipped
    ],
)
def test_a_task_needs_the_row_groups_that_may_hold_it(
    groups: list[tuple[str | None, str | None, int]], costs: dict[str, int]
) -> None:
    assert task_costs(groups, TASKS) == costs


def written(path: Path, groups: list[pa.Table], **options: object) -> pq.FileMetaData:
    with pq.ParquetWriter(path, groups[0].schema, compression="none", use_dictionary=False, **options) as writer:
        for group in groups:
            writer.write_table(group)
    return pq.read_metadata(path)


def steps(name: str, count: int) -> pa.Table:
    columns = {"trajectory_id": [name] * count, "step": range(count), "state": [[0.0] * 10] * count, "reward": [0.0] * count}
    return pa.table(columns)


def test_of_one_task_only_its_groups_and_columns_count(tmp_path: Path) -> None:
    groups = [steps("a", 1_000), steps("b", 100), steps("c", 10)]
    metadata = {
        "robot_steps/train-00000-of-00001.parquet": written(tmp_path / "s", groups),
        "trajectories/train-00000-of-00001.parquet": written(tmp_path / "t", [pa.table({"trajectory_id": ["a"], "task_id": ["t"], "x": [1]})]),
    }  # fmt: skip
    footers = {name: footer_of(one) for name, one in metadata.items()}
    found = {one.what: one for one in reading_facts(footers, {"robot": {"a": "t1", "b": "t2", "c": "t3"}})}
    group = metadata["robot_steps/train-00000-of-00001.parquet"].row_group(1)  # the one in the middle
    headers = metadata["trajectories/train-00000-of-00001.parquet"].row_group(0)
    needed = [group.column(0), group.column(1), group.column(2), headers.column(0), headers.column(1)]
    one = found["`state` of one task of robot (the median of 3)"]
    assert (one.bytes, one.files) == (sum(chunk.total_compressed_size for chunk in needed), 2)
    assert one.footers == sum(footer.size for footer in footers.values())
    assert list(found)[-1] == "everything"
    assert not [what for what in found if "label" in what or "layer" in what]
    everything = found["everything"].bytes + found["everything"].footers + 2 * len(b"PAR1")
    assert everything == (tmp_path / "s").stat().st_size + (tmp_path / "t").stat().st_size


def test_a_file_without_statistics_is_one_that_may_hold_everything(tmp_path: Path) -> None:
    (group,) = footer_of(written(tmp_path / "s", [steps("a", 10)], write_statistics=False)).groups
    assert (group.first, group.last) == (None, None)
    (group,) = footer_of(written(tmp_path / "s", [steps("a", 10)])).groups
    assert (group.first, group.last) == ("a", "a")


def test_a_release_of_headers_alone(tmp_path: Path) -> None:
    footers = {
        "trajectories/train-00000-of-00001.parquet": footer_of(written(tmp_path / "t", [pa.table({"trajectory_id": ["a"]})]))
    }
    assert [one.what for one in reading_facts(footers, {"agent": {"a": "t"}, "arc": {}})] == ["`trajectories`", "everything"]
