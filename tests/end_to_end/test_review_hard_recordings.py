"""Recordings that are hard to show to people: markup in their texts, a video that breaks off, more clips than one task holds."""

from __future__ import annotations

import json
import shutil
import uuid
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from annotators.frames import frames
from annotators.label_studio.project import ReviewTask
from annotators.label_studio.sync import annotate
from pipelines.review.encode import write_video
from tests.end_to_end.conftest import ROOT, Workplace, place_in
from tests.end_to_end.review_page import ReviewPage
from tests.end_to_end.reviewed_workspace import AGENTVIEW, Expected, Reviewed, project

pytestmark = pytest.mark.timeout(600)

MARKUP = '<img src=x onerror=alert(1)> <script>alert(2)</script> <b>the</b> "cube" & $fps'


@pytest.fixture(scope="module")
def hard(tmp_path_factory: pytest.TempPathFactory, label_studio: Any) -> Reviewed:
    """An episode with markup in its instruction and in a proposal, one of 20 clips, and one whose video breaks off."""
    folder = tmp_path_factory.mktemp("hard")
    lift = Path(shutil.copytree(ROOT / "examples/data/lift", folder / "lift"))
    three_episodes(lift)
    found = place_in(
        folder,
        [{"name": "lift", "reader": "lerobot", "uri": str(lift)}],
        ["robot.clips"],
        name="hard",
        review={"projects": [{**project("robot_language"), "stream": AGENTVIEW}]},
    )
    found.propose()
    reviewed = Reviewed(found, label_studio)
    say_in_a_proposal(found, "lift/episode_000000", MARKUP)
    break_off(found, "lift/episode_000002")
    reviewed.lines.extend(reviewed.push())
    return reviewed


def test_a_video_that_does_not_play_costs_its_own_task_alone(hard: Reviewed) -> None:
    (fault,) = [line for line in hard.lines if "cannot be shown" in line]
    assert fault.startswith("robot-language: lift/episode_000002 cannot be shown: ")
    assert AGENTVIEW in fault
    assert str(hard.place.workspace) not in fault
    shown = {task.trajectory_id for task in hard.tasks_by_uid("robot-language").values()}
    assert shown == {"lift/episode_000000", "lift/episode_000001"}


def test_markup_stays_text(hard: Reviewed, browser: Any) -> None:
    dialogs: list[str] = []
    page = ReviewPage(open_task(hard, browser, "lift/episode_000000", dialogs))
    assert MARKUP in page.title
    assert f"pick: {MARKUP} (" in page.proposed
    task = hard.tasks("robot-language")[page.title]
    page.select(task.rows["primitive_skill"][1]["annotation_id"])
    page.page.get_by_test_id("htx-textbox-content").get_by_text(MARKUP, exact=True).wait_for()
    page.keep("markup")
    assert page.page.locator("img[src='x'], .review-side script, .review-side b").count() == 0
    page.select(task.rows["primitive_skill"][0]["annotation_id"])
    page.mend_text(task.rows["subtask"][0]["text"], f"again {MARKUP}")
    assert page.page.locator("img[src='x'], .review-side script, .review-side b").count() == 0
    page.submit()
    assert dialogs == []
    assert hard.settle("robot-language").findings == ()
    row = task.rows["subtask"][0]
    wanted = {"start": row["start"], "end": row["end"], "text": f"again {MARKUP}"}
    Expected(task, {row["annotation_id"]: wanted}).check(hard.states(task))


def test_an_episode_of_many_clips_comes_in_tasks_that_overlap_and_comes_back_whole(hard: Reviewed) -> None:
    tasks = [t for t in hard.tasks_by_uid("robot-language").values() if t.trajectory_id == "lift/episode_000001"]
    tasks.sort(key=lambda task: task.surface.start)
    proposals = {row["annotation_id"]: row for task in tasks for rows in task.rows.values() for row in rows}
    regions = {(row["start"], row["end"]) for row in proposals.values()}
    assert len(regions) > 12
    assert len(tasks) > 1
    for before, after in pairwise(tasks):
        assert len(before.rows["subtask"]) <= 12
        assert {r["annotation_id"] for r in before.rows["subtask"]} & {r["annotation_id"] for r in after.rows["subtask"]}
    client = hard.label_studio.client
    mended = tasks[0].rows["subtask"][3]
    for task in tasks:
        number = hard.task_number("robot-language", task.uid)
        (prediction,) = client.predictions(task_id=number)
        result = prediction["result"]
        for part in result:
            if part["value"].get("text") == [mended["text"]] and part["id"] == region_of(tasks[0], mended):
                part["value"]["text"] = ["put it back"]
        annotate(client, number, result, uuid.uuid4(), lead_time=4.0)
    assert hard.settle("robot-language").findings == ()
    states = hard.states(tasks[0])
    current = [row for row in states if row["annotation_id"] != mended["annotation_id"]]
    assert sorted(row["annotation_id"] for row in current if row["status"] == "accepted") == sorted(
        name for name in proposals if name != mended["annotation_id"]
    )
    (corrected,) = [row for row in states if row["status"] == "corrected"]
    assert (corrected["supersedes"], corrected["text"]) == (mended["annotation_id"], "put it back")
    assert len(states) == len(proposals)


def region_of(task: ReviewTask, row: Any) -> str:
    """The region that carries a text: that of the skill on the same interval."""
    skill = next(r for r in task.rows["primitive_skill"] if (r["start"], r["end"]) == (row["start"], row["end"]))
    return str(skill["annotation_id"])


def open_task(reviewed: Reviewed, browser: Any, trajectory_id: str, dialogs: list[str]) -> Any:
    """A page with the task of one trajectory, whatever the stream would show next."""
    uid = next(t.uid for t in reviewed.tasks_by_uid("robot-language").values() if t.trajectory_id == trajectory_id)
    page = browser.new_page()
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.goto(f"/projects/{reviewed.number('robot-language')}/data?task={reviewed.task_number('robot-language', uid)}")
    page.get_by_test_id("bottombar-submit-button").wait_for()
    return page


def three_episodes(folder: Path) -> None:
    """The first episode says markup, the second is five times as long, the third is the second as it was."""
    wrist = "observation.images.robot0_eye_in_hand"
    info = json.loads((folder / "meta/info.json").read_text())
    del info["features"][wrist]
    shutil.rmtree(folder / "videos/chunk-000" / wrist)
    info |= {
        "total_episodes": 3,
        "total_frames": 70 + 350 + 70,
        "total_tasks": 2,
        "total_videos": 3,
        "splits": {"train": "0:3"},
    }
    (folder / "meta/info.json").write_text(json.dumps(info))
    (folder / "meta/episodes_stats.jsonl").unlink()
    plain = json.loads((folder / "meta/tasks.jsonl").read_text().splitlines()[0])["task"]
    lines(folder / "meta/tasks.jsonl", [{"task_index": 0, "task": plain}, {"task_index": 1, "task": MARKUP}])
    said = [(0, MARKUP, 70), (1, plain, 350), (2, plain, 70)]
    episodes = [{"episode_index": n, "tasks": [task], "length": length} for n, task, length in said]
    lines(folder / "meta/episodes.jsonl", episodes)
    data, videos = folder / "data/chunk-000", folder / "videos/chunk-000" / AGENTVIEW
    table = pq.read_table(data / "episode_000001.parquet")
    shutil.copy(videos / "episode_000001.mp4", videos / "episode_000002.mp4")
    pictures = list(frames(videos / "episode_000001.mp4", range(70)))
    write_video(videos / "episode_000001.mp4", pictures * 5, 20.0, (320, 240), exact=False)
    for episode, times, task in ((0, 1, 1), (1, 5, 0), (2, 1, 0)):
        rows = pq.read_table(data / "episode_000000.parquet") if episode == 0 else pa.concat_tables([table] * times)
        count = rows.num_rows
        columns = {
            "frame_index": np.arange(count),
            "timestamp": np.arange(count) / 20,
            "episode_index": np.full(count, episode),
            "index": np.arange(count) + (0, 70, 420)[episode],
            "task_index": np.full(count, task),
        }
        for name, values in columns.items():
            at = rows.schema.get_field_index(name)
            rows = rows.set_column(at, rows.schema.field(at), pa.array(values, rows.schema.field(at).type))
        pq.write_table(rows, data / f"episode_{episode:06d}.parquet")


def lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def say_in_a_proposal(place: Workplace, trajectory_id: str, text: str) -> None:
    """Let a proposal say something that no annotator of ours says: the second sentence of an episode."""
    for path in (place.workspace / "propose").glob("*/segments/*.parquet"):
        table = pq.read_table(path)
        rows = table.to_pylist()
        own = [i for i, row in enumerate(rows) if (row["trajectory_id"], row["layer"]) == (trajectory_id, "subtask")]
        if own:
            texts = [row["text"] for row in rows]
            texts[own[1]] = text
            at = table.schema.get_field_index("text")
            pq.write_table(table.set_column(at, table.schema.field(at), pa.array(texts, pa.string())), path)


def break_off(place: Workplace, trajectory_id: str) -> None:
    """Leave half of the video of an episode, after it was ingested."""
    for path in (place.workspace / "ingest/videos").rglob("*.parquet"):
        for row in pq.read_table(path).to_pylist():
            if row["trajectory_id"] == trajectory_id:
                (media,) = [p for p in (place.workspace / "ingest/media").rglob("*") if p.stem == row["sha256"]]
                media.write_bytes(media.read_bytes()[: media.stat().st_size // 2])
