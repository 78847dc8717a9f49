"""Tasks that overlap: what people said on each becomes one account of the episode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from annotators.annotation import Annotation, Producer, annotation_tables
from annotators.label_studio.codec import encode
from annotators.label_studio.project import Project, ReviewTask, Submission, Surface
from annotators.label_studio.rounds.quality import Quality
from annotators.label_studio.rounds.round import Rules
from pipelines.review.opinions import opinions_of
from pipelines.review.windows import windows

STEPS, CLIP = 80, 10
PROJECT = Project("clips", "robot_language", ("primitive_skill", "subtask"))
RULES = Rules("r", PROJECT, Quality())


def proposed() -> list[dict[str, Any]]:
    said = []
    for start in range(0, STEPS, CLIP):
        said.append(Annotation("primitive_skill", {"label": "transfer"}, start, start + CLIP, stream="cam"))
        said.append(Annotation("subtask", {"text": f"go to {start}"}, start, start + CLIP, stream="cam"))
    rows: list[dict[str, Any]] = annotation_tables("s/e", Producer("signal", "p", "1"), said)["segments"].to_pylist()
    return rows


def tasks() -> list[ReviewTask]:
    found = []
    for window in windows([(start, start + CLIP) for start in range(0, STEPS, CLIP)], STEPS, 4):
        steps = tuple(range(*window.shown))
        rows = {
            layer: tuple(
                row
                for row in proposed()
                if row["layer"] == layer and window.shown[0] <= row["start"] and row["end"] <= window.shown[1]
            )
            for layer in PROJECT.layers
        }
        surface = Surface(steps, steps, window.shown[1], 64, 48, "cam", 10.0, 0.1)
        uid = f"r/clips/1/s/e#{window.owned[0]}-{window.owned[1]}@cam"
        found.append(ReviewTask(uid, "clips", "s/e", surface, rows, {"uid": uid}, owned=window.owned))
    return found


def untouched(task: ReviewTask) -> list[dict[str, Any]]:
    return [dict(result) for result in encode(PROJECT, task).results]


def submitted(task: ReviewTask, results: Sequence[dict[str, Any]], second: int) -> tuple[ReviewTask, Submission]:
    stamp = f"2026-11-22T10:00:{second:02d}Z"
    return task, Submission(task.uid, "a-1", f"s{second}", stamp, 5.0, tuple(results))


def test_the_tasks_overlap() -> None:
    shown = [(task.surface.start, task.surface.end) for task in tasks()]
    assert len(shown) > 2
    assert all(second[0] < first[1] for first, second in pairwise(shown))


def test_untouched_tasks_confirm_every_row_once() -> None:
    found = list(opinions_of(RULES, [submitted(task, untouched(task), i) for i, task in enumerate(tasks())]))
    rows = [row for opinion in found for of_layer in opinion.rows.values() for row in of_layer]
    assert sorted(row["annotation_id"] for row in rows) == sorted(row["annotation_id"] for row in proposed())
    assert {row["status"] for row in rows} == {"accepted"}


def test_a_change_beside_the_task_that_owns_it_counts_where_the_owner_left_it() -> None:
    first, second, *rest = tasks()
    context = next(row for row in second.rows["subtask"] if row["start"] < (second.owned or (0, 0))[0])
    results = untouched(second)
    (text,) = [r for r in results if r["value"].get("text") == [context["text"]]]
    text["value"] = {**text["value"], "text": ["mended from the next task"]}
    said = [submitted(first, untouched(first), 0), submitted(second, results, 1)]
    said += [submitted(task, untouched(task), 2 + i) for i, task in enumerate(rest)]
    rows = [row for one in opinions_of(RULES, said) for of_layer in one.rows.values() for row in of_layer]
    (corrected,) = [row for row in rows if row["status"] == "corrected"]
    assert (corrected["text"], corrected["supersedes"]) == ("mended from the next task", context["annotation_id"])
    assert context["annotation_id"] not in {row["annotation_id"] for row in rows}
    assert len(rows) == len(proposed())


def test_what_cannot_be_joined_is_done_again_there_alone() -> None:
    first, second, *rest = tasks()
    context = next(row for row in second.rows["subtask"] if row["start"] < (second.owned or (0, 0))[0])
    changed = []
    for task, words in ((first, "one thing"), (second, "another")):
        results = untouched(task)
        for result in results:
            if result["value"].get("text") == [context["text"]]:
                result["value"] = {**result["value"], "text": [words]}
        changed.append(results)
    said = [submitted(first, changed[0], 0), submitted(second, changed[1], 1)]
    found = {one.uid: one for one in opinions_of(RULES, said + [submitted(t, untouched(t), 2 + i) for i, t in enumerate(rest)])}
    rows = [row for one in found.values() for of_layer in one.rows.values() for row in of_layer]
    assert "one thing" in {row["text"] for row in rows}, "the owner decides"
    assert "another" not in {row["text"] for row in rows}
    assert [finding.code for finding in found[second.uid].findings] == ["context_ignored"]


def test_a_skip_of_one_part_leaves_the_others() -> None:
    first, *rest = tasks()
    skipped = replace(submitted(first, [], 0)[1], skipped=True, results=())
    found = list(opinions_of(RULES, [(first, skipped), *[submitted(t, untouched(t), 1 + i) for i, t in enumerate(rest)]]))
    assert [one.skipped for one in found if one.uid == first.uid] == [True]
    assert sum(len(rows) for one in found for rows in one.rows.values()) > 0
