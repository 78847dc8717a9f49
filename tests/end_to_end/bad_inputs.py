"""Sources in which one thing is bad, and what is to be said of it. `BAD` is what the tests run through.

A function here makes a source in a folder and spoils one thing of it; its decorator says what must come of that.
"""

from __future__ import annotations

import json
import os
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import pyarrow as pa
import pyarrow.parquet as pq

DATA = Path(__file__).resolve().parents[2] / "examples/data"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
CAMERA = "videos/chunk-000/observation.images.agentview"
VIDEO, PARQUET = f"{CAMERA}/episode_000001.mp4", "data/chunk-000/episode_000001.parquet"

Spoil = Callable[[Path], None]


@dataclass(frozen=True)
class Bad:
    """What one spoiled source must give: one reject with this code, place and name, and these good trajectories."""

    spoil: Spoil
    reader: str
    code: str
    place: str
    native_id: str | None
    says: tuple[str, ...]
    good: frozenset[str]


BAD: dict[str, Bad] = {}


def _register(reader: str, start: Spoil, good: set[str]) -> Callable[..., Callable[[Spoil], Spoil]]:
    def becomes(
        code: str, place: str, native_id: str | None, *says: str, kept: set[str] | None = None
    ) -> Callable[[Spoil], Spoil]:
        def register(spoil: Spoil) -> Spoil:
            def make(folder: Path) -> None:
                start(folder)
                spoil(folder)

            BAD[spoil.__name__] = Bad(make, reader, code, place, native_id, says, frozenset(good if kept is None else kept))
            return spoil

        return register

    return becomes


def _copy_lift(folder: Path) -> None:
    shutil.copytree(DATA / "lift", folder, dirs_exist_ok=True)


def _copy_arc(folder: Path) -> None:
    folder.mkdir()
    shutil.copy(DATA / "arc/mirror_straight.json", folder)


def _copy_web(folder: Path) -> None:
    folder.mkdir()
    shutil.copy(DATA / "web/buy_one.zip", folder)


def _record_screens(folder: Path) -> None:
    agentnet_recording(folder / "good")
    agentnet_recording(folder / "bad")


def _nothing(folder: Path) -> None:
    folder.mkdir()


lift = _register("lerobot", _copy_lift, {"episode_000000"})
puzzles = _register("braingridgame", _copy_arc, {"mirror_straight"})
shop = _register("playwright", _copy_web, {"buy_one"})
screens = _register("agentnet", _record_screens, {"good"})


def agentnet_recording(folder: Path) -> None:
    """One click on the screen of which a camera of the example is the video."""
    folder.mkdir(parents=True)
    click = {"id": 0, "action": "click", "start_time": 10.5, "end_time": 10.6, "button": "left", "coordinate": {"x": 5, "y": 6}}
    files: dict[str, list[dict[str, Any]]] = {
        "metadata.json": [{"screen_width": 84, "screen_height": 84, "video_start_timestamp": 10.0, "system": "Linux"}],
        "task_name.json": [{"task_name": "press the button"}],
        "reduced_events_complete.jsonl": [click, click | {"id": 1, "start_time": 11.0, "end_time": 11.1}],
        "reduced_events_vis.jsonl": [{"id": 0, "action": "click"}, {"id": 1, "action": "Press the button"}],
        "events.jsonl": [{"time_stamp": 10.5, "action": "click", "x": 5, "y": 6}],
    }
    for name, lines in files.items():
        (folder / name).write_text("".join(json.dumps(line) + "\n" for line in lines))
    shutil.copy(DATA / f"lift/{CAMERA}/episode_000000.mp4", folder / "screen.mp4")


def puzzle(**changes: Any) -> dict[str, Any]:
    """A history of three edits of a 2 x 2 grid, whose second event has further entries in its context."""
    steps: list[dict[str, Any]] = [
        {"action": "hide overview show editor", "image": [[0, 0], [0, 0]]},
        {"action": "draw", "image": [[1, 0], [0, 0]], **changes},
        {"action": "draw", "image": [[1, 2], [0, 0]]},
    ]
    history = [
        {"id": i, "wait": 100, "message": "", "context": {"imageHandle": "test 0 output", **step}}
        for i, step in enumerate(steps)
    ]
    return {"fileType": "ARC-Interactive, history file, version 0.1.0", "task": "t", "history": history}


def write_puzzle(folder: Path, **changes: Any) -> None:
    """That history as `bad.json`."""
    (folder / "bad.json").write_text(json.dumps(puzzle(**changes)))


def repack(folder: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """`bad.zip`: the good recording with members changed; None leaves a member as it is."""
    with zipfile.ZipFile(folder / "buy_one.zip") as good, zipfile.ZipFile(folder / "bad.zip", "w", zipfile.ZIP_DEFLATED) as bad:
        for name in good.namelist():
            data = good.read(name)
            changed = change(name, data)
            bad.writestr(name, data if changed is None else changed)


def change_rows(folder: Path, change: Callable[[dict[str, list[Any]]], None]) -> None:
    """Change the columns of episode 1; types stay."""
    table = pq.read_table(folder / PARQUET)
    columns = table.to_pydict()
    change(columns)
    pq.write_table(pa.table(columns, schema=table.schema), folder / PARQUET)


def cut(path: Path, share: float) -> None:
    """Keep the first part of a file."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])


# Robot episodes


@lift("video_truncated", PARQUET, "episode_000001", "episode_000001.mp4", "70 frames", "copy it again")
def a_video_cut_at_60_percent(folder: Path) -> None:
    cut(folder / VIDEO, 0.6)


@lift("video_unreadable", PARQUET, "episode_000001", "episode_000001.mp4", "cannot be opened as a video", "copy it again")
def a_video_whose_index_at_the_end_is_cut_off(folder: Path) -> None:
    path = folder / VIDEO
    with av.open(str(path)) as source, av.open(str(folder / "copy.mp4"), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    os.replace(folder / "copy.mp4", path)
    data = path.read_bytes()
    assert data.find(b"moov") > data.find(b"mdat")
    cut(path, 0.6)


@lift("meta_damaged", "meta/episodes.jsonl", "episode_000001", "meta/episodes.jsonl line 2 is not JSON", "mend it")
def half_a_line_in_the_index_of_episodes(folder: Path) -> None:
    path = folder / "meta/episodes.jsonl"
    path.write_bytes(path.read_bytes()[:-20])


@lift(
    "native_id_clash",
    "meta/episodes.jsonl",
    "episode_000001",
    "in lines 2 and 3",
    "keep one",
    kept={"episode_000000", "episode_000001"},
)
def an_episode_that_is_listed_twice(folder: Path) -> None:
    path = folder / "meta/episodes.jsonl"
    path.write_text(path.read_text() + path.read_text().splitlines()[1] + "\n")


@lift("schema_mismatch", PARQUET, "episode_000001", "has no column", "info.json and the file are of two datasets")
def a_parquet_of_another_schema(folder: Path) -> None:
    pq.write_table(pa.table({"name": ["a"], "price": [1.5]}), folder / PARQUET)


@lift("parquet_unreadable", PARQUET, "episode_000001", "is no whole parquet file")
def a_parquet_without_its_footer(folder: Path) -> None:
    cut(folder / PARQUET, 0.6)


@lift("value_not_finite", PARQUET, "episode_000001", "action is nan in row 3, dimension 2", "record it again")
def an_action_that_is_not_a_number(folder: Path) -> None:
    change_rows(folder, lambda columns: columns["action"][3].__setitem__(2, float("nan")))


@lift("value_not_finite", PARQUET, "episode_000001", "action is inf in row 3, dimension 2", "record it again")
def an_action_that_is_infinite(folder: Path) -> None:
    change_rows(folder, lambda columns: columns["action"][3].__setitem__(2, float("inf")))


@lift("timestamp_back", PARQUET, "episode_000001", "goes back from", "in row 9 to", "in row 10")
def a_timestamp_that_goes_back(folder: Path) -> None:
    change_rows(folder, lambda columns: columns["timestamp"].__setitem__(10, 0.0))


@lift("lfs_pointer", PARQUET, "episode_000001", "episode_000001.mp4 is a Git LFS pointer", "git lfs pull")
def a_pointer_instead_of_a_video(folder: Path) -> None:
    (folder / VIDEO).write_bytes(POINTER)


@lift("lfs_pointer", PARQUET, "episode_000001", "episode_000001.parquet is a Git LFS pointer", "git lfs pull")
def a_pointer_instead_of_a_parquet(folder: Path) -> None:
    (folder / PARQUET).write_bytes(POINTER)


@lift("lfs_pointer", "*", None, "meta/info.json is a Git LFS pointer", "git lfs pull", kept=set())
def a_pointer_instead_of_the_index(folder: Path) -> None:
    (folder / "meta/info.json").write_bytes(POINTER)


@lift("no_steps", PARQUET, "episode_000001", "holds no step", "at least one")
def an_episode_without_a_step(folder: Path) -> None:
    pq.write_table(pq.read_table(folder / PARQUET).slice(0, 0), folder / PARQUET)
    path = folder / "meta/episodes.jsonl"
    path.write_text(
        path.read_text().replace(
            '"episode_index": 1, "tasks": ["lift the red cube"], "length": 70', '"episode_index": 1, "length": 0'
        )
    )


@lift("episode_files_missing", PARQUET, "episode_000001", f"{PARQUET} is not there", "take the episode out of the index")
def a_folder_where_a_parquet_is_expected(folder: Path) -> None:
    (folder / PARQUET).unlink()
    (folder / PARQUET).mkdir()


@lift("link_broken", PARQUET, "episode_000001", "is a link that leads to a file that is not there", "copy the file")
def a_video_that_is_a_link_to_nowhere(folder: Path) -> None:
    (folder / VIDEO).unlink()
    (folder / VIDEO).symlink_to("gone.mp4")


@lift("file_empty", PARQUET, "episode_000001", "episode_000001.mp4 has no bytes", "copy it again")
def a_video_without_a_byte(folder: Path) -> None:
    (folder / VIDEO).write_bytes(b"")


# ARC puzzles


@puzzles("json_invalid", "bad.json", "bad", "is no JSON at line", "copy it again")
def half_a_puzzle(folder: Path) -> None:
    write_puzzle(folder)
    cut(folder / "bad.json", 0.6)


@puzzles("lfs_pointer", "bad.json", "bad", "bad.json is a Git LFS pointer", "git lfs pull")
def a_pointer_instead_of_a_puzzle(folder: Path) -> None:
    (folder / "bad.json").write_bytes(POINTER)


@puzzles("grid_colour", "bad.json", "bad", "step 1 (draw): cell [0, 1] is '300'", "from 0 to")
def a_grid_of_colour_300(folder: Path) -> None:
    write_puzzle(folder, image=[[1, 300], [0, 0]])


@puzzles("grid_ragged", "bad.json", "bad", "step 1 (draw): row 1 has 1 cells, row 0 has 2", "of one length")
def a_ragged_grid(folder: Path) -> None:
    write_puzzle(folder, image=[[1, 0], [0]])


@puzzles("value_unfit", "bad.json", "bad", "an integer of 100 bits is outside [-2^63, 2^64)")
def an_integer_of_31_digits_in_an_event(folder: Path) -> None:
    write_puzzle(folder, note=10**30)


@puzzles("json_invalid", "bad.json", "bad", "is no JSON", "number is infinity")
def an_integer_of_10000_digits_in_an_event(folder: Path) -> None:
    text = json.dumps(puzzle(note=0)).replace('"note": 0', f'"note": 1{"0" * 200}{"0" * 9800}')
    (folder / "bad.json").write_text(text)


@puzzles("value_unfit", "bad.json", "bad", "nested deeper than 500")
def an_event_700_levels_deep(folder: Path) -> None:
    (folder / "bad.json").write_text(json.dumps(puzzle(note=0)).replace('"note": 0', '"note": ' + "[" * 700 + "]" * 700))


@puzzles("json_invalid", "bad.json", "bad", "is no JSON at line 1", "depth")
def an_event_100000_levels_deep(folder: Path) -> None:
    (folder / "bad.json").write_text(
        json.dumps(puzzle(note=0)).replace('"note": 0', '"note": ' + "[" * 100_000 + "]" * 100_000)
    )


@puzzles("wait_invalid", "bad.json", "bad", "event 2: `wait` is '-500'", "0 or more")
def a_puzzle_whose_clock_goes_back(folder: Path) -> None:
    content = puzzle()
    content["history"][2]["wait"] = -500
    (folder / "bad.json").write_text(json.dumps(content))


@puzzles("no_steps", "bad.json", "bad", "bad holds no step")
def a_puzzle_without_a_step(folder: Path) -> None:
    (folder / "bad.json").write_text(json.dumps(puzzle() | {"history": []}))


@puzzles("json_invalid", "\\xff\\xfe.json", "\\xff\\xfe", "is no JSON")
def a_bad_file_whose_name_is_not_utf8(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\xfe.json")).write_text("{")


@puzzles("json_invalid", 'a\nb, "c".json', 'a\nb, "c"', "is no JSON")
def a_bad_file_whose_name_has_a_newline_a_comma_and_quotes(folder: Path) -> None:
    (folder / 'a\nb, "c".json').write_text("{")


@puzzles("file_is_folder", "bad.json", "bad", "bad.json is a folder", "rename it")
def a_folder_where_a_puzzle_is_expected(folder: Path) -> None:
    (folder / "bad.json").mkdir()


@puzzles("file_is_folder", "bad.json", "bad", "bad.json is a device or a pipe", "rename it")
def a_pipe_where_a_puzzle_is_expected(folder: Path) -> None:
    os.mkfifo(folder / "bad.json")


@puzzles("link_broken", "bad.json", "bad", "bad.json is a link that leads to a file that is not there", "copy the file")
def a_link_to_nowhere(folder: Path) -> None:
    (folder / "bad.json").symlink_to("gone.json")


@puzzles("link_broken", "bad.json", "bad", "bad.json is a link that leads to itself", "copy the file")
def a_link_to_itself(folder: Path) -> None:
    (folder / "bad.json").symlink_to("bad.json")


@puzzles("link_loop", "below/up", None, "below/up is a link to a folder that it lies in itself", "delete it")
def a_link_to_the_folder_above(folder: Path) -> None:
    (folder / "below").mkdir()
    (folder / "below/up").symlink_to("..")


@puzzles("native_id_clash", "\\xff.json", "\\xff", "has the id", "rename one", kept={"mirror_straight", "\\xff"})
def a_name_that_is_spelled_as_another_is_printed(folder: Path) -> None:
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff.json")).write_text(json.dumps(puzzle()))
    (folder / r"\xff.json").write_text(json.dumps(puzzle()))


def _an_empty_folder(folder: Path) -> None:
    folder.mkdir()


for _reader in ("braingridgame", "lerobot", "playwright", "agentnet"):
    BAD[f"an_empty_folder_for_{_reader}"] = Bad(
        _an_empty_folder, _reader, "source_empty", "*", None, ("holds no file", "check the pattern or the folder"), frozenset()
    )
BAD["a_folder_that_is_not_there"] = Bad(
    lambda folder: None, "braingridgame", "source_missing", "*", None, ("does not exist", "check `uri`"), frozenset()
)

# Screen recordings


@shop("trace_damaged", "bad.zip", "bad", "trace.trace line", "not a whole line of JSON", "record it again")
def half_a_line_in_a_trace(folder: Path) -> None:
    repack(folder, lambda name, data: data[: int(len(data) * 0.6)] if name.endswith("trace.trace") else None)


@shop("zip_damaged", "bad.zip", "bad", "bad.zip is no readable zip file", "copy it again")
def half_a_zip(folder: Path) -> None:
    repack(folder, lambda name, data: None)
    cut(folder / "bad.zip", 0.6)


@shop("zip_bomb", "bad.zip", "bad", "would unpack to", "over 200 times as much")
def a_zip_bomb(folder: Path) -> None:
    with zipfile.ZipFile(folder / "bad.zip", "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("trace.trace", bytes(80 << 20))


@shop("zip_escape", "bad.zip", "bad", "'../../escaped.txt' points outside the archive")
def a_zip_whose_member_leaves_it(folder: Path) -> None:
    repack(folder, lambda name, data: None)
    with zipfile.ZipFile(folder / "bad.zip", "a") as archive:
        archive.writestr("../../escaped.txt", "x")


@shop("lfs_pointer", "bad.zip", "bad", "bad.zip is a Git LFS pointer", "git lfs pull")
def a_pointer_instead_of_a_zip(folder: Path) -> None:
    (folder / "bad.zip").write_bytes(POINTER)


@shop("value_unfit", "bad.zip", "bad", "an integer of 100 bits is outside [-2^63, 2^64)")
def an_integer_of_31_digits_in_a_call(folder: Path) -> None:
    _change_first_click(folder, f'"method":"click","params":{{"delay":{10**30},')


@shop("value_unfit", "bad.zip", "bad", "nested deeper than 500")
def a_call_700_levels_deep(folder: Path) -> None:
    _change_first_click(folder, '"method":"click","params":{"position":' + "[" * 700 + "]" * 700 + ",")


def _change_first_click(folder: Path, params: str) -> None:
    found = '"method":"click","params":{'

    def change(name: str, data: bytes) -> bytes | None:
        if not name.endswith("trace.trace"):
            return None
        assert found.encode() in data
        return data.replace(found.encode(), params.encode(), 1)

    repack(folder, change)


@screens("json_broken", "bad/metadata.json", "bad", "bad/reduced_events_complete.jsonl line 2 is not JSON", "copy it again")
def half_a_line_in_a_log_of_actions(folder: Path) -> None:
    path = folder / "bad/reduced_events_complete.jsonl"
    path.write_bytes(path.read_bytes()[:-20])


@screens("clock_backwards", "bad/metadata.json", "bad", "reduced_events_complete.jsonl line 2 starts at 1.0 s")
def a_log_whose_clock_goes_back(folder: Path) -> None:
    path = folder / "bad/reduced_events_complete.jsonl"
    path.write_text(path.read_text().replace('"start_time": 11.0', '"start_time": 1.0'))


@screens("video_truncated", "bad/metadata.json", "bad", "screen.mp4", "copy it again")
def a_screen_video_cut_at_60_percent(folder: Path) -> None:
    cut(folder / "bad/screen.mp4", 0.6)


@screens("file_missing", "bad", "bad", "bad lacks events.jsonl", "copy the whole recording folder")
def a_recording_that_lacks_a_log(folder: Path) -> None:
    (folder / "bad/events.jsonl").unlink()
