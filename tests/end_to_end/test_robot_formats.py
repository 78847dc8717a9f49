"""Every robot format from its files through one recipe and one release to `datasets.load_dataset`, and what is loaded there."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import av
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.conftest import SHARED
from tests.pipelines.sources.robointer_samples import FRAMES
from tests.pipelines.sources.robot_samples import pictures

from .conftest import Workplace, place_in
from .format_sources import generated, recorded

Row = dict[str, Any]

STEPS = {
    "lift20": [70, 70], "lift21": [70, 70], "set30": [12, 15, 9, 20], "aloha": [5], "libero": [4, 4], "robomimic": [4, 4],
    "own": [4, 4], "droid": [6], "umi": [3, 5], "umi3": [3, 5], "zip": [3, 5], "jxl": [3, 5], "cdr": [10], "packets": [6],
    "json": [10], "db3": [10], "bag": [10], "rlds": [4, 4, 4], "robointer": [FRAMES],
}  # fmt: skip
RECORDED = {"lift_hdf5": [70, 70], "lift_mcap": [70], "lift_zarr": [70, 70], "talker": [10, 10]}
NULL = {
    "lift20": "camera_poses eef_pose gripper", "lift21": "camera_poses eef_pose gripper",
    "set30": "camera_poses eef_pose gripper is_terminal reward",
    "aloha": "camera_poses eef_pose gripper is_terminal reward timestamp", "libero": "camera_poses timestamp",
    "robomimic": "camera_poses frames gripper is_terminal reward timestamp", "own": "camera_poses is_terminal reward",
    "droid": "is_terminal reward",
    **dict.fromkeys(("umi", "umi3", "zip", "jxl"), "camera_poses gripper is_terminal reward timestamp"),
    **dict.fromkeys(("cdr", "db3", "bag"), "action action_kind eef_pose gripper is_terminal reward"),
    "packets": "action action_kind camera_poses eef_pose gripper is_terminal reward",
    "json": "action action_kind camera_poses eef_pose frames is_terminal reward",
    "rlds": "camera_poses eef_pose gripper timestamp",
    "robointer": "camera_poses eef_pose gripper is_terminal reward",
    "lift_hdf5": "camera_poses gripper timestamp", "lift_mcap": "camera_poses eef_pose gripper is_terminal reward",
    "lift_zarr": "camera_poses frames gripper is_terminal reward state timestamp",
    "talker": "action action_kind camera_poses eef_pose frames gripper is_terminal reward state",
}  # fmt: skip
"""Columns that a source does not hold, so that every row has null."""
COLUMNS = (
    "timestamp", "action_kind", "state", "action", "eef_pose", "gripper", "frames", "camera_poses", "reward", "is_first", "is_last",
    "is_terminal",
)  # fmt: skip


class Loaded:
    """The rows of a release as `load_dataset` gave them, config by config."""

    def __init__(self, rows: dict[str, list[Row]]) -> None:
        self.rows = rows

    def of(self, source: str, config: str = "robot_steps") -> list[list[Row]]:
        """The rows of a source, a list per trajectory."""
        found: dict[str, list[Row]] = {}
        for row in self.rows.get(config, ()):
            if row["trajectory_id"].split("/")[0] == source:
                found.setdefault(row["trajectory_id"], []).append(row)
        return [found[key] for key in sorted(found)]

    def column(self, source: str, name: str) -> Any:
        """A column of the steps of all trajectories of a source."""
        return [row[name] for rows in self.of(source) for row in rows]

    def headers(self, source: str) -> list[Row]:
        return [rows[0] for rows in self.of(source, "trajectories")]


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """One run over all sources; the real ones too where they are on the machine."""
    folder = tmp_path_factory.mktemp("formats")
    sources = generated(folder) + (recorded(SHARED) if SHARED.is_dir() else [])
    workplace = place_in(folder, sources, release={"splits": {"train": 1.0}}, max_reject_ratio=0.5)
    workplace.run()
    return workplace


@pytest.fixture(scope="module")
def loaded(job: Workplace, tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    """All configs, loaded plain and streaming in a process of its own."""
    home = tmp_path_factory.mktemp("home")
    script = Path(__file__).with_name("load_all.py")
    command = [sys.executable, str(script), str(job.release), str(home), str(home / "rows")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["failed"] == []
    return Loaded(pickle.loads((home / "rows").read_bytes()))


@pytest.fixture(scope="module")
def real(shared_data: Path, loaded: Loaded) -> Loaded:
    """The same; tests that ask for it are skipped where the real inputs are absent."""
    return loaded


def image(row: Row) -> Any:
    return np.asarray(Image.open(io.BytesIO(row["image"]["bytes"])))


def shown(rows: list[Row], stream: str) -> Any:
    """The pictures of a stream of `images`, [T, height, width, …]."""
    return np.stack([image(row) for row in rows if row["stream"] == stream])


def projected(header: Row, points: Any) -> Any:
    """Pixels of points [T, 3] of the reference frame in the first camera, by the convention of `trajectories.streams`."""
    (stream, *_) = [stream for stream in header["streams"] if stream["intrinsics"]]
    seen = np.c_[points, np.ones(len(points))] @ np.linalg.inv(np.reshape(stream["extrinsics"], (4, 4))).T
    fx, fy, cx, cy = stream["intrinsics"]
    assert (seen[:, 2] > 0).all()  # before the camera
    return np.c_[fx * seen[:, 0] / seen[:, 2] + cx, fy * seen[:, 1] / seen[:, 2] + cy]


@pytest.mark.parametrize("source", STEPS | RECORDED)
def test_all_trajectories_and_steps_are_there_and_what_a_format_does_not_hold_is_null(
    loaded: Loaded, source: str, request: pytest.FixtureRequest
) -> None:
    if source in RECORDED:
        request.getfixturevalue("shared_data")
    steps = loaded.of(source)
    assert [len(rows) for rows in steps] == (STEPS | RECORDED)[source]
    assert [header["num_steps"] for header in loaded.headers(source)] == [len(rows) for rows in steps]
    assert [row["step"] for rows in steps for row in rows] == [i for rows in steps for i in range(len(rows))]
    null = {name for name in COLUMNS if all(value is None for value in loaded.column(source, name))}
    assert null == set(NULL[source].split())
    assert [row["is_first"] for row in steps[0]] == [True] + [False] * (len(steps[0]) - 1)
    labels = loaded.of(source, "robot_labels") if "trajectory_id" in loaded.rows["robot_labels"][0] else None
    assert labels is None  # a row of it has no key: it stands beside its step
    assert len(loaded.rows["robot_labels"]) == len(loaded.rows["robot_steps"])


def test_the_one_planted_fault_is_the_only_reject(loaded: Loaded) -> None:
    assert [(row["source_name"], row["source_uri"], row["code"]) for row in loaded.rows["rejects"]] == [
        ("aloha", "episode_10.hdf5", "lfs_pointer")
    ]


def test_lerobot_2(loaded: Loaded) -> None:
    """v2.0 is v2.1 with other statistics; its numbers and packets are those of the files."""
    folder = Path(__file__).resolve().parents[2] / "examples/data/lift"
    for episode, (rows, older) in enumerate(zip(loaded.of("lift21"), loaded.of("lift20"), strict=True)):
        said = pq.read_table(folder / f"data/chunk-000/episode_{episode:06d}.parquet").to_pydict()
        assert [row["state"] for row in rows] == said["observation.state"]
        assert [row["action"] for row in rows] == said["action"]
        assert [row["timestamp"] for row in rows] == said["timestamp"]
        assert [{**row, "trajectory_id": ""} for row in rows] == [{**row, "trajectory_id": ""} for row in older]
    for rows, older in zip(loaded.of("lift21", "videos"), loaded.of("lift20", "videos"), strict=True):
        assert [row["sha256"] for row in rows] == [row["sha256"] for row in older]
        assert [(row["num_frames"], row["reencoded"]) for row in rows] == [(70, False)] * 2


def test_lerobot_3(loaded: Loaded, job: Workplace) -> None:
    folder = job.recipe.parent / "set30/data"
    said = pa.concat_tables([pq.read_table(path) for path in sorted(folder.glob("*/*.parquet"))])
    assert loaded.column("set30", "state") == said["observation.state"].to_pylist()
    assert loaded.column("set30", "action") == said["action"].to_pylist()
    assert [header["instruction"] for header in loaded.headers("set30")] == ["pick", "push", "pick", "push"]
    before = 0
    for rows, videos in zip(loaded.of("set30"), loaded.of("set30", "videos"), strict=True):
        assert [row["frames"] for row in rows] == [[i, i] for i in range(len(rows))]
        front = next(row for row in videos if row["stream"] == "observation.images.front")
        with av.open(io.BytesIO(front["video"]["bytes"])) as container:  # the grey of a frame is its number in the shared file
            greys = [round(frame.to_ndarray(format="rgb24")[32:].mean() / 5) for frame in container.decode(video=0)]
        assert greys == [i % 50 for i in range(before, before + len(rows))]
        before += len(rows)


def test_hdf5_of_known_layouts(loaded: Loaded) -> None:
    assert np.allclose(loaded.column("aloha", "state"), np.linspace(0, 1, 70).reshape(5, 14))
    assert np.allclose(loaded.column("aloha", "action"), np.linspace(0, 1, 70).reshape(5, 14) + 0.1)
    colours = shown(loaded.of("aloha", "images")[0], "cam_high").astype(int)
    assert np.abs(colours - pictures(5)).mean() < 8  # JPEG, and blue came first
    for number, rows, images in zip((2, 10), loaded.of("libero"), loaded.of("libero", "images"), strict=True):
        assert [row["action"] for row in rows] == [[number] * 7] * 4
        assert [row["gripper"] for row in rows] == pytest.approx([0.5] * 4)
        assert np.array_equal(shown(images, "agentview"), pictures(4))  # upright
    assert np.allclose(loaded.of("robomimic")[1][3]["state"], np.arange(21, 28) / 10)
    assert loaded.of("robomimic")[1][3]["eef_pose"] == [0, 0, 0, 0, 0, 0, 1]


def test_hdf5_by_a_field_map(loaded: Loaded) -> None:
    """A layout that nobody knows: raw BGR pictures, depth, w x y z, ms, and a camera pose inverted and with OpenGL axes."""
    first, second = loaded.of("own")
    assert [row["eef_pose"] for row in first + second] == [[2.5, 0, 0.25, 0, 0, 0, 1]] * 4 + [[10.5, 0, 0.25, 0, 0, 0, 1]] * 4
    assert [row["timestamp"] for row in first] == pytest.approx([0, 0.04, 0.08, 0.12])
    assert [row["gripper"] for row in first] == [1.0, 0.5, 0.0, 0.0]
    assert [row["action"] for row in second] == np.arange(8.0).reshape(4, 2).tolist()
    assert [row["label"] for row in second] == ["a", "b", "c", "d"]
    for header, images in zip(loaded.headers("own"), loaded.of("own", "images"), strict=True):
        assert np.array_equal(shown(images, "front"), pictures(4))
        assert np.array_equal(shown(images, "deep"), np.arange(4 * 24 * 32).reshape(4, 24, 32))
        deep, front = header["streams"]
        assert (deep["kind"], deep["depth_unit"], front["intrinsics"]) == ("depth", 0.001, [50, 50, 15.5, 11.5])
        assert front["extrinsics"] == pytest.approx([0, 0, -1, 2, 1, 0, 0, 0, 0, -1, 0, 1, 0, 0, 0, 1])
        assert projected(header, np.array([[0.5, 0, 0.25], [1, 0.5, 1]])) == pytest.approx(
            np.array([[15.5, 36.5], [40.5, 11.5]])
        )


def test_droid(loaded: Loaded) -> None:
    (header,), (rows,), (videos,) = loaded.headers("droid"), loaded.of("droid"), loaded.of("droid", "videos")
    assert (header["instruction"], header["success"], header["agent"]) == ("Put the pen in the cup", True, "ab12")
    assert [row["state"] for row in rows] == [pytest.approx([*range(7), i / 5]) for i in range(6)]
    assert rows[0]["eef_pose"] == pytest.approx([0.4, 0, 0.3, 1, 0, 0, 0], abs=1e-6)
    assert [row["camera_poses"][1][3] for row in rows] == pytest.approx(0.1 + np.arange(6))
    assert [row["frames"] for row in rows] == [[i + 1, i] for i in range(6)]
    assert {row["stream"]: row["num_frames"] for row in videos} == {"ext1": 7, "wrist": 6}
    assert header["completeness"] == {"stream ext1": {"frames": 7, "rows": 6}, "videos_absent": ["ext2"]}


def test_replay_buffers(loaded: Loaded) -> None:
    """Zarr v2, v3, v2 in a zip and v2 with JPEG-XL hold the same."""
    expected = pictures(8)
    for source in ("umi", "umi3", "zip", "jxl"):
        assert np.allclose(np.array(loaded.column(source, "eef_pose"))[:, :3], np.arange(24).reshape(8, 3) / 10)
        assert np.allclose(np.array(loaded.column(source, "eef_pose"))[:, 3:], [0, 0, np.sqrt(0.5), np.sqrt(0.5)])
        assert np.allclose(np.array(loaded.column(source, "state"))[:, 6], np.linspace(0, 0.08, 8))
        found = [shown(images, "camera0") for images in loaded.of(source, "images")]
        assert np.array_equal(np.concatenate(found), expected)


def test_bags(loaded: Loaded) -> None:
    """ROS 2 as .mcap and .db3, and ROS 1: the same messages are the same rows, with intrinsics, and extrinsics from tf."""
    for source in ("cdr", "db3", "bag"):
        ((header,), (rows,)) = loaded.headers(source), loaded.of(source)
        assert [row["state"] for row in rows] == [[i, i + 1] for i in range(10)]
        assert [row["timestamp"] for row in rows] == pytest.approx(np.arange(10) * 0.05)
        (stream,) = header["streams"]
        assert stream["intrinsics"] == pytest.approx([50, 50, 15.5, 11.5])
        assert [row["camera_poses"][0][3] for row in rows[1:]] == pytest.approx(1 + 0.1 * np.arange(1, 10))
        (images,) = loaded.of(source, "images")
        assert np.abs(shown(images, "hand").astype(int) - pictures(5)).mean() < 8
        assert header["extras"]["clocks"]["/joint_states"]["clock"] == "message stamp"


def test_messages_in_json_and_protobuf(loaded: Loaded) -> None:
    assert loaded.column("json", "state") == [[i, -i] for i in range(10)]
    assert loaded.column("json", "gripper") == pytest.approx(np.arange(10) / 10)
    assert loaded.headers("json")[0]["extras"]["clocks"]["/arm"]["clock"] == "log time"
    assert loaded.column("packets", "state") == [[i, i / 2] for i in range(6)]
    assert loaded.column("packets", "frames") == [[i] for i in range(6)]
    ((video,),) = loaded.of("packets", "videos")
    assert (video["codec"], video["num_frames"], video["reencoded"]) == ("h264", 6, False)
    with av.open(io.BytesIO(video["video"]["bytes"])) as container:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    assert np.abs(np.stack(frames) - pictures(6)).mean() < 15


def test_rlds(loaded: Loaded) -> None:
    headers = loaded.headers("rlds")
    assert [header["instruction"] for header in headers] == ["open the drawer", None, "open the drawer"]
    for number, (rows, images) in enumerate(zip(loaded.of("rlds"), loaded.of("rlds", "images"), strict=True)):
        assert [row["action"] for row in rows] == [[float(number + i) for i in range(t * 7, t * 7 + 7)] for t in range(3)] + [
            None
        ]
        assert [row["is_terminal"] for row in rows] == [False, False, False, True]
        assert np.array_equal(shown(images, "image"), pictures(4))


def test_robointer_comes_with_its_annotations(loaded: Loaded) -> None:
    assert [row["state"] for row in loaded.of("robointer")[0]] == [[frame + i for i in range(7)] for frame in range(FRAMES)]
    assert [(row["start"], row["end"], row["text"]) for row in loaded.rows["subtask"]] == [
        (0, 10, "pick up the red block"),
        (14, 24, "put it into the bowl"),
    ]
    assert [(row["start"], row["end"], row["quality"]) for row in loaded.rows["contact"]] == [(6, 7, "primary")]
    layers = ("gripper_box", "trace", "state_affordance", "instruction_add", "placement_proposal", "contact_points")
    assert all(loaded.rows[name] for name in layers)
    assert {row["trajectory_id"] for name in layers for row in loaded.rows[name]} == {"robointer/episode_000000"}


def test_one_simulation_in_three_formats_is_the_same(real: Loaded, shared_data: Path) -> None:
    """What `tests/pipelines/sources/test_robot_formats_agree.py` shows of the readers holds of what is loaded."""
    joints = np.array(real.column("lift_mcap", "state"))
    assert np.abs(np.array(real.column("lift_hdf5", "state"))[:70, :7] - joints).max() <= 1e-6
    for name in ("action", "eef_pose"):
        assert np.abs(np.array(real.column("lift_hdf5", name)) - np.array(real.column("lift_zarr", name))).max() <= 1e-6
    with h5py.File(shared_data / "robot/lift_sim/lift_robomimic_layout.hdf5") as file:
        for episode, (header, rows, images) in enumerate(
            zip(real.headers("lift_hdf5"), real.of("lift_hdf5"), real.of("lift_hdf5", "images"), strict=True)
        ):
            assert np.array_equal(shown(images, "agentview"), file[f"data/demo_{episode}/obs/agentview_image"])
            points = np.array([row["eef_pose"] for row in rows])[:, :3]
            assert np.abs(projected(header, points) - [row["px"] for row in rows]).max() <= 1e-4
    camera = real.headers("lift_mcap")[0]["completeness"]["stream agentview"]
    assert camera["dropped"]["count"] == 1
    assert camera["after_nearest_step"] == pytest.approx(0.007)
    assert len(real.of("lift_mcap", "images")[0]) == 34


def test_real_bags_of_ros_2_in_both_storages(real: Loaded) -> None:
    assert real.column("talker", "text") == [f"Hello, world! {i}" for i in range(10)] * 2
