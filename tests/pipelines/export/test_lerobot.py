"""LeRobot export: packets and numbers as they were, there and back, and what the format cannot hold said.

`tests/pipelines/export/open_with_lerobot.py` opens an export with lerobot itself, where an interpreter that has it is named by
CAIRN_LEROBOT_PYTHON; without one a strict check of the layout stands in for it.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.errors import ConfigurationError, DataError
from pipelines.export import Wishes, export
from pipelines.formats.lerobot.features import Info, native_columns
from pipelines.formats.lerobot.fields import FieldMap
from pipelines.formats.lerobot.language import EVENTS_TYPE, PERSISTENT_TYPE
from tests.command import cairn
from tests.pipelines.export.layout import check_layout
from tests.pipelines.made_release import released

ROOT = Path(__file__).resolve().parents[3]
LIFT = ROOT / "examples/data/lift"
AGENTVIEW, WRIST = "observation.images.agentview", "observation.images.robot0_eye_in_hand"
OPEN = Path(__file__).with_name("open_with_lerobot.py")
QUIET = Wishes(picture_statistics=False)

Read = Callable[..., Any]


def natives(folder: Path, fields: FieldMap | None = None) -> dict[str, str]:
    info = Info.model_validate_json((folder / "meta/info.json").read_text())
    return native_columns(info, fields or FieldMap())


def there(
    read_source: Read, source: Path, folder: Path, form: str, wishes: Wishes = QUIET, **options: Any
) -> tuple[Any, Path, Any]:
    """What a source gives, its export, and the report."""
    found = read_source("lerobot", source, **options)
    report = export(released(found, folder / "release", natives(source)), form, folder / form, wishes)
    return found, folder / form, report


def packets(source: Any) -> list[tuple[bytes, float, bool]]:
    """Payload, time from the first frame, and key flag of each packet of a video."""
    with av.open(source, "r") as container:
        track = container.streams.video[0]
        found = [(bytes(p), p.pts, p.is_keyframe) for p in container.demux(track) if p.size]
        first = min(pts for _, pts, _ in found)
        return [(data, float((pts - first) * track.time_base), key) for data, pts, key in found]


def headers(found: Any) -> list[dict[str, Any]]:
    return [found.rows(key, "trajectories")[0] for key in sorted(found.trajectories)]


def opened_by_lerobot(*folders: Path) -> None:
    python = os.environ.get("CAIRN_LEROBOT_PYTHON")
    if python is not None:
        environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(
            [python, str(OPEN), *map(str, folders)], capture_output=True, text=True, env=environment, check=False
        )
        assert done.returncode == 0, done.stderr


# The real dataset


@pytest.fixture(scope="module")
def g1(shared_data: Path) -> Path:
    return shared_data / "robot/g1_v21"


def test_packets_of_a_real_dataset_are_the_sources_own_in_payload_and_time(g1, read_source, tmp_path):
    before, folder, report = there(read_source, g1, tmp_path, "lerobot-v3.0")
    assert (report.trajectories, report.steps, report.videos_copied, report.videos_reencoded) == (3, 1228, 3, [])
    check_layout(folder)
    opened_by_lerobot(folder)
    (video,) = folder.glob("videos/*/*/*.mp4")
    joined = packets(str(video))
    position = 0
    for entry, episode in zip(
        pq.read_table(next(folder.glob("meta/episodes/*/*.parquet"))).to_pylist(), (1, 7, 52), strict=True
    ):
        source = packets(str(g1 / f"videos/chunk-000/observation.images.cam_high/episode_{episode:06d}.mp4"))
        mine = joined[position : position + len(source)]
        assert [data for data, _, _ in mine] == [data for data, _, _ in source]
        start = entry["videos/observation.images.cam_high/from_timestamp"]
        assert [time - start for _, time, _ in mine] == pytest.approx([time for _, time, _ in source], abs=1e-9)
        assert [key for _, _, key in mine] == [key for _, _, key in source]
        position += len(source)
    assert position == len(joined)

    after = read_source("lerobot", folder)
    assert not after.rejects
    for old, new in zip(sorted(before.trajectories), sorted(after.trajectories), strict=True):
        assert (
            before.trajectories[old]["robot_steps"]
            .drop_columns("trajectory_id")
            .equals(after.trajectories[new]["robot_steps"].drop_columns("trajectory_id"))
        )
        rows = [found.rows(key, "videos")[0] for found, key in ((before, old), (after, new))]
        assert packets(io.BytesIO(before.media.read(rows[0]["video"]))) == packets(
            io.BytesIO(after.media.read(rows[1]["video"]))
        )
        assert rows[0]["frame_timestamps"] == pytest.approx(rows[1]["frame_timestamps"], abs=1e-9)


# The example, there and back

LOST_ON_PURPOSE = {"trajectory_id", "native_id", "source_uri", "input_sha256", "extras", "streams"}


@pytest.mark.parametrize("form", ["lerobot-v3.0", "lerobot-v2.1"])
def test_there_and_back_loses_nothing_that_the_format_holds(read_source, tmp_path, form):
    before, folder, report = there(read_source, LIFT, tmp_path, form, Wishes(), preset="panda_lift")
    check_layout(folder)
    if form == "lerobot-v3.0":
        opened_by_lerobot(folder)
    assert (report.left_out, report.not_held, report.videos_copied) == ([], {}, 4)
    after = read_source("lerobot", folder)
    assert not after.rejects
    for old, new in zip(headers(before), headers(after), strict=True):
        assert {k: v for k, v in old.items() if k not in LOST_ON_PURPOSE} == {
            k: v for k, v in new.items() if k not in LOST_ON_PURPOSE
        }
        assert json.loads(new["extras"])["before_export"] == json.loads(old["extras"])
        kept = ("name", "kind", "codec", "width", "height", "num_frames", "start_time")
        assert [[s[k] for k in kept] for s in old["streams"]] == [[s[k] for k in kept] for s in new["streams"]]
        assert before.trajectories[old["trajectory_id"]]["robot_steps"].equals(
            after.trajectories[new["trajectory_id"]]["robot_steps"]
        )
        for one, other in zip(
            before.rows(old["trajectory_id"], "videos"), after.rows(new["trajectory_id"], "videos"), strict=True
        ):
            assert packets(io.BytesIO(before.media.read(one["video"]))) == packets(io.BytesIO(after.media.read(other["video"])))
    assert "license: mit" not in (folder / "README.md").read_text()  # the source was declared cc0-1.0, and nothing is invented
    assert "license: cc0-1.0" in (folder / "README.md").read_text()


def test_exporting_twice_gives_the_same_bytes(read_source, tmp_path):
    _, first, _ = there(read_source, LIFT, tmp_path / "a", "lerobot-v3.0")
    _, second, _ = there(read_source, LIFT, tmp_path / "b", "lerobot-v3.0")
    names = sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(second) for path in second.rglob("*") if path.is_file())
    assert all((first / name).read_bytes() == (second / name).read_bytes() for name in names)


def test_statistics_are_those_of_the_numbers(read_source, tmp_path):
    _, folder, _ = there(read_source, LIFT, tmp_path, "lerobot-v3.0", Wishes())
    data = np.asarray(pq.read_table(next(folder.glob("data/*/*.parquet")))["action"].to_pylist())
    stats = json.loads((folder / "meta/stats.json").read_text())
    for name, value in (
        ("min", data.min(0)),
        ("max", data.max(0)),
        ("mean", data.mean(0)),
        ("std", data.std(0)),
        ("count", [140]),
    ):
        assert stats["action"][name] == pytest.approx(value, abs=1e-6)
    for name, share in (("q01", 0.01), ("q10", 0.1), ("q50", 0.5), ("q90", 0.9), ("q99", 0.99)):
        assert stats["action"][name] == pytest.approx(np.quantile(data, share, axis=0), abs=1e-12)
    with av.open(str(next((folder / f"videos/{AGENTVIEW}").rglob("*.mp4")))) as container:
        mean = np.mean([frame.to_ndarray(format="rgb24").mean((0, 1)) / 255 for frame in container.decode(video=0)], axis=0)
    assert np.ravel(stats[AGENTVIEW]["mean"]) == pytest.approx(mean, abs=0.02)
    assert np.shape(stats[AGENTVIEW]["std"]) == (3, 1, 1)


def test_values_that_are_no_numbers_stand_outside_the_statistics_and_are_said(read_source, tmp_path):
    found = read_source("lerobot", LIFT)
    for key in found.trajectories:
        cube = [[float("nan"), 1.0, float("inf") if i == 3 else float(i)] for i in range(70)]
        with_steps(found, lambda table: set_column(table, "observation.cube_pos", cube), key)  # noqa: B023 - used at once
        seen = [[float("nan") if i == 5 else 0.5] * 3 for i in range(70)]
        with_steps(found, lambda table: set_column(table, "observation.eef_pos", seen), key)  # noqa: B023 - used at once
    folder, report = made(found, tmp_path)
    stats = json.loads((folder / "meta/stats.json").read_text())
    assert "observation.cube_pos" not in stats
    assert report.not_held["statistics of observation.cube_pos"] == (1, "a dimension of it has no finite number")
    assert report.not_held["values of observation.eef_pos in its statistics"][0] == 2 * 3
    assert [stats["observation.eef_pos"][name] for name in ("mean", "std", "count")] == [[0.5] * 3, [0.0] * 3, [140]]
    again = read_source("lerobot", folder)
    assert again.rejects == []
    after = again.trajectories["s/episode_000000"]["robot_steps"]["observation.cube_pos"].to_pylist()
    assert (after[3][1:], after[4][1:]) == ([1.0, float("inf")], [1.0, 4.0])


def test_small_files_roll_over_and_hold_the_same(read_source, tmp_path):
    from pipelines.export.lerobot.write import LeRobotExport
    from pipelines.export.released import Released

    found = read_source("lerobot", LIFT)
    release = released(found, tmp_path / "release", natives(LIFT))
    folder = tmp_path / "out"
    folder.mkdir()
    LeRobotExport("v3.0", chunks_size=1, data_bytes=1, video_bytes=1).write(Released(release), QUIET, folder)
    check_layout(folder)
    assert sorted(p.parent.name for p in folder.glob("data/*/*.parquet")) == ["chunk-000", "chunk-001"]
    assert len(list(folder.glob("videos/*/*/*.mp4"))) == 4
    after = read_source("lerobot", folder)
    for key in found.trajectories:
        assert after.trajectories[key]["robot_steps"].equals(found.trajectories[key]["robot_steps"])


# What does not fit


def with_steps(found: Any, change: Callable[[pa.Table], pa.Table], key: str = "s/episode_000000") -> None:
    found.trajectories[key]["robot_steps"] = change(found.trajectories[key]["robot_steps"])


def set_column(table: pa.Table, name: str, values: list[Any]) -> pa.Table:
    place = table.column_names.index(name)
    return table.set_column(place, table.schema.field(name), pa.array(values, table.schema.field(name).type))


def made(found: Any, folder: Path, form: str = "lerobot-v3.0", wishes: Wishes = QUIET) -> tuple[Path, Any]:
    report = export(released(found, folder / "release", natives(LIFT)), form, folder / "out", wishes)
    return folder / "out", report


def test_a_step_without_a_frame_leaves_its_episode_out_and_says_so(read_source, tmp_path):
    found = read_source("lerobot", LIFT)
    frames = [[i, i] if i < 68 else [None, i] for i in range(70)]
    with_steps(found, lambda table: set_column(table, "frames", frames))
    _, report = made(found, tmp_path)
    ((trajectory, code, why),) = report.left_out
    assert (trajectory, code, report.trajectories) == ("s/episode_000000", "frame_missing", 1)
    assert "observation.images.agentview has no frame for 2 of 70 steps (the first is 68)" in why


def test_a_doubled_frame_encodes_that_clip_alone_again_at_even_times(read_source, tmp_path):
    found = read_source("lerobot", LIFT)
    frames = [[max(0, i - 1), i] for i in range(70)]
    with_steps(found, lambda table: set_column(table, "frames", frames))
    folder, report = made(found, tmp_path)
    ((trajectory, stream, why),) = report.videos_reencoded
    assert (trajectory, stream, report.videos_copied) == ("s/episode_000000", AGENTVIEW, 3)
    assert "69 of 70 frames are not at step / 20 s" in why
    check_layout(folder)
    with av.open(str(min((folder / f"videos/{AGENTVIEW}").rglob("*.mp4")))) as container:
        pictures = [(float(frame.time), frame.to_ndarray(format="gray")) for frame in container.decode(video=0)]
    original = LIFT / f"videos/chunk-000/{AGENTVIEW}/episode_000000.mp4"
    with av.open(str(original)) as container:
        source = [frame.to_ndarray(format="gray").astype(float) for frame in container.decode(video=0)]
    assert [time for time, _ in pictures] == pytest.approx(np.arange(70) / 20)
    for step in (0, 1, 2, 40, 69):
        assert np.abs(pictures[step][1] - source[max(0, step - 1)]).mean() < 1.5


def test_uneven_times_are_kept_beside_lerobots_even_ones(read_source, tmp_path):
    found = read_source("lerobot", LIFT)
    times = [i / 20 + (0.004 if i % 7 == 3 else 0) for i in range(70)]
    for key in found.trajectories:
        with_steps(found, lambda table: set_column(table, "timestamp", times), key)
    folder, report = made(found, tmp_path)
    assert (report.trajectories, report.videos_copied) == (2, 4)
    after = read_source("lerobot", folder)
    assert after.trajectories["s/episode_000001"]["robot_steps"]["timestamp"].to_pylist() == times
    check_layout(folder)


def test_a_last_step_that_only_observes_and_columns_with_nulls_are_reported(read_source, tmp_path):
    found = read_source("lerobot", LIFT)
    action = found.trajectories["s/episode_000000"]["robot_steps"]["action"].to_pylist()
    for key in found.trajectories:
        with_steps(found, lambda table: set_column(table, "action", [*action[:-1], None]), key)
        with_steps(found, lambda table: set_column(table, "observation.cube_pos", [None, *[[0.0, 1.0, 2.0]] * 69]), key)
    folder, report = made(found, tmp_path)
    assert (report.steps, report.not_held["last observing steps"][0]) == (138, 2)
    assert report.not_held["robot_steps.observation.cube_pos"] == (136, "null in 2 of 138 steps; LeRobot has no null")
    said = json.loads((folder / "cairn_export.json").read_text())
    assert said["not_held"]["robot_steps.observation.cube_pos"]["count"] == 136
    assert "observation.cube_pos" in (folder / "README.md").read_text()
    check_layout(folder)


def test_calibration_and_moving_cameras_come_back(read_source, tmp_path):
    found = read_source("lerobot", LIFT)
    numbers = {"intrinsics": [289.70562748, 289.70562748, 160.0, 120.0], "extrinsics": np.arange(16.0).tolist()}
    poses = [[None, (np.eye(4) * i).ravel().tolist()] for i in range(70)]
    for key in found.trajectories:
        header = found.trajectories[key]["trajectories"]
        streams = header["streams"].to_pylist()
        streams[0][0] |= numbers
        found.trajectories[key]["trajectories"] = set_column(header, "streams", streams)
        with_steps(found, lambda table: set_column(table, "camera_poses", poses), key)
    folder, _ = made(found, tmp_path)
    assert (
        json.loads((folder / "meta/info.json").read_text())["features"][AGENTVIEW]["info"]["intrinsics"]
        == numbers["intrinsics"]
    )
    after = read_source("lerobot", folder)
    stream = headers(after)[0]["streams"][0]
    assert {key: stream[key] for key in numbers} == numbers
    assert after.trajectories["s/episode_000000"]["robot_steps"]["camera_poses"].to_pylist() == poses


def test_two_kinds_of_robot_are_refused_by_name(read_source, tmp_path):
    found = read_source("lerobot", LIFT)
    header = found.trajectories["s/episode_000001"]["trajectories"]
    found.trajectories["s/episode_000001"]["trajectories"] = set_column(header, "embodiment", ["UR5"])
    with pytest.raises(ConfigurationError, match=r"2 kinds: s/episode_000000 .*Panda.*UR5.*--source NAME"):
        made(found, tmp_path)
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_taken_an_unknown_format_and_what_is_no_release(read_source, tmp_path):
    found = read_source("lerobot", LIFT)
    release = released(found, tmp_path / "release", natives(LIFT))
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/file").write_text("mine")
    with pytest.raises(ConfigurationError, match="is not empty"):
        export(release, "lerobot-v3.0", tmp_path / "taken")
    with pytest.raises(ConfigurationError, match="no format 'lerobot-v9'"):
        export(release, "lerobot-v9", tmp_path / "x")
    with pytest.raises(DataError, match="is no release"):
        export(LIFT, "lerobot-v3.0", tmp_path / "x")
    with pytest.raises(ConfigurationError, match="sources of robots: s"):
        export(release, "lerobot-v3.0", tmp_path / "x", Wishes(source="nobody"))
    assert (tmp_path / "taken/file").read_text() == "mine"


# Language


def test_subtasks_become_language_and_come_back_and_proposals_stay_out(read_source, tmp_path):
    from tests.pipelines.sources.test_lerobot_v30 import PLAN, SAID, spoken

    source = spoken(tmp_path / "set")
    found = read_source("lerobot", source)
    segments = found.trajectories["s/episode_000000"]["segments"]
    proposed = set_column(set_column(segments.slice(1), "status", ["proposed"]), "annotation_id", ["another"])
    found.trajectories["s/episode_000000"]["segments"] = pa.concat_tables([segments.slice(0, 1), proposed])
    release = released(found, tmp_path / "release", natives(source))
    report = export(release, "lerobot-v3.0", tmp_path / "out", QUIET)
    assert report.not_held["proposals of subtask"][0] == 1
    table = pq.read_table(next((tmp_path / "out").glob("data/*/*.parquet")))
    assert pa.schema([("p", PERSISTENT_TYPE), ("e", EVENTS_TYPE)]).types == [
        table.schema.field(name).type for name in ("language_persistent", "language_events")
    ]
    check_layout(tmp_path / "out")
    after = read_source("lerobot", tmp_path / "out")
    assert [(r["start"], r["end"], r["text"]) for r in after.rows("s/episode_000000", "segments")] == [(0, 9, "reach the cup")]
    assert json.loads(headers(after)[0]["extras"])["language_persistent"][-1] == PLAN
    events = after.trajectories["s/episode_000000"]["robot_steps"]["language_events"].to_pylist()
    assert json.loads(events[4]) == [SAID]
    taken = export(release, "lerobot-v3.0", tmp_path / "all", Wishes(proposals=True, picture_statistics=False))
    assert "proposals of subtask" not in taken.not_held
    again = read_source("lerobot", tmp_path / "all")
    assert [r["text"] for r in again.rows("s/episode_000000", "segments")] == ["reach the cup", "push it"]
    opened_by_lerobot(tmp_path / "out", tmp_path / "all")


def test_the_command_says_what_it_did(read_source, tmp_path):
    from typer.testing import CliRunner

    from tools.cli import app

    found = read_source("lerobot", LIFT)
    release = released(found, tmp_path / "release", natives(LIFT))
    done = CliRunner().invoke(
        app, ["export", str(release), "--format", "lerobot-v2.1", "--to", str(tmp_path / "out"), "--no-picture-statistics"]
    )
    assert done.exit_code == 0, done.output
    assert "2 trajectories, 140 steps, 4 videos copied packet by packet" in done.output
    shutil.rmtree(release / "trajectories")
    done = CliRunner().invoke(app, ["export", str(release), "--format", "lerobot-v2.1", "--to", str(tmp_path / "other")])
    assert done.exit_code == 1


@pytest.mark.parametrize("form", ["lerobot-v2.1", "lerobot-v3.0", "robointer-v2.1"])
def test_a_release_that_also_holds_other_domains_and_rows_about_tasks(quickstart: Path, tmp_path: Path, form: str) -> None:
    done = cairn("export", quickstart / "release", "--format", form, "--to", tmp_path / "out", "--no-picture-statistics")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 trajectories, 140 steps" in done.stdout
    assert "trajectories of other domains: 13" in done.stdout
