"""Layouts of HDF5 episodes that are known by name: where the episodes lie, what tells the layout, and its field map.

* `aloha` (ACT, https://github.com/tonyzhaozh/act): a file per episode, 50 steps/s. Pictures are arrays, or JPEG padded to one
  length. Writers differ in the order of colours inside the JPEG: say `colours` under `options`.
* `robomimic` (https://robomimic.github.io): `data/demo_N`; a rate in `env_args`, upright pictures, quaternions x y z w. A
  gripper's opening differs by robot: name it under `fields`.
* `libero` (https://libero-project.github.io): the same with names of its own; its pictures are upside down as OpenGL draws
  them. Flipping them upside down fits the camera's pose (openvla/openvla#295); the half turn that other converters make
  mirrors the scene. Rotations are rotation vectors, fingers metres.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.formats.arrays.fields import Camera, Fields, Gripper


@dataclass(frozen=True, slots=True)
class Preset:
    """A layout: `episodes` the place of the episodes (one `*`, or empty for the file itself), `tells` keys of an episode that
    only this layout has, `fields` its map, `doubt` what the layout leaves open and a recipe should say.
    """

    episodes: str
    tells: tuple[str, ...]
    fields: Fields
    doubt: str | None = None


PRESETS: dict[str, Preset] = {
    "libero": Preset(
        "data/demo_*",
        ("obs/agentview_rgb", "obs/ee_pos"),
        Fields(
            state=("obs/joint_states", "obs/gripper_states"),
            action=("actions",),
            reference_frame="world",
            eef_position="obs/ee_pos",
            eef_rotation="obs/ee_ori",
            rotation="rotation_vector",
            gripper=Gripper(key="obs/gripper_states[0]", closed=0.0, open=0.04),
            cameras=(Camera(key="obs/*_rgb", turn="flip_vertical"),),
            reward="rewards",
            terminal="dones",
            fps=("@env_args.env_kwargs.control_freq",),
            instruction=("@problem_info.language_instruction",),
            embodiment="@env_args.env_kwargs.robots",
            left_out=("states", "robot_states", "obs/ee_states", "next_obs/*"),
        ),
    ),
    "robomimic": Preset(
        "data/demo_*",
        ("actions",),
        Fields(
            state=("obs/robot0_joint_pos", "obs/robot0_gripper_qpos"),
            action=("actions",),
            reference_frame="world",
            eef_position="obs/robot0_eef_pos",
            eef_rotation="obs/robot0_eef_quat",
            cameras=(Camera(key="obs/*_image"), Camera(key="obs/*_depth", kind="depth", name="{name}_depth")),
            reward="rewards",
            terminal="dones",
            fps=("@env_args.env_kwargs.control_freq",),
            instruction=("@ep_meta.lang", "@env_args.env_lang"),
            embodiment="@env_args.env_kwargs.robots",
            left_out=("states", "next_obs/*"),
        ),
    ),
    "aloha": Preset(
        "",
        ("observations/qpos", "action"),
        Fields(
            state=("observations/qpos",),
            action=("action",),
            action_space="absolute joint positions, radians; grippers normalised",
            cameras=(Camera(key="observations/images/*"),),
            fps=50.0,
            instruction=("@instruction", "@task"),
            columns={"qvel": {"key": "observations/qvel"}, "effort": {"key": "observations/effort"}},  # type: ignore[dict-item]
            left_out=("compress_len",),
        ),
        doubt="writers of this layout differ in the order of colours inside a JPEG: say `colours: rgb` or `bgr` under options",
    ),
}
"""Layouts by name, in the order in which they are tried."""
