"""Replay buffers that are known by name: what tells them, and their field map.

* `umi` (https://umi-data.github.io): poses of a handheld gripper at 59.94 steps/s, JPEG-XL pictures. It has no actions: they
  are the next poses. The opening is a width in metres, whose widest differs by gripper: name it under `fields`.
* `diffusion_policy` (https://github.com/real-stanford/diffusion_policy): `state` or robot poses, `action`, and pictures.
"""

from __future__ import annotations

from pipelines.formats.arrays.fields import Camera, Fields

PRESETS: dict[str, tuple[tuple[str, ...], Fields]] = {
    "umi": (
        ("robot0_eef_rot_axis_angle", "robot0_eef_pos"),
        Fields(
            state=("robot0_eef_pos", "robot0_eef_rot_axis_angle", "robot0_gripper_width"),
            action=("action",),
            eef_position="robot0_eef_pos",
            eef_rotation="robot0_eef_rot_axis_angle",
            rotation="rotation_vector",
            cameras=(Camera(key="*_rgb"),),
            fps=59.94,
            left_out=("robot*_demo_start_pose", "robot*_demo_end_pose"),
        ),
    ),
    "diffusion_policy": (
        ("action",),
        Fields(
            state=("state", "robot_joint", "robot_eef_pose"),
            action=("action",),
            timestamp="timestamp",
            cameras=(Camera(key="img"), Camera(key="camera_*"), Camera(key="*_rgb"), Camera(key="*_image")),
        ),
    ),
}
"""Name → (keys that tell it, field map), in the order in which they are tried."""
