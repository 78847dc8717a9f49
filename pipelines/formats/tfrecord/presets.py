"""Datasets of Open-X that are known by name: which of their features is what, and their rate, which no record holds.

Rates are the control frequencies of the Open X-Embodiment paper's table of datasets (https://robotics-transformer-x.github.io).
What a dataset leaves open stays null: Bridge's Euler angles, for one, are about a rest pose of its arm and make no `eef_pose`.
"""

from __future__ import annotations

from typing import Any

from pipelines.formats.arrays.fields import Fields, replaced

FIELDS = Fields(
    state=("observation/state",),
    action=("action",),
    reward="reward",
    terminal="is_terminal",
    instruction=(
        "@language_instruction",
        "@observation/natural_language_instruction",
        "@natural_language_instruction",
        "@episode_metadata/language_instruction",
    ),
    left_out=("is_first", "is_last", "discount", "*language_embedding*"),
)
"""What datasets of Open-X have in common. Cameras are all features that are pictures, unless a map names some."""

_COMMANDED = (
    "joint_position",
    "joint_velocity",
    "cartesian_position",
    "cartesian_velocity",
    "gripper_position",
    "gripper_velocity",
)


def _as(**own: Any) -> Fields:
    return replaced(FIELDS, own)


PRESETS: dict[str, Fields] = {
    # https://droid-dataset.github.io: 15 steps/s; x y z and Euler angles about the fixed axes of the base; 0 = open, 1 = closed
    "droid": _as(
        state=("observation/joint_position", "observation/gripper_position"),
        eef_position="observation/cartesian_position[0:3]",
        eef_rotation="observation/cartesian_position[3:6]",
        rotation="euler_xyz",
        gripper={"key": "observation/gripper_position", "closed": 1.0, "open": 0.0},
        reference_frame="base",
        fps=15.0,
        embodiment="Franka Panda, Robotiq 2F-85",
        columns={f"action.{name}": {"key": f"action_dict/{name}"} for name in _COMMANDED},
    ),
    # RT-1 (arXiv 2212.06817): position and quaternion x y z w of the tool in the base
    "fractal20220817_data": _as(
        state=("observation/base_pose_tool_reached", "observation/gripper_closed"),
        action=(
            "action/world_vector",
            "action/rotation_delta",
            "action/gripper_closedness_action",
            "action/base_displacement_vector",
            "action/base_displacement_vertical_rotation",
            "action/terminate_episode",
        ),
        action_space="delta of the tool's position and rotation, gripper closedness, delta of the base, mode",
        eef_position="observation/base_pose_tool_reached[0:3]",
        eef_rotation="observation/base_pose_tool_reached[3:7]",
        gripper={"key": "observation/gripper_closed", "closed": 1.0, "open": 0.0},
        reference_frame="base",
        fps=3.0,
    ),
    # Bridge as Open-X has it (0.1.0), and as its makers publish it (https://rail-berkeley.github.io/bridgedata)
    "bridge": _as(
        action=("action/world_vector", "action/rotation_delta", "action/open_gripper", "action/terminate_episode"),
        action_space="delta of the end-effector's position and rotation, gripper open, terminate",
        gripper={"key": "observation/state[6]", "closed": 0.0, "open": 1.0},
        fps=5.0,
        embodiment="WidowX 250",
    ),
    "bridge_dataset": _as(
        gripper={"key": "observation/state[6]", "closed": 0.0, "open": 1.0}, fps=5.0, embodiment="WidowX 250"
    ),
}
"""Field maps by the dataset's name, as dataset_info.json has it."""
