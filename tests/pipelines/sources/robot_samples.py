"""Small recordings in the layouts of the robot formats, made as their own writers make them. Nothing here is anybody's data."""

from __future__ import annotations

import io
import json
import sqlite3
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import cv2
import h5py
import numpy as np
from PIL import Image

Rows = np.ndarray[Any, np.dtype[Any]]


def pictures(count: int, height: int = 24, width: int = 32) -> Rows:
    """RGB pictures uint8 [count, height, width, 3]: red above, blue below, a bright column that moves."""
    found = np.zeros((count, height, width, 3), np.uint8)
    found[:, : height // 2, :, 0] = 200
    found[:, height // 2 :, :, 2] = 120
    for number in range(count):
        found[number, :, number * 2 : number * 2 + 2] = 255
    return found


def jpeg(picture: Rows, swapped: bool = False) -> bytes:
    """An RGB picture as JPEG; `swapped`: as OpenCV writes an RGB array that it takes for BGR."""
    done, data = cv2.imencode(".jpg", picture if swapped else picture[..., ::-1])
    assert done
    return data.tobytes()


def aloha(path: Path, steps: int = 5, compressed: bool = False) -> Path:
    """`episode_N.hdf5` as ACT records it."""
    moves = np.linspace(0, 1, steps * 14).reshape(steps, 14)
    with h5py.File(path, "w") as file:
        file.attrs["sim"], file.attrs["compress"] = False, compressed
        file["action"] = moves + 0.1
        for name in ("qpos", "qvel", "effort"):
            file[f"observations/{name}"] = moves
        shown = pictures(steps)
        if compressed:
            packed = [jpeg(picture, swapped=True) for picture in shown]
            longest = max(map(len, packed))
            padded = np.stack([np.frombuffer(data.ljust(longest, b"\0"), np.uint8) for data in packed])
            file["observations/images/cam_high"] = padded
            file["compress_len"] = np.array([[len(data) for data in packed]])
        else:
            file["observations/images/cam_high"] = shown
    return path


def libero(path: Path, steps: int = 4) -> Path:
    """Two demonstrations in LIBERO's layout, pictures upside down."""
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        data.attrs["problem_info"] = json.dumps({"language_instruction": "open the drawer"})
        data.attrs["env_args"] = json.dumps({"env_kwargs": {"control_freq": 20, "robots": ["Panda"]}})
        for number in (2, 10):
            demo = data.create_group(f"demo_{number}")
            demo.attrs["num_samples"] = steps
            demo["actions"] = np.full((steps, 7), number, np.float64)
            demo["rewards"], demo["dones"] = np.zeros(steps, np.uint8), np.arange(steps) == steps - 1
            demo["states"] = np.zeros((steps, 9))
            for name, width in (("joint_states", 7), ("gripper_states", 2), ("ee_pos", 3), ("ee_ori", 3)):
                demo[f"obs/{name}"] = np.full((steps, width), 0.02)
            demo["obs/agentview_rgb"] = pictures(steps)[:, ::-1]
    return path


def robomimic(path: Path, numbers: tuple[int, ...] = (0, 1), steps: int = 4) -> Path:
    """Demonstrations in robomimic's layout without pictures."""
    with h5py.File(path, "w") as file:
        data = file.create_group("data")
        data.attrs["env_args"] = json.dumps({"env_kwargs": {"control_freq": 20, "robots": "Panda"}})
        for number in numbers:
            demo = data.create_group(f"demo_{number}")
            demo.attrs["num_samples"] = steps
            demo["actions"] = np.full((steps, 7), number, np.float32)
            demo["obs/robot0_joint_pos"] = np.arange(steps * 7).reshape(steps, 7) / 10
            demo["obs/robot0_eef_pos"] = np.zeros((steps, 3))
            demo["obs/robot0_eef_quat"] = np.tile([0.0, 0.0, 0.0, 1.0], (steps, 1))
    return path


def mp4(path: Path, shown: Rows, fps: int = 15) -> Path:
    """A video of RGB pictures."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as output:
        track = output.add_stream("libx264", rate=fps, options={"threads": "1", "bf": "0", "g": "4"})
        track.height, track.width, track.pix_fmt = shown.shape[1], shown.shape[2], "yuv420p"
        for picture in shown:
            output.mux(track.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(track.encode(None))
    return path


def droid(folder: Path, steps: int = 6, frames: int | None = None) -> Path:
    """One episode as DROID's recorder leaves it: names and units of its own, a stereo video that nobody wants."""
    folder.mkdir(parents=True)
    starts = 1_690_000_000_000 + np.arange(steps, dtype=np.int64) * 66
    said = {
        "uuid": "LAB+1234+2023-07-22-04h-13m", "lab": "LAB", "user": "A Person", "user_id": "ab12", "success": True,
        "current_task": "Put the pen in the cup", "scene_id": 42, "trajectory_length": steps, "robot_serial": "panda-1",
        "hdf5_path": "/home/person/x.h5", "wrist_cam_serial": "111", "ext1_cam_serial": "222", "ext2_cam_serial": "333",
    }  # fmt: skip
    (folder / f"metadata_{said['uuid']}.json").write_text(json.dumps(said))
    with h5py.File(folder / "trajectory.h5", "w") as file:
        file["observation/timestamp/control/step_start"] = starts
        file["observation/robot_state/joint_positions"] = np.tile(np.arange(7.0), (steps, 1))
        file["observation/robot_state/gripper_position"] = np.linspace(0, 1, steps)
        file["observation/robot_state/cartesian_position"] = np.tile([0.4, 0, 0.3, np.pi, 0, 0], (steps, 1))
        file["action/joint_position"] = np.tile(np.arange(7.0), (steps, 1))
        file["action/gripper_position"] = np.linspace(0, 1, steps)
        file["observation/timestamp/cameras/222_estimated_capture"] = starts
        moving = np.tile([0.1, 0.2, 0.3, 0, 0, 0], (steps, 1))
        file["observation/camera_extrinsics/222_left"] = moving.copy()
        moving[:, 0] += np.arange(steps)
        file["observation/camera_extrinsics/111_left"] = moving
    place = folder / "recordings/MP4"
    mp4(place / "111.mp4", pictures(steps if frames is None else frames))
    mp4(place / "222.mp4", pictures(steps + 1))
    mp4(place / "222-stereo.mp4", pictures(2))
    (place / "222_timestamps.json").write_text(json.dumps([int(starts[0]) - 66, *map(int, starts)]))
    return folder


def replay_buffer(folder: Path | str, version: int = 2, ends: tuple[int, ...] = (3, 8), **codecs: Any) -> None:
    """A replay buffer in UMI's layout with zarr itself; `codecs` for the pictures."""
    import zarr

    root = zarr.open_group(folder, mode="w", zarr_format=version)
    rows = ends[-1]
    values = {
        "robot0_eef_pos": np.arange(rows * 3).reshape(rows, 3) / 10,
        "robot0_eef_rot_axis_angle": np.tile([0.0, 0.0, np.pi / 2], (rows, 1)),
        "robot0_gripper_width": np.linspace(0, 0.08, rows)[:, None],
        "action": np.ones((rows, 7), np.float32),
    }
    data = root.create_group("data")
    for name, array in values.items():
        data.create_array(name, data=array, chunks=(2, array.shape[1]))
    shown = pictures(rows)
    data.create_array("camera0_rgb", shape=shown.shape, dtype="u1", chunks=(1, *shown.shape[1:]), **codecs)[:] = shown
    root.create_group("meta").create_array("episode_ends", data=np.array(ends, np.int64))


def png(picture: Rows) -> bytes:
    """A picture as PNG."""
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "PNG")
    return data.getvalue()


Message = tuple[str, str, str, int, Any]
"""Topic, ROS type, field of the stamp's clock (unused), log time in ns, message."""


def ros_messages(types: Any, start: int = 1_700_000_000 * 10**9) -> list[tuple[str, str, int, Any]]:
    """(topic, type, log time ns, message): 10 joint states at 20 Hz stamped 3 ms before their log, 5 pictures, calibration and tf."""
    made = types.types
    stamp, header = made["builtin_interfaces/msg/Time"], made["std_msgs/msg/Header"]

    def at(time: int, frame: str = "") -> Any:
        values = {"stamp": stamp(sec=time // 10**9, nanosec=time % 10**9), "frame_id": frame}
        return header(seq=0, **values) if "seq" in header.__dataclass_fields__ else header(**values)

    upper = "K" in made["sensor_msgs/msg/CameraInfo"].__dataclass_fields__
    found: list[tuple[str, str, int, Any]] = [
        ("/tf_static", "tf2_msgs/msg/TFMessage", start - 1000, _transform(made, at, start, "base_link", "wrist", 1.0)),
        ("/camera_info", "sensor_msgs/msg/CameraInfo", start - 500, _camera_info(made, at(start, "optical"), upper)),
    ]
    joints, picture = made["sensor_msgs/msg/JointState"], made["sensor_msgs/msg/CompressedImage"]
    shown = pictures(5)
    for step in range(10):
        time = start + step * 50_000_000
        values = np.arange(2.0) + step
        message = joints(header=at(time), name=["a", "b"], position=values, velocity=values * 0, effort=values * 0)
        found.append(("/joint_states", "sensor_msgs/msg/JointState", time + 3_000_000, message))
        if step % 2 == 0:
            data = np.frombuffer(jpeg(shown[step // 2]), np.uint8)
            image = picture(header=at(time + 1_000_000, "optical"), format="jpeg", data=data)
            found.append(("/camera", "sensor_msgs/msg/CompressedImage", time + 4_000_000, image))
        moved = _transform(made, at, time, "wrist", "optical", 0.1 * step)
        found.append(("/tf", "tf2_msgs/msg/TFMessage", time + 1, moved))
    return sorted(found, key=lambda entry: entry[2])


def _transform(made: Any, at: Callable[..., Any], time: int, parent: str, child: str, x: float) -> Any:
    moved = made["geometry_msgs/msg/Transform"](
        translation=made["geometry_msgs/msg/Vector3"](x=x, y=0.0, z=0.0),
        rotation=made["geometry_msgs/msg/Quaternion"](x=0.0, y=0.0, z=0.0, w=1.0),
    )
    stamped = made["geometry_msgs/msg/TransformStamped"](header=at(time, parent), child_frame_id=child, transform=moved)
    return made["tf2_msgs/msg/TFMessage"](transforms=[stamped])


def _camera_info(made: Any, header: Any, upper: bool) -> Any:
    letters = {key: np.zeros(size) for key, size in (("d", 5), ("k", 9), ("r", 9), ("p", 12))}
    letters["k"][[0, 4, 2, 5, 8]] = 100.0, 100.0, 31.5, 23.5, 1.0
    region = made["sensor_msgs/msg/RegionOfInterest"](x_offset=0, y_offset=0, height=0, width=0, do_rectify=False)
    return made["sensor_msgs/msg/CameraInfo"](
        header=header, height=48, width=64, distortion_model="plumb_bob", binning_x=0, binning_y=0, roi=region,
        **{key.upper() if upper else key: value for key, value in letters.items()},
    )  # fmt: skip


def ros_types(version: int = 2) -> Any:
    from rosbags.typesys import Stores, get_types_from_msg, get_typestore

    if version == 2:
        return get_typestore(Stores.ROS2_HUMBLE)
    types = get_typestore(Stores.ROS1_NOETIC)
    types.register(get_types_from_msg("geometry_msgs/TransformStamped[] transforms", "tf2_msgs/msg/TFMessage"))
    return types


def cdr_mcap(path: Path) -> Path:
    """The ROS 2 messages as .mcap with their definitions."""
    from mcap.writer import Writer

    types = ros_types()
    with path.open("wb") as file:
        writer = Writer(file, enable_data_crcs=True)
        writer.start(profile="ros2")
        channels: dict[str, int] = {}
        for topic, kind, time, message in ros_messages(types):
            if topic not in channels:
                text, _ = types.generate_msgdef(kind, ros_version=2)
                schema = writer.register_schema(kind, "ros2msg", text.encode())
                channels[topic] = writer.register_channel(topic, "cdr", schema)
            writer.add_message(channels[topic], time, bytes(types.serialize_cdr(message, kind)), time)
        writer.finish()
    return path


def db3(path: Path) -> Path:
    """The same as rosbag2 stored them before it kept definitions."""
    types = ros_types()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE topics(id INTEGER PRIMARY KEY, name TEXT, type TEXT, serialization_format TEXT, q TEXT)")
        database.execute("CREATE TABLE messages(id INTEGER PRIMARY KEY, topic_id INTEGER, timestamp INTEGER, data BLOB)")
        ids: dict[str, int] = {}
        for topic, kind, time, message in ros_messages(types):
            if topic not in ids:
                ids[topic] = len(ids) + 1
                database.execute("INSERT INTO topics VALUES(?, ?, ?, 'cdr', '')", (ids[topic], topic, kind))
            data = bytes(types.serialize_cdr(message, kind))
            database.execute("INSERT INTO messages(topic_id, timestamp, data) VALUES(?, ?, ?)", (ids[topic], time, data))
    database.close()
    return path


def ros1_bag(path: Path) -> Path:
    """The same as a ROS 1 bag."""
    from rosbags.rosbag1 import Writer

    types = ros_types(1)
    with Writer(path) as writer:
        connections: dict[str, Any] = {}
        for topic, kind, time, message in ros_messages(types):
            if topic not in connections:
                connections[topic] = writer.add_connection(topic, kind, typestore=types)
            writer.write(connections[topic], time, bytes(types.serialize_ros1(message, kind)))
    return path


def protobuf_mcap(path: Path, frames: int = 6, late: int = 0) -> Path:
    """Foxglove's CompressedVideo (H.264, a packet per message) and a message of numbers, in protobuf.

    `late`: packets that are left out at the start, so that the video begins after its key frame.
    """
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
    from mcap.writer import Writer

    kind = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="test.proto", package="test", syntax="proto3")

    def message(name: str, **fields: tuple[int, str]) -> None:
        made = file.message_type.add(name=name)
        for number, (field, (type_, label)) in enumerate(fields.items(), 1):
            inner = {"type_name": ".test.Stamp"} if type_ == kind.TYPE_MESSAGE else {}
            made.field.add(name=field, number=number, type=type_, label=getattr(kind, label), **inner)

    one, many = "LABEL_OPTIONAL", "LABEL_REPEATED"
    message("Stamp", seconds=(kind.TYPE_INT64, one), nanos=(kind.TYPE_INT32, one))
    message("Video", timestamp=(kind.TYPE_MESSAGE, one), data=(kind.TYPE_BYTES, one), format=(kind.TYPE_STRING, one))
    message("Joints", timestamp=(kind.TYPE_MESSAGE, one), position=(kind.TYPE_DOUBLE, many))
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    made = {n: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"test.{n}")) for n in ("Stamp", "Video", "Joints")}
    definition = descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString()
    with path.open("wb") as opened:
        writer = Writer(opened)
        writer.start()
        ids = {n: writer.register_schema(f"test.{n}", "protobuf", definition) for n in ("Video", "Joints")}
        video = writer.register_channel("/video", "protobuf", ids["Video"])
        joints = writer.register_channel("/joints", "protobuf", ids["Joints"])
        for number, packet in enumerate(annex_b(frames)):
            stamp = made["Stamp"](seconds=5, nanos=number * 100_000_000)
            values = made["Joints"](timestamp=stamp, position=[number, number / 2])
            time = 5 * 10**9 + number * 100_000_000
            writer.add_message(joints, time, values.SerializeToString(), time)
            if number >= late:
                sent = made["Video"](timestamp=stamp, data=packet, format="h264")
                writer.add_message(video, time, sent.SerializeToString(), time)
        writer.finish()
    return path


def annex_b(frames: int) -> list[bytes]:
    """H.264 packets with start codes, a key frame (with its parameter sets) every third."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 32, 24, "yuv420p", 10
    encoder.options = {
        "threads": "1",
        "bf": "0",
        "g": "3",
        "tune": "zerolatency",
        "x264-params": "repeat-headers=1:scenecut=0:min-keyint=3",
    }
    found: list[bytes] = []
    for picture in pictures(frames):
        found += [bytes(packet) for packet in encoder.encode(av.VideoFrame.from_ndarray(picture, format="rgb24"))]
    return found + [bytes(packet) for packet in encoder.encode(None)]


def flipped(path: Path, at: int) -> None:
    """Turn one bit of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def u64(value: int) -> bytes:
    return struct.pack("<Q", value)


def rlds(folder: Path, episodes: int = 3, steps: int = 4) -> Path:
    """A TFRecord file per two episodes and features.json, as TFDS writes an Open-X dataset; the second has no instruction."""
    import google_crc32c

    from pipelines.formats.tfrecord.records import example_class

    def leaf(dtype: str, *shape: int) -> dict[str, Any]:
        return {"tensor": {"shape": {"dimensions": [str(n) for n in shape]} if shape else {}, "dtype": dtype}}

    def several(features: dict[str, Any]) -> dict[str, Any]:
        return {"featuresDict": {"features": features}}

    observation = {"image": {"image": {"shape": {"dimensions": ["24", "32", "3"]}, "dtype": "uint8", "encodingFormat": "png"}},
                   "state": leaf("float32", 7)}  # fmt: skip
    inside = {name: leaf("bool") for name in ("is_first", "is_last", "is_terminal")}
    inside |= {"action": leaf("float32", 7), "reward": leaf("float32"), "observation": several(observation)}
    inside |= {"language_instruction": {"text": {}}, "language_instruction_2": {"text": {}}}
    metadata = several({"file_path": {"text": {}}})
    folder.mkdir(parents=True)
    said = several({"steps": {"sequence": {"feature": several(inside)}}, "episode_metadata": metadata})
    (folder / "features.json").write_text(json.dumps(said))
    for number in range(episodes):
        example = example_class()()
        feature = example.features.feature
        for name, at in (("is_first", 0), ("is_last", steps - 1), ("is_terminal", steps - 1)):
            feature[f"steps/{name}"].int64_list.value.extend(int(step == at) for step in range(steps))
        feature["steps/action"].float_list.value.extend(float(number) + i for i in range(steps * 7))
        feature["steps/observation/state"].float_list.value.extend(float(i) for i in range(steps * 7))
        feature["steps/reward"].float_list.value.extend([0.0] * steps)
        feature["steps/observation/image"].bytes_list.value.extend(png(picture) for picture in pictures(steps))
        words = b"" if number == 1 else b"open the drawer"
        feature["steps/language_instruction"].bytes_list.value.extend([words] * steps)
        feature["steps/language_instruction_2"].bytes_list.value.extend([b"pull it"] * steps)
        feature["episode_metadata/file_path"].bytes_list.value.append(b"a/b.h5")
        data = example.SerializeToString()
        with (folder / f"toy-train.tfrecord-{number // 2:05d}-of-{(episodes + 1) // 2:05d}").open("ab") as file:
            for part in (u64(len(data)), data):
                crc = google_crc32c.value(part)
                file.write(part + struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF))
    return folder
