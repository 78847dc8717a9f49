"""A simulated recording with depth, calibration and a camera on the wrist: HDF5 → Cairn → LeRobot v3.0 → Cairn."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines.export import Wishes, export
from pipelines.sources import Source, reader
from tests.pipelines.export.layout import check_layout
from tests.pipelines.made_release import released

h5py = pytest.importorskip("h5py")

FIELDS = {
    "cameras": [
        {"key": "obs/agentview_image", "intrinsics": "@K_agentview", "extrinsics": "@cam2world_agentview"},
        {
            "key": "obs/robot0_eye_in_hand_image",
            "intrinsics": "@K_robot0_eye_in_hand",
            "extrinsics": "obs/robot0_eye_in_hand_cam2world",
        },
        {"key": "obs/agentview_depth", "kind": "depth", "depth_unit": 0.001},
    ],
    "columns": {"eef_px": "obs/agentview_eef_px"},
}


STEPS = 12


@pytest.fixture
def recording(shared_data: Path, tmp_path: Path) -> Path:
    """The first steps of our own recording's first episode."""
    with (
        h5py.File(shared_data / "robot/lift_sim/lift_robomimic_layout.hdf5") as whole,
        h5py.File(tmp_path / "cut.hdf5", "w") as cut,
    ):
        cut.create_group("data").attrs.update(whole["data"].attrs)
        cut.create_group("data/demo_0").attrs.update(whole["data/demo_0"].attrs)
        cut["data/demo_0"].attrs["num_samples"] = STEPS
        for name in ("actions", "dones", "rewards"):
            cut[f"data/demo_0/{name}"] = whole[f"data/demo_0/{name}"][:STEPS]
        for name, array in whole["data/demo_0/obs"].items():
            cut[f"data/demo_0/obs/{name}"] = array[:STEPS]
    return tmp_path / "cut.hdf5"


def test_depth_is_the_same_and_the_projected_gripper_stays_where_it_was(recording, read_source, tmp_path):
    options = {"preset": "robomimic", "fields": FIELDS}
    before = read_source("hdf5", recording, **options)
    found = reader("hdf5")
    native = dict(found.native_columns(Source("s", "hdf5", str(recording), "mit", None, found.options(**options))))
    report = export(
        released(before, tmp_path / "release", native), "lerobot-v3.0", tmp_path / "out", Wishes(picture_statistics=False)
    )
    assert report.trajectories == 1
    check_layout(tmp_path / "out")
    after = read_source("lerobot", tmp_path / "out")
    assert not after.rejects
    (old,), (new,) = before.trajectories, after.trajectories
    streams = {s["name"].split(".")[-1]: s for s in after.rows(new, "trajectories")[0]["streams"]}
    was = {s["name"].split(".")[-1]: s for s in before.rows(old, "trajectories")[0]["streams"]}
    assert {n: s["kind"] for n, s in streams.items()} == {n: s["kind"] for n, s in was.items()}
    depth = next(name for name in streams if "depth" in name)
    assert streams[depth]["depth_unit"] == 0.001

    with h5py.File(recording) as file:
        episode = file["data/demo_0/obs"]
        maps = [row for row in after.rows(new, "images") if row["stream"].endswith(depth)]
        for step in (0, 5, 11):
            picture = np.asarray(Image.open(io.BytesIO(after.media.read(maps[step]["image"]))))
            assert (picture == episode["agentview_depth"][step]).all()
        pixels = np.asarray(episode["agentview_eef_px"])
        wrist = np.asarray(episode["robot0_eye_in_hand_cam2world"])

    steps = after.trajectories[new]["robot_steps"]
    camera = streams["agentview_image"] if "agentview_image" in streams else streams["agentview"]
    assert np.abs(_projected(steps, camera) - pixels).max() < 1e-4
    place = list(streams).index("robot0_eye_in_hand_image" if "robot0_eye_in_hand_image" in streams else "robot0_eye_in_hand")
    poses = [np.reshape(row[place], (4, 4)) for row in steps["camera_poses"].to_pylist()]
    assert np.abs(np.stack(poses) - wrist).max() < 1e-6


def _projected(steps: Any, camera: dict[str, Any]) -> np.ndarray[Any, Any]:
    """Pixels of the end effector in a camera that stands still."""
    position = np.asarray(steps["eef_pose"].to_pylist(), np.float64)[:, :3]
    to_camera = np.linalg.inv(np.reshape(camera["extrinsics"], (4, 4)))
    seen = position @ to_camera[:3, :3].T + to_camera[:3, 3]
    fx, fy, cx, cy = camera["intrinsics"]
    return np.stack([fx * seen[:, 0] / seen[:, 2] + cx, fy * seen[:, 1] / seen[:, 2] + cy], axis=1)
