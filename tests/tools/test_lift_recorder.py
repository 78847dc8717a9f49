"""`tools.recorders.lift` makes of our own recording what lies in examples/data/lift."""

from __future__ import annotations

import json
from pathlib import Path

import av
import h5py
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest

from tools.recorders.lift import CAMERAS, FEATURES, main, record

EXAMPLE = Path(__file__).resolve().parents[2] / "examples/data/lift"
VIDEO = "videos/chunk-000/observation.images.{}/episode_{:06d}.mp4"


@pytest.fixture(scope="module")
def recording(shared_data: Path) -> Path:
    return shared_data / "robot/lift_sim/lift_robomimic_layout.hdf5"


@pytest.fixture(scope="module")
def made(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lift")
    assert main([str(recording), str(folder)]) == 0
    return folder


def names(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def pictures(path: Path) -> tuple[list[float], npt.NDArray[np.uint8]]:
    with av.open(str(path)) as container:
        frames = [(frame.time, frame.to_ndarray(format="rgb24")) for frame in container.decode(video=0)]
    return [float(time or 0) for time, _ in frames], np.stack([picture for _, picture in frames])


def test_the_example_is_what_the_recorder_makes(made):
    assert names(EXAMPLE) == names(made) | {"README.md"}
    for name in names(made):
        if name.endswith(".parquet"):
            assert pq.read_table(made / name).equals(pq.read_table(EXAMPLE / name), check_metadata=True), name
        elif name.endswith(".mp4"):
            (times, again), (committed_times, committed) = pictures(made / name), pictures(EXAMPLE / name)
            assert times == committed_times == pytest.approx([i / 20 for i in range(70)])
            assert np.abs(again.astype(int) - committed).mean() < 1  # another build of the encoder may differ by a little
        elif name.endswith("episodes_stats.jsonl"):
            continue
        else:
            assert (made / name).read_bytes() == (EXAMPLE / name).read_bytes(), name


@pytest.mark.slow
def test_recording_twice_gives_the_same_bytes(made, recording, tmp_path):
    record(recording, tmp_path)
    assert names(tmp_path) == names(made)
    assert [name for name in names(made) if (tmp_path / name).read_bytes() != (made / name).read_bytes()] == []


def test_pictures_of_the_example_stand_as_in_the_recording(recording):
    with h5py.File(recording) as file:
        for episode in (0, 1):
            for camera in CAMERAS:
                source = file[f"data/demo_{episode}/obs/{camera}_image"][:]
                _, shown = pictures(EXAMPLE / VIDEO.format(camera, episode))
                right = np.abs(shown.astype(int) - source).mean()
                flipped = np.abs(shown[:, ::-1].astype(int) - source).mean()
                swapped = np.abs(shown[..., ::-1].astype(int) - source).mean()
                assert right < 3 < min(flipped, swapped)


def test_columns_of_the_example_are_the_recordings(recording):
    with h5py.File(recording) as file:
        for episode in (0, 1):
            demo = file[f"data/demo_{episode}"]
            table = pq.read_table(EXAMPLE / f"data/chunk-000/episode_{episode:06d}.parquet")
            assert table.column_names == list(FEATURES)
            state = np.array(table["observation.state"].to_pylist(), np.float32)
            assert np.array_equal(state[:, :7], demo["obs/robot0_joint_pos"][:].astype(np.float32))
            fingers = demo["obs/robot0_gripper_qpos"][:]
            assert np.array_equal(state[:, 7], (fingers[:, 0] - fingers[:, 1]).astype(np.float32))
            assert np.array_equal(np.array(table["action"].to_pylist(), np.float32), demo["actions"][:])
            assert table["next.reward"].to_pylist() == demo["rewards"][:].tolist()
            assert table["index"].to_pylist() == list(range(70 * episode, 70 * episode + 70))


def test_observations_of_the_example_come_before_their_actions():
    """The command to close is first given in row 25; there the gripper is still as wide as before, and narrower in row 26."""
    for episode in (0, 1):
        table = pq.read_table(EXAMPLE / f"data/chunk-000/episode_{episode:06d}.parquet")
        command = np.array(table["action"].to_pylist())[:, 6]
        opening = np.array(table["observation.state"].to_pylist())[:, 7]
        first = int(np.flatnonzero(command > 0)[0])
        assert first == 25
        assert opening[first] >= opening[first - 1] > opening[first + 1]


def test_statistics_of_the_example_are_those_of_its_columns():
    rows = [json.loads(line) for line in (EXAMPLE / "meta/episodes_stats.jsonl").read_text().splitlines()]
    assert [row["episode_index"] for row in rows] == [0, 1]
    for row in rows:
        table = pq.read_table(EXAMPLE / f"data/chunk-000/episode_{row['episode_index']:06d}.parquet")
        assert set(row["stats"]) == {*FEATURES, *(f"observation.images.{camera}" for camera in CAMERAS)}
        for name in FEATURES:
            values = np.array(table[name].to_pylist(), np.float64).reshape(70, -1)
            said = row["stats"][name]
            assert said["count"] == [70]
            for statistic, found in (
                ("min", values.min(0)),
                ("max", values.max(0)),
                ("mean", values.mean(0)),
                ("std", values.std(0)),
            ):
                assert np.allclose(np.array(said[statistic], np.float64), found, atol=1e-6), (name, statistic)
        for camera in CAMERAS:
            said = row["stats"][f"observation.images.{camera}"]
            assert np.shape(said["mean"]) == (3, 1, 1)
            assert 0 <= np.min(said["min"]) < np.min(said["mean"]) < np.max(said["max"]) <= 1


def test_the_example_is_small():
    assert sum(path.stat().st_size for path in EXAMPLE.rglob("*") if path.is_file()) < 1_500_000


def test_wrong_arguments_are_answered_with_the_usage(capsys):
    assert main(["one"]) == 2
    assert "usage: python -m tools.recorders.lift HDF5 OUT" in capsys.readouterr().err
