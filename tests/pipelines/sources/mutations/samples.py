"""A small source per format that Cairn reads for robots, and which of its bytes no checksum covers.

Sources are cuts of real recordings where there are some (`examples/data/lift`, `../shared/data`), else what the format's own
writer makes. None is above 400 kB.
"""

from __future__ import annotations

import json
import pickle
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import partial
from pathlib import Path
from typing import Any

import av
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tests.pipelines import lerobot_v30
from tests.pipelines.sources.mutations.kinds import Kind, Mutation
from tests.pipelines.sources.robointer_samples import FRAMES, dataset, frame_notes
from tests.pipelines.sources.robot_samples import (
    aloha,
    cdr_mcap,
    db3,
    droid,
    libero,
    mp4,
    png,
    protobuf_mcap,
    replay_buffer,
    rlds,
    robomimic,
    ros1_bag,
)

LIFT = Path(__file__).resolve().parents[4] / "examples/data/lift"
MAX_BYTES = 400_000

TOPICS = {
    "steps": "/joint_states",
    "state": "/joint_states:position",
    "reference_frame": "base_link",
    "cameras": [{"topic": "/camera", "name": "hand", "intrinsics": "/camera_info:k", "extrinsics": "tf"}],
}
TOPICS_OF_LIFT = {
    "steps": "/joint_states", "state": "/joint_states:position", "action": "/joint_states:action",
    "instruction": "@episode.task", "success": "@episode.success",
    "cameras": [{"topic": "/camera/agentview/compressed", "name": "agentview",
                 "intrinsics": "/camera/agentview/calibration:K"}],
}  # fmt: skip
TOPICS_OF_VIDEO = {"steps": "/joints", "state": "/joints:position", "cameras": [{"topic": "/video", "name": "eye"}]}

UNCHECKED = {
    "*.json": "text of metadata", "*.jsonl": "text of metadata", "*.yaml": "text of metadata", "*/.z*": "text of metadata",
    "*.parquet": "pages, of which LeRobot writes no checksum, and the footer",
    "*.mp4": "packets and boxes",
    "*.hdf5": "data without Fletcher-32; in files of the first layout, which is h5py's default, metadata too",
    "*.h5": "as .hdf5",
    "*.zarr/*/*[0-9]": "chunks, unless a codec has a checksum",
    "*.db3": "rows", "*.bag": "all of it", "*.mdb": "all of it",
}  # fmt: skip
"""Pattern of names → bytes that no checksum of the format covers: a change there that leaves a sound file is another recording.
Not among them: .mcap, .tfrecord, .zip, PNG in parquet."""


@dataclass(frozen=True)
class Sample:
    """`folder` holds `source/` and what its options name beside it. `recordings`: patterns of files that are a recording each,
    of which nothing else knows; `alike`: patterns; of files that match one, nothing tells which is which but their names.
    `bare`: bytes without a checksum in the one file; `checked`: patterns of files that are wholly under checksums here.
    """

    name: str
    reader: str
    folder: Path
    options: dict[str, Any] = field(default_factory=dict)
    recordings: tuple[str, ...] = ()
    alike: tuple[str, ...] = ()
    more: tuple[Kind, ...] = ()
    bare: range = range(0)
    checked: tuple[str, ...] = ()

    @property
    def files(self) -> dict[str, bytes]:
        """All files by name."""
        paths = sorted(path for path in self.folder.rglob("*") if path.is_file())
        return {path.relative_to(self.folder).as_posix(): path.read_bytes() for path in paths}

    def unchecked(self, mutation: Mutation) -> bool:
        """Whether no checksum covers what was changed."""
        if mutation.at and mutation.at.start < self.bare.stop and mutation.at.stop > self.bare.start:
            return True
        if any(fnmatch(mutation.file, pattern) for pattern in self.checked):
            return False
        return any(fnmatch(mutation.file, pattern) for pattern in UNCHECKED)


def samples(folder: Path, shared: Path | None) -> Iterator[Sample]:
    """All samples, made below `folder`; `shared`: the folder of real recordings, where it is there."""
    robot = shared / "robot" if shared is not None else None
    makers: tuple[tuple[str, Callable[[Path], Sample]], ...] = (
        ("lerobot_v20", partial(_lerobot, "v2.0")),
        ("lerobot_v21", partial(_lerobot, "v2.1")),
        ("lerobot_v30", _lerobot_v30),
        ("aloha", _aloha),
        ("robomimic", partial(_robomimic, robot)),
        ("libero", _libero),
        ("droid", _droid),
        ("zarr_v2", partial(_zarr, robot, 2)),
        ("zarr_v3", partial(_zarr, robot, 3)),
        ("zarr_zip", _zarr_zip),
        ("mcap_json", partial(_mcap_json, robot)),
        ("mcap_protobuf", _mcap_protobuf),
        ("mcap_cdr", _mcap_cdr),
        ("rosbag2", partial(_rosbag2, robot)),
        ("rosbag1", _rosbag1),
        ("rlds", _rlds),
        ("robointer", _robointer),
        ("robointer_lmdb", _robointer_lmdb),
    )
    for name, make in makers:
        (folder / name / "source").mkdir(parents=True)
        sample = make(folder / name)
        assert sum(map(len, sample.files.values())) <= MAX_BYTES, name
        yield sample


def _lerobot(version: str, folder: Path) -> Sample:
    """Two episodes of 9 and 6 steps out of the example; in v2.0 the wrist's pictures stand as PNG in the parquet file."""
    source, lengths = folder / "source", (9, 6)
    shutil.copytree(LIFT / "meta", source / "meta")
    info = json.loads((LIFT / "meta/info.json").read_text()) | {"codebase_version": version, "total_frames": sum(lengths)}
    embedded = version == "v2.0"
    if embedded:
        info["features"]["observation.images.robot0_eye_in_hand"] |= {"dtype": "image", "info": None}
    (source / "meta/info.json").write_text(json.dumps(info))
    lines = [json.loads(line) for line in (LIFT / "meta/episodes.jsonl").read_text().splitlines()]
    text = "".join(json.dumps(line | {"length": length}) + "\n" for line, length in zip(lines, lengths, strict=True))
    (source / "meta/episodes.jsonl").write_text(text)
    for number, length in enumerate(lengths):
        name = f"data/chunk-000/episode_{number:06d}.parquet"
        table = pq.read_table(LIFT / name).slice(0, length)
        for camera in ("agentview", "robot0_eye_in_hand"):
            video = f"videos/chunk-000/observation.images.{camera}/episode_{number:06d}.mp4"
            shown = _frames(LIFT / video, length)
            if embedded and camera != "agentview":
                pictures = [{"bytes": png(picture), "path": f"{i}.png"} for i, picture in enumerate(shown)]
                table = table.append_column(f"observation.images.{camera}", pa.array(pictures))
            else:
                mp4(source / video, shown, round(info["fps"]))
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, source / name)
    cameras = tuple(f"*/episode_{number:06d}.mp4" for number in range(2))
    return Sample(f"lerobot_{version}", "lerobot", folder, alike=cameras)


def _frames(path: Path, count: int) -> Any:
    with av.open(str(path)) as container:
        shown = [frame.to_ndarray(format="rgb24") for _, frame in zip(range(count), container.decode(video=0), strict=False)]
    return np.stack(shown)


def _lerobot_v30(folder: Path) -> Sample:
    lerobot_v30.dataset(folder / "source", lengths=(7, 4, 6), group=1)
    return Sample("lerobot_v3.0", "lerobot", folder, more=(_count_of_v30,))


def _count_of_v30(dice: Any, name: str, files: Any) -> Mutation | None:
    """A number in the table of episodes is another one."""
    place = "source/meta/episodes/chunk-000/file-000.parquet"
    table = pq.read_table(pa.BufferReader(files[place]))
    column = dice.choice([n for n in table.column_names if "index" in n or "timestamp" in n or n == "length"])
    row, by = dice.randrange(table.num_rows), dice.choice((1, -1, 7))
    rows = table.to_pylist()
    rows[row][column] += by
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, table.schema), sink)
    return Mutation("count", place, {place: sink.getvalue().to_pybytes()}, f"{column} of row {row} plus {by}")


def _aloha(folder: Path) -> Sample:
    for number in (0, 1):
        aloha(folder / f"source/episode_{number}.hdf5", steps=4 + number, compressed=bool(number))
    return Sample("aloha", "hdf5", folder, {"preset": "aloha", "colours": "bgr"}, recordings=("*.hdf5",))


def _robomimic(robot: Path | None, folder: Path) -> Sample:
    """Where it is there, a cut of lift_sim, written in the newer layout, all arrays under Fletcher-32."""
    path = folder / "source/lift.hdf5"
    if robot is None:
        robomimic(path)
        return Sample("robomimic", "hdf5", folder, recordings=("*.hdf5",))
    steps = 5
    with (
        h5py.File(robot / "lift_sim/lift_robomimic_layout.hdf5") as whole,
        h5py.File(path, "w", libver="latest") as cut,
    ):
        data = cut.create_group("data")
        data.attrs.update(whole["data"].attrs)
        for name in ("demo_0", "demo_1"):
            demo = data.create_group(name)
            demo.attrs.update({k: v for k, v in whole["data"][name].attrs.items() if k != "model_file"})
            demo.attrs["num_samples"] = steps
            for key in ("actions", "rewards", "dones", "obs/robot0_joint_pos", "obs/robot0_eef_pos", "obs/robot0_eef_quat"):
                values = whole["data"][name][key][:steps]
                demo.create_dataset(key, data=values, chunks=values.shape, fletcher32=True)
            shown = whole["data"][name]["obs/agentview_image"][:steps, ::4, ::4]
            demo.create_dataset(
                "obs/agentview_image", data=shown, chunks=(1, *shown.shape[1:]), compression="gzip", fletcher32=True
            )
    return Sample("robomimic", "hdf5", folder, recordings=("*.hdf5",), checked=("*.hdf5",))


def _libero(folder: Path) -> Sample:
    libero(folder / "source/drawer_demo.hdf5")
    return Sample("libero", "hdf5", folder, recordings=("*.hdf5",), more=(_count_of_hdf5,))


def _count_of_hdf5(dice: Any, name: str, files: Any) -> Mutation | None:
    """`num_samples` of an episode is another one."""
    place = "source/drawer_demo.hdf5"
    made, key = bytearray(files[place]), dice.choice(("data/demo_2", "data/demo_10"))
    import io

    held = io.BytesIO(bytes(made))
    with h5py.File(held, "a") as file:
        file[key].attrs["num_samples"] = int(file[key].attrs["num_samples"]) + dice.choice((1, -1))
    return Mutation("count", place, {place: held.getvalue()}, f"num_samples of {key}")


def _droid(folder: Path) -> Sample:
    for number, steps in enumerate((6, 5)):
        droid(folder / f"source/LAB/{number}", steps=steps)
        (metadata,) = (folder / f"source/LAB/{number}").glob("metadata_*.json")
        said = json.loads(metadata.read_text())
        named = said["uuid"].replace("13m", f"{13 + number}m")
        metadata.unlink()
        (metadata.parent / f"metadata_{named}.json").write_text(json.dumps(said | {"uuid": named}))
    return Sample("droid", "droid", folder, more=())


def _zarr(robot: Path | None, version: int, folder: Path) -> Sample:
    """v2: a cut of lift_sim where it is there; v3: made by zarr, the pictures under CRC-32C."""
    path = folder / "source/replay_buffer.zarr"
    if version == 3:
        import zarr

        codecs = {"compressors": [zarr.codecs.ZstdCodec(), zarr.codecs.Crc32cCodec()]}
        replay_buffer(path, version=3, **codecs)
    elif robot is None:
        replay_buffer(path)
    else:
        _cut_of_lift(robot / "lift_sim/replay_buffer.zarr", path)
    options = {"fields": {"cameras": [{"key": "*_rgb"}]}} if version == 2 and robot is not None else {}
    checked = ("*/camera0_rgb/c/*",) if version == 3 else ()
    return Sample(f"zarr_v{version}", "zarr_buffer", folder, options, alike=("*.zarr/data/*[0-9]",), checked=checked)


def _cut_of_lift(whole: Path, path: Path) -> None:
    import zarr

    source = zarr.open_group(whole, mode="r")
    root = zarr.open_group(path, mode="w", zarr_format=2)
    rows = [0, 1, 2, 3, 70, 71, 72]
    data = root.create_group("data")
    for name, array in source["data"].members():
        values = np.asarray(array[:])[rows]
        values = values[:, ::2, ::2] if values.ndim == 4 else values
        chunks = (1 if values.ndim == 4 else 4, *values.shape[1:])
        made = data.create_array(name, shape=values.shape, dtype=values.dtype, chunks=chunks, compressors=_blosc())
        made[:] = values
    root.create_group("meta").create_array("episode_ends", data=np.array([4, 7], np.int64))


def _blosc() -> Any:
    from numcodecs import Blosc

    return Blosc("lz4", 5, 1)


def _zarr_zip(folder: Path) -> Sample:
    path = folder / "made.zarr"
    replay_buffer(path)
    with zipfile.ZipFile(folder / "source/dataset.zarr.zip", "w") as archive:
        for file in sorted(path.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(path).as_posix())
    shutil.rmtree(path)
    return Sample("zarr_zip", "zarr_buffer", folder)


def _mcap_json(robot: Path | None, folder: Path) -> Sample:
    """The real one where it is there."""
    path = folder / "source/lift_ep0.mcap"
    if robot is None:
        return _mcap_json_made(path, folder)
    shutil.copyfile(robot / "lift_sim/lift_ep0.mcap", path)
    start = path.read_bytes().index(b"episode") - 13  # the metadata record; the file has no checksum of its data section
    bare = range(start, start + 9 + 63)
    return Sample("mcap_json", "mcap", folder, {"topics": TOPICS_OF_LIFT}, recordings=("*.mcap",), bare=bare)


def _mcap_json_made(path: Path, folder: Path) -> Sample:
    from mcap.writer import Writer

    with path.open("wb") as file:
        writer = Writer(file, chunk_size=200, enable_data_crcs=True)
        writer.start()
        channel = writer.register_channel("/joint_states", "json", 0)
        for number in range(20):
            said = {"position": [number / 7, 0.5], "action": [0.0]}
            writer.add_message(channel, number * 10**8, json.dumps(said).encode(), number * 10**8)
        writer.finish()
    topics = {"steps": "/joint_states", "state": "/joint_states:position", "action": "/joint_states:action"}
    return Sample("mcap_json", "mcap", folder, {"topics": topics}, recordings=("*.mcap",))


def _mcap_protobuf(folder: Path) -> Sample:
    protobuf_mcap(folder / "source/video.mcap")
    return Sample("mcap_protobuf", "mcap", folder, {"topics": TOPICS_OF_VIDEO}, recordings=("*.mcap",))


def _mcap_cdr(folder: Path) -> Sample:
    cdr_mcap(folder / "source/run.mcap")
    return Sample("mcap_cdr", "mcap", folder, {"topics": TOPICS}, recordings=("*.mcap",))


def _rosbag2(robot: Path | None, folder: Path) -> Sample:
    """A bag with its metadata.yaml; beside it the real ones of ROS 2, where they are there."""
    own = folder / "source/run"
    own.mkdir()
    db3(own / "run.db3")
    counts = {"/joint_states": 10, "/camera": 5, "/camera_info": 1, "/tf_static": 1, "/tf": 10}
    lines = [
        "rosbag2_bagfile_information:", "  version: 5", "  storage_identifier: sqlite3", "  relative_file_paths:",
        "    - run.db3", "  topics_with_message_count:",
    ]  # fmt: skip
    for topic, number in counts.items():
        lines += ["    - topic_metadata:", f"        name: {topic}", f"      message_count: {number}"]
    (own / "metadata.yaml").write_text("\n".join(lines) + "\n")
    return Sample("rosbag2", "rosbag2", folder, {"topics": TOPICS}, recordings=("*.db3",))


def _rosbag1(folder: Path) -> Sample:
    ros1_bag(folder / "source/run.bag")
    camera = TOPICS["cameras"][0] | {"intrinsics": "/camera_info:K"}  # type: ignore[index, operator]
    return Sample("rosbag1", "rosbag1", folder, {"topics": TOPICS | {"cameras": [camera]}}, recordings=("*.bag",))


def _rlds(folder: Path) -> Sample:
    (folder / "source").rmdir()
    rlds(folder / "source")
    info = {"name": "toy", "version": "1.0.0", "splits": [{"name": "train", "shardLengths": ["2", "1"]}]}
    (folder / "source/dataset_info.json").write_text(json.dumps(info))
    return Sample("rlds", "rlds", folder, {"fps": 5, "last_action": "dummy"})


def _robointer(folder: Path) -> Sample:
    (folder / "source").rmdir()
    notes = [frame_notes(frame) for frame in range(FRAMES)]
    dataset(folder / "source", [notes, notes[:20]], ["3072_exterior_image_1_left", "3072_exterior_image_2_left"])
    return Sample("robointer", "robointer", folder)


def _robointer_lmdb(folder: Path) -> Sample:
    """The notes beside the dataset, in the frame LMDB, with the Qsheet, ranges and masks."""
    import lmdb

    _robointer(folder)
    names = ["3072_exterior_image_1_left", "3072_exterior_image_2_left"]
    with lmdb.open(str(folder / "annotations"), map_size=1 << 20) as made, made.begin(write=True) as transaction:
        for name in names:
            transaction.put(name.encode(), pickle.dumps({frame: frame_notes(frame) for frame in range(20)}))
    (folder / "annotations/lock.mdb").unlink()
    (folder / "Qsheet.json").write_text(json.dumps({names[0]: {"Q_annotation.trace": "Secondary"}}))
    (folder / "range.json").write_text(json.dumps({names[0]: [2, 18, 17]}))
    masks = np.zeros((1, FRAMES, 1, 360, 640), bool)
    masks[0, 4:7, 0, 10:20, 30:50] = True
    (folder / "masks").mkdir()
    np.savez_compressed(folder / "masks/a.npz", masks=masks)
    (folder / "masks/VideoID_2_SegmentationNPZ.json").write_text(json.dumps({names[0]: "a.npz"}))
    beside = {"annotations": "annotations", "qsheet": "Qsheet.json", "range_nop": "range.json", "masks": "masks"}
    return Sample("robointer_lmdb", "robointer", folder, {key: f"{{here}}/{name}" for key, name in beside.items()})
