"""`cairn check`: a sound release has no finding, and each planted fault has its code and its file."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from pipelines.errors import ConfigurationError
from pipelines.release import check
from pipelines.release.check import check_release
from tests.command import cairn

Edit = Callable[[pa.Table], pa.Table]


def findings(root: Path, besides: tuple[str, ...] = ("checksum", "card_info_differs")) -> set[tuple[str, str]]:
    """(file, code) of what is found, without the checksums that every edit breaks, and the counts that a row more breaks."""
    return {(found.file, found.code) for found in check_release(root) if found.code not in besides}


def one(root: Path, folder: str, split: str = "train") -> str:
    """The name of the file of a folder and split."""
    (path,) = (root / folder).glob(f"{split}-*.parquet")
    return path.relative_to(root).as_posix()


def edit(root: Path, folder: str, change: Edit, split: str = "train") -> str:
    """Change the rows of a file as anyone could with pyarrow; return its name."""
    name = one(root, folder, split)
    table = pq.read_table(root / name)
    pq.write_table(change(table), root / name)
    return name


def put(table: pa.Table, column: str, row: int, value: Any) -> pa.Table:
    """The table with one value changed."""
    index = table.schema.get_field_index(column)
    field = table.schema.field(index)
    values = table[column].to_pylist()
    values[row] = value
    return table.set_column(index, field, pa.array(values, field.type))


def with_metadata(key: str, value: Any) -> Edit:
    text = value if isinstance(value, str) else json.dumps(value)
    return lambda table: table.replace_schema_metadata({**table.schema.metadata, key.encode(): text.encode()})


def test_a_sound_release_has_no_finding(quickstart: Path) -> None:
    assert check_release(quickstart / "release") == []


def test_the_command_lists_what_is_wrong_and_exits_1(quickstart: Path, release: Path) -> None:
    sound = cairn("check", quickstart / "release")
    assert (sound.returncode, "no violation" in sound.stdout) == (0, True)
    (release / "note.txt").write_text("x")
    broken = cairn("check", release)
    assert broken.returncode == 1
    assert "file_unlisted" in broken.stdout
    assert "1 violation" in broken.stdout


def test_what_is_no_release_is_a_mistake_of_usage(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere", tmp_path):
        with pytest.raises(ConfigurationError, match="give the folder of a release") as error:
            check_release(path)
        assert error.value.exit_code == 2


def test_a_missing_manifest(release: Path) -> None:
    (release / "MANIFEST.sha256").unlink()
    assert findings(release) == {("MANIFEST.sha256", "manifest_missing")}


@pytest.mark.parametrize("line", [b"no line of ours\n", b"00  short\n", b"\xff\xfe\n", b"0" * 64 + b"\n"])
def test_a_torn_line_of_the_manifest(release: Path, line: bytes) -> None:
    with (release / "MANIFEST.sha256").open("ab") as file:
        file.write(line)
    assert findings(release, ()) == {("MANIFEST.sha256", "manifest_line")}


def test_a_missing_file(release: Path) -> None:
    name = one(release, "scalars/change")
    (release / name).unlink()
    assert (name, "file_missing") in findings(release)


def test_an_extra_file_that_is_not_hidden(release: Path) -> None:
    (release / "notes").mkdir()
    (release / "notes" / "my note.txt").write_text("x")
    (release / ".gitattributes").write_text("x")
    assert findings(release, ()) == {("notes/my note.txt", "file_unlisted")}


def test_an_extra_table(release: Path) -> None:
    (release / "extra").mkdir()
    shutil.copy(release / one(release, "runs"), release / "extra" / "train-00000-of-00001.parquet")
    name = "extra/train-00000-of-00001.parquet"
    assert findings(release, ()) == {(name, "file_unlisted"), (name, "card_file_unread")}


def test_a_changed_byte(release: Path) -> None:
    with (release / "README.md").open("a") as file:
        file.write("\n")
    assert findings(release, ()) == {("README.md", "checksum")}


def change_card(release: Path, change: Callable[[dict[str, Any]], None]) -> None:
    _, header, page = (release / "README.md").read_text().split("---\n", 2)
    content = yaml.safe_load(header)
    change(content)
    (release / "README.md").write_text(f"---\n{yaml.safe_dump(content)}---\n{page}")


def config(content: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(c for c in content["configs"] if c["config_name"] == name)
    return found


def test_a_missing_card(release: Path) -> None:
    (release / "README.md").unlink()
    assert findings(release) == {("README.md", "card_missing"), ("README.md", "file_missing")}


@pytest.mark.parametrize(
    "text",
    [b"no front matter", b"---\nlicense: x\n---\n", b"---\n{a: [\n---\n", b"---\n- a\n---\n", b"\xff\xfe", b"",
     b"---\nconfigs: [{config_name: a, data_files: x.parquet}]\n---\n"],
)  # fmt: skip
def test_a_card_that_lists_no_configs(release: Path, text: bytes) -> None:
    (release / "README.md").write_bytes(text)
    assert findings(release) == {("README.md", "card_unreadable")}


def test_two_configs_of_one_name(release: Path) -> None:
    change_card(release, lambda content: content["configs"].append(config(content, "runs")))
    assert findings(release) == {("README.md", "card_config_twice")}


def test_a_split_of_the_card_without_files(release: Path) -> None:
    more = {"split": "validation", "path": "runs/validation-*.parquet"}
    change_card(release, lambda content: config(content, "runs")["data_files"].append(more))
    assert findings(release) == {("README.md", "card_split_empty")}


def test_a_file_that_no_config_reads(release: Path) -> None:
    change_card(release, lambda content: content["configs"].remove(config(content, "runs")))
    assert findings(release) == {(one(release, "runs"), "card_file_unread")}


@pytest.mark.parametrize("folder", ["runs", "robot_steps", "trajectories", "videos"])
def test_a_file_that_breaks_off(release: Path, folder: str) -> None:
    name = one(release, folder)
    data = (release / name).read_bytes()
    (release / name).write_bytes(data[: len(data) // 2])
    assert (name, "parquet_unreadable") in findings(release)


def test_a_file_that_is_no_parquet(release: Path) -> None:
    name = one(release, "runs")
    (release / name).write_text("trajectory_id,step\n")
    assert findings(release) == {(name, "parquet_unreadable")}


@pytest.mark.parametrize(
    ("folder", "column"),
    [("robot_steps", "state.list.element"), ("trajectories", "native_id"), ("videos", "video.bytes"), ("gui_steps", "screenshot.bytes")],
)  # fmt: skip
def test_a_flipped_byte_in_a_page(release: Path, folder: str, column: str) -> None:
    name = one(release, folder)
    group = pq.read_metadata(release / name).row_group(0)
    leaf = next(group.column(i) for i in range(group.num_columns) if group.column(i).path_in_schema == column)
    data = bytearray((release / name).read_bytes())
    start = leaf.dictionary_page_offset if leaf.has_dictionary_page else leaf.data_page_offset
    data[start + leaf.total_compressed_size - 2] ^= 0x10
    (release / name).write_bytes(data)
    found = check_release(release)
    assert {(name, "parquet_unreadable"), (name, "checksum")} <= {(f.file, f.code) for f in found}


def test_a_file_edited_with_pandas_has_lost_its_stamp(release: Path) -> None:
    name = one(release, "scalars/change")
    pd.read_parquet(release / name).to_parquet(release / name)
    assert findings(release) == {(name, "schema_version")}


@pytest.mark.parametrize(
    "value", [{"table": "runs", "schema_version": 999}, {"table": "runs", "schema_version": 0}, {"table": "runs"}, [], "{", "7"]
)
def test_a_stamp_that_cannot_be_read(release: Path, value: Any) -> None:
    name = edit(release, "runs", with_metadata("cairn", value))
    assert findings(release) == {(name, "schema_version")}


def test_a_table_that_is_not_ours(release: Path) -> None:
    name = edit(release, "runs", with_metadata("cairn", {"table": "walks", "schema_version": 1}))
    assert findings(release) == {(name, "not_ours")}


def test_a_file_without_rows(release: Path) -> None:
    name = edit(release, "runs", lambda table: table.slice(0, 0))
    assert findings(release) == {(name, "file_empty")}


def test_a_row_group_that_viewers_refuse(release: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = one(release, "videos")
    size = pq.read_metadata(release / name).row_group(0).total_byte_size
    monkeypatch.setattr(check, "MAX_ROW_GROUP", size - 1)
    assert (name, "row_group_large") in findings(release)
    monkeypatch.setattr(check, "MAX_ROW_GROUP", size)
    assert (name, "row_group_large") not in findings(release)


@pytest.mark.parametrize(
    ("what", "change"),
    [
        ("column producer (string) is missing", lambda table: table.drop_columns(["producer"])),
        ("column seen is not declared for runs", lambda table: table.append_column("seen", pa.array([1] * len(table)))),
        ("the columns stand in another order", lambda table: table.select(table.column_names[::-1])),
        (
            "column producer is large_string, should be string",
            lambda table: table.set_column(2, "producer", table["producer"].cast(pa.large_string())),
        ),
    ],
)
def test_columns_that_are_not_those_of_the_table(release: Path, what: str, change: Edit) -> None:
    name = edit(release, "runs", change)
    assert (name, "schema_differs") in findings(release)
    assert any(found.message.startswith(what) for found in check_release(release) if found.code == "schema_differs")


def test_a_further_column_of_robot_steps_of_a_type_that_we_cannot_spell(release: Path) -> None:
    name = edit(release, "robot_steps", lambda table: table.append_column("x", pa.array(["a"] * len(table), pa.large_string())))
    assert (name, "schema_differs") in findings(release)


@pytest.mark.parametrize("value", [{}, {"info": {"features": {}}}, {"info": None}, "no JSON", "null"])
def test_features_that_would_load_media_as_dicts(release: Path, value: Any) -> None:
    name = edit(release, "videos", with_metadata("huggingface", value))
    assert findings(release) == {(name, "features_differ")}


def test_no_table_of_trajectories(release: Path) -> None:
    shutil.rmtree(release / "trajectories")
    assert ("trajectories", "table_missing") in findings(release)


def test_rows_in_another_order(release: Path) -> None:
    for folder in ("robot_steps", "segments/motion", "trajectories"):
        name = edit(release, folder, lambda table: table.take(list(range(len(table)))[::-1]))
        assert (name, "rows_unsorted") in findings(release)


def test_files_in_another_order(release: Path) -> None:
    name = one(release, "trajectories")
    table = pq.read_table(release / name)
    later, earlier = (name.replace("0-of-00001", f"{i}-of-00002") for i in (0, 1))
    pq.write_table(table.slice(3), release / later)
    pq.write_table(table.slice(0, 3), release / earlier)
    (release / name).unlink()
    assert (earlier, "rows_unsorted") in findings(release)


def test_a_layer_in_the_folder_of_another(release: Path) -> None:
    source, target = one(release, "regions/target"), one(release, "regions/changed_region")
    shutil.copy(release / source, release / target)
    assert (target, "layer_misplaced") in findings(release)


def test_trajectories_whose_steps_are_gone(release: Path) -> None:
    shutil.rmtree(release / "gui_steps")
    assert ("gui_steps", "steps_missing") in findings(release)


def test_streams_whose_video_is_gone(release: Path) -> None:
    shutil.rmtree(release / "videos")
    assert ("videos", "media_missing") in findings(release)


def test_labels_that_do_not_stand_beside_their_steps(release: Path) -> None:
    edit(release, "robot_labels", lambda table: table.slice(0, len(table) - 1))
    assert findings(release) == {("robot_labels", "labels_uneven")}


def cut_off(table: pa.Table) -> pa.Table:
    media = table["video"].to_pylist()[0]
    return put(table, "video", 0, {"bytes": media["bytes"][: len(media["bytes"]) // 2], "path": media["path"]})


def test_a_torn_video(release: Path) -> None:
    name = edit(release, "videos", cut_off)
    assert findings(release) == {(name, "media_corrupt")}


def test_a_torn_video_whose_sha256_was_mended(release: Path) -> None:

    def torn(table: pa.Table) -> pa.Table:
        table = cut_off(table)
        return put(table, "sha256", 0, hashlib.sha256(table["video"][0]["bytes"].as_py()).hexdigest())

    name = edit(release, "videos", torn)
    assert findings(release) <= {(name, "media_corrupt"), (name, "media_length")}
    assert findings(release)


def test_a_video_of_another_length(release: Path) -> None:
    name = edit(release, "videos", lambda table: put(table, "num_frames", 0, table["num_frames"][0].as_py() + 1))
    assert (name, "media_length") in findings(release)
    assert (name, "video_miscounted") in findings(release)


def test_a_changed_picture(release: Path) -> None:
    def change(table: pa.Table) -> pa.Table:
        row = table["screenshot"].is_valid().to_pylist().index(True)
        media = table["screenshot"].to_pylist()[row]
        return put(table, "screenshot", row, {"bytes": media["bytes"][:-1] + b"x", "path": media["path"]})

    name = edit(release, "gui_steps", change)
    assert findings(release) == {(name, "media_corrupt")}
    name = edit(release, "gui_steps", lambda t: put(t, "screenshot", 0, {"bytes": None, "path": "x.png"}))
    assert findings(release) == {(name, "media_corrupt")}


def without_row(row: int) -> Edit:
    return lambda table: pa.concat_tables([table.slice(0, row), table.slice(row + 1)])


@pytest.mark.parametrize(
    ("folder", "code", "change"),
    [
        ("robot_steps", "step_gap", without_row(3)),
        ("robot_steps", "steps_miscounted", without_row(3)),
        ("robot_steps", "timestamp_back", lambda t: put(t, "timestamp", 5, 0.0)),
        ("robot_steps", "timestamp_not_finite", lambda t: put(t, "timestamp", 5, float("nan"))),
        ("robot_steps", "value_not_finite", lambda t: put(t, "state", 5, [float("inf")] * len(t["state"][5]))),
        ("robot_steps", "frame_missing", lambda t: put(t, "frames", 5, [10_000] * len(t["frames"][5]))),
        ("robot_steps", "word_unknown", lambda t: put(t, "action_kind", 5, "dance")),
        ("robot_steps", "trajectory_missing", lambda t: put(t, "trajectory_id", len(t) - 1, "lift/unknown")),
        ("arc_steps", "grid_malformed", lambda t: put(t, "grid_after", 2, [[1, 2], [3]])),
        ("trajectories", "word_unknown", lambda t: put(t, "agent_type", 0, "dog")),
        ("trajectories", "trajectory_twice", lambda t: pa.concat_tables([t.slice(0, 1), t])),
        ("videos", "video_miscounted", without_row(0)),
        ("segments/motion", "interval_outside", lambda t: put(t, "end", 0, 10_000)),
        ("segments/motion", "interval_overlap", lambda t: put(t, "start", 1, 0)),
        ("segments/motion", "interval_gap", without_row(1)),
        ("segments/motion", "label_unknown", lambda t: put(t, "label", 0, "dancing")),
        ("segments/motion", "word_unknown", lambda t: put(t, "status", 0, "maybe")),
        ("segments/motion", "annotation_twice", lambda t: put(t, "annotation_id", 1, t["annotation_id"][0].as_py())),
        ("segments/motion", "owner_missing", lambda t: put(t, "trajectory_id", 0, "lift/none")),
        ("segments/motion", "layer_undeclared", lambda t: put(t, "layer", 0, "mood")),
        ("segments/motion", "layer_kind", lambda t: put(t, "layer", 0, "target")),
        ("regions/target", "box_outside", lambda t: put(t, "boxes", 0, [[5.0, 5.0, 1.0, 1.0]])),
        ("scalars/change", "series_uneven", lambda t: put(t, "values", 0, [0.0] * 99)),
    ],
)  # fmt: skip
def test_rows_that_break_an_invariant(release: Path, folder: str, code: str, change: Edit) -> None:
    name = edit(release, folder, change)
    assert {file for file, found in findings(release) if found == code} == {name}


def test_an_empty_layer_of_a_row_is_said_and_breaks_nothing(release: Path) -> None:
    name = edit(release, "segments/motion", lambda t: put(t, "layer", 0, None))
    assert (name, "layer_misplaced") in findings(release)


def test_one_broken_file_hides_no_other(release: Path) -> None:
    first = edit(release, "runs", lambda table: table.drop_columns(["producer"]))
    second = edit(release, "segments/motion", lambda t: put(t, "label", 0, "dancing"))
    third = one(release, "scalars/change")
    (release / third).write_bytes(b"x")
    assert {(first, "schema_differs"), (second, "label_unknown"), (third, "parquet_unreadable")} <= findings(release)


def test_findings_are_in_order_of_file(release: Path) -> None:
    edit(release, "segments/motion", lambda t: put(t, "label", 0, "dancing"))
    edit(release, "runs", lambda table: table.drop_columns(["producer"]))
    found = check_release(release)
    assert [f.file for f in found] == sorted(f.file for f in found)
    assert all(f.message for f in found)


def info(content: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = [one for one in content["dataset_info"] if one["config_name"] == name]
    return found  # type: ignore[no-any-return]


def test_a_count_of_the_card_that_is_not_that_of_the_files(release: Path) -> None:
    change_card(release, lambda content: info(content, "motion")["splits"][0].update(num_examples=1))
    assert findings(release, ("checksum",)) == {("README.md", "card_info_differs")}


def test_features_of_the_card_that_are_not_those_of_the_files(release: Path) -> None:
    change_card(release, lambda content: info(content, "runs")["features"].pop())
    assert findings(release) == {(one(release, "runs"), "card_info_features")}


def test_a_config_without_dataset_info(release: Path) -> None:
    change_card(release, lambda content: content["dataset_info"].remove(info(content, "runs")))
    assert findings(release) == {("README.md", "card_info_missing")}


def test_a_torn_dataset_info(release: Path) -> None:
    change_card(release, lambda content: info(content, "runs").pop("splits"))
    assert findings(release) == {("README.md", "card_unreadable")}


def test_a_picture_that_the_card_shows_and_that_is_gone_or_changed(release: Path) -> None:
    (release / "assets/robot.png").unlink()
    assert findings(release) == {("README.md", "card_picture_missing"), ("assets/robot.png", "file_missing")}
    (release / "assets/robot.png").write_bytes(b"x")
    assert findings(release, ()) == {("assets/robot.png", "checksum")}
