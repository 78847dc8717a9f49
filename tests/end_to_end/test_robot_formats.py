"""HDF5, Zarr, MCAP, ROS 1 and ROS 2 bags, DROID, RLDS and RoboInter, from files to a release that `datasets` opens."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tests.pipelines.sources.robointer_samples import FRAMES, dataset, frame_notes
from tests.pipelines.sources.robot_samples import aloha, cdr_mcap, db3, droid, libero, replay_buffer, rlds, robomimic, ros1_bag

from .conftest import place_in

TOPICS = {"steps": "/joint_states", "state": "/joint_states:position", "cameras": [{"topic": "/camera", "name": "hand"}]}


def sources(folder: Path) -> list[dict[str, object]]:
    """One generated recording per format, in its writer's own layout."""
    for name in ("aloha", "libero", "robomimic", "umi", "umi3"):
        (folder / name).mkdir()
    aloha(folder / "aloha/episode_0.hdf5", compressed=True)
    libero(folder / "libero/drawer_demo.hdf5")
    robomimic(folder / "robomimic/lift.hdf5")
    replay_buffer(folder / "umi/replay_buffer.zarr")
    replay_buffer(folder / "umi3/replay_buffer.zarr", version=3)
    cdr_mcap(folder / "run.mcap")
    db3(folder / "run.db3")
    ros1_bag(folder / "run.bag")
    droid(folder / "droid/a")
    rlds(folder / "rlds")
    dataset(folder / "robointer", [[frame_notes(frame) for frame in range(FRAMES)]], ["3072_exterior_image_1_left"])
    bags = [("mcap", "run.mcap"), ("rosbag2", "run.db3"), ("rosbag1", "run.bag")]
    return [
        {"name": "aloha", "reader": "hdf5", "uri": "aloha", "options": {"preset": "aloha", "colours": "bgr"}},
        {"name": "libero", "reader": "hdf5", "uri": "libero"},
        {"name": "robomimic", "reader": "hdf5", "uri": "robomimic"},
        {"name": "umi", "reader": "zarr_buffer", "uri": "umi"},
        {"name": "umi3", "reader": "zarr_buffer", "uri": "umi3"},
        *({"name": name, "reader": name, "uri": file, "options": {"topics": TOPICS}} for name, file in bags),
        {"name": "droid", "reader": "droid", "uri": "droid"},
        {"name": "rlds", "reader": "rlds", "uri": "rlds", "options": {"last_action": "dummy"}},
        {"name": "robointer", "reader": "robointer", "uri": "robointer"},
    ]


STEPS = {
    "aloha": 5,
    "libero": 8,
    "robomimic": 8,
    "umi": 8,
    "umi3": 8,
    "mcap": 10,
    "rosbag2": 10,
    "rosbag1": 10,
    "droid": 6,
    "rlds": 12,
    "robointer": FRAMES,
}


def test_every_format_becomes_a_release_that_loads(tmp_path: Path) -> None:
    workplace = place_in(tmp_path, sources(tmp_path), release={"splits": {"train": 1.0}})
    workplace.run()
    steps = pa.concat_tables([pq.read_table(file) for file in workplace.release.glob("robot_steps/*.parquet")]).to_pylist()
    found = {name: [row for row in steps if row["trajectory_id"].startswith(f"{name}/")] for name in STEPS}
    assert {name: len(rows) for name, rows in found.items()} == STEPS
    for name in ("mcap", "rosbag2", "rosbag1"):
        assert [row["state"] for row in found[name]] == [[i, i + 1] for i in range(10)]
    assert not list(workplace.release.glob("rejects/*.parquet"))
    layers = {path.parent.name for path in workplace.release.glob("*/*/*.parquet")}
    assert {"subtask", "contact", "gripper_box", "trace", "state_affordance", "instruction_add"} <= layers  # RoboInter's own
    script = Path(__file__).with_name("load_all.py")
    command = [sys.executable, str(script), str(workplace.release), str(tmp_path / "home")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert loaded["failed"] == []
    assert loaded["loads"] >= 8
