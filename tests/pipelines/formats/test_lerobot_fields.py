"""Field maps of LeRobot: presets are data, places name entries, and what does not fit says what and where."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from pipelines.formats.lerobot.fields import PRESETS, field_map
from pipelines.sources import reader
from tests.pipelines.lerobot_v30 import dataset

LIFT = Path(__file__).resolve().parents[3] / "examples/data/lift"


def test_a_preset_fills_gripper_pose_and_frame(read_source):
    found = read_source("lerobot", LIFT, preset="panda_lift")
    header = found.rows("s/episode_000000", "trajectories")[0]
    steps = found.trajectories["s/episode_000000"]["robot_steps"]
    source = pq.read_table(LIFT / "data/chunk-000/episode_000000.parquet")
    assert (header["reference_frame"], header["action_space"]) == ("world", PRESETS["panda_lift"].action_space)
    opening = np.asarray(source["observation.state"].to_pylist())[:, 7]
    assert np.asarray(steps["gripper"]) == pytest.approx(opening / 0.08, abs=1e-6)
    assert 0 <= min(steps["gripper"].to_pylist()) < max(steps["gripper"].to_pylist()) <= 1.01
    pose = np.asarray(steps["eef_pose"].to_pylist())
    assert pose[:, :3].tolist() == source["observation.eef_pos"].to_pylist()
    assert pose[:, 3:] == pytest.approx(np.asarray(source["observation.eef_quat"].to_pylist()), abs=1e-6)
    assert steps["observation.eef_quat"].to_pylist() == source["observation.eef_quat"].to_pylist()  # and stays what it was


def test_state_is_joined_of_places_and_names_follow(tmp_path, read_source):
    folder = dataset(tmp_path / "set", (5,))
    fields = {"state": ["observation.state[1:3]", "action[0]"], "action": ["action"]}
    found = read_source("lerobot", folder, fields=fields)
    steps = found.trajectories["s/episode_000000"]["robot_steps"]
    state, action = (
        np.asarray(pq.read_table(next(folder.glob("data/*/*"))).column(n).to_pylist()) for n in ("observation.state", "action")
    )
    assert np.asarray(steps["state"].to_pylist()) == pytest.approx(np.hstack([state[:, 1:], action[:, :1]]))
    assert steps["observation.state"].to_pylist() == state.tolist()  # only some of it is the state: all of it is kept
    assert found.rows("s/episode_000000", "trajectories")[0]["state_names"] == ["b", "c", "a"]


@pytest.mark.parametrize(
    ("fields", "code", "says"),
    [
        ({"gripper": {"key": "observation.state", "closed": 0, "open": 1}}, "field_map_wrong", "has 8 entries, it should be one"),
        ({"gripper": {"key": "nothing", "closed": 0, "open": 1}}, "field_map_wrong", "'nothing'"),
        ({"eef_position": "observation.eef_pos", "eef_rotation": "observation.eef_pos"}, "field_map_wrong", "has 3 entries, it should have 4"),
        ({"eef_position": "observation.eef_pos", "eef_rotation": "observation.state[0:4]"}, "pose_wrong", "step 0 has length"),
    ],
)  # fmt: skip
def test_a_map_that_does_not_fit_rejects_and_says_what(read_source, fields, code, says):
    found = read_source("lerobot", LIFT, fields=fields)
    assert [reject.code for reject in found.rejects] == [code, code]
    assert says in found.rejects[0].message


def test_words_of_a_column_are_the_instruction_where_the_tasks_have_none(tmp_path, read_source):
    folder = Path(shutil.copytree(LIFT, tmp_path / "lift"))
    for path in folder.glob("data/*/*.parquet"):
        table = pq.read_table(path)
        pq.write_table(table.append_column("language_instruction", [["put it up"] * table.num_rows]), path)
    for name, old, new in (
        (
            "info.json",
            '"features": {',
            '"features": {"language_instruction": {"dtype": "string", "shape": [1], "names": null},',
        ),
        ("episodes.jsonl", '"lift the red cube"', '""'),
    ):
        path = folder / "meta" / name
        path.write_text(path.read_text().replace(old, new))
    header = read_source("lerobot", folder, fields={"instruction": ["language_instruction"]}).rows(
        "s/episode_000000", "trajectories"
    )[0]
    assert header["instruction"] == "put it up"


def test_presets_are_values_and_a_recipe_goes_over_them():
    assert (
        field_map("so101", {"gripper": {"key": "action[5]", "closed": 1, "open": 2}}).action_space == "absolute joint positions"
    )
    with pytest.raises(ValidationError, match="there is no preset 'nobody'; there are droid"):
        reader("lerobot").options(preset="nobody")
    with pytest.raises(ValidationError, match="gripped"):
        reader("lerobot").options(fields={"gripped": 1})
