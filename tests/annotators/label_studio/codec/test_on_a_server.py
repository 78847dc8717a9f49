"""Random rows through a real Label Studio: pushed as predictions, submitted untouched, exported, resolved.

Once through the API, and once as a person would, in a real browser, where the editor reads and writes every result itself.
"""

from __future__ import annotations

import base64
import io
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from annotators.label_studio.codec import encode
from annotators.label_studio.config import marker_words, render
from annotators.label_studio.project import Project, ReviewTask, Submission, Surface
from annotators.label_studio.resolve import resolve
from schemas.layers import layer

MakeTask = Callable[..., ReviewTask]


def data_of(project: Project, task: ReviewTask, media: str) -> dict[str, Any]:
    """What the config asks for: media, title, proposed texts, candidates, names of markers."""
    data = {**task.data, "title": f"{project.name} <b>title</b>", "proposed": "1. nothing", "uid": task.uid}
    if project.review_view.surface == "timeline":
        return data | {"media": media, "fps": task.surface.fps}
    rows = [row for name in project.layers for row in task.rows[name]]
    candidates = [{"id": c["id"], "title": c["id"], "body": "text"} for row in rows for c in row.get("candidates") or ()]
    data |= {"images": [media] * len(task.surface.steps), "candidates": candidates}
    return data | ({"markers": marker_words(task.surface.steps)} if project.review_view.markers else {})


def submission(task: ReviewTask, annotation: dict[str, Any]) -> Submission:
    """An annotation of the export as a submission."""
    results = tuple(annotation["result"])
    return Submission(task.uid, "p1", f"ls-{annotation['id']}", annotation["created_at"], annotation["lead_time"], results)


def assert_untouched(project: Project, task: ReviewTask, saved: Submission) -> None:
    """Every row that was shown is the original, the six columns apart."""
    resolved = resolve(project, task, saved)
    assert not resolved.findings
    shown = {i for carried in encode(project, task).rows.values() for _, i, _ in carried}
    originals = {row["annotation_id"]: row for rows in task.rows.values() for row in rows if row["annotation_id"] in shown}
    changed = [(d.layer, d.outcome) for d in resolved.decisions if d.outcome not in ("accepted", "empty")]
    assert not changed
    six = {"status", "quality", "annotator", "submission", "seconds", "created_at"}
    confirmed = {d.row["annotation_id"]: d.row for d in resolved.decisions if d.outcome == "accepted"}
    assert confirmed.keys() == originals.keys()
    for annotation_id, row in confirmed.items():
        assert {k: v for k, v in row.items() if k not in six} == {
            k: v for k, v in originals[annotation_id].items() if k not in six
        }
        assert (row["status"], row["quality"], row["annotator"]) == ("accepted", "primary", "p1")


def test_untouched_through_the_api_gives_the_identical_rows(
    review_project: Project, make_task: MakeTask, project: Callable[..., int], label_studio: Any
) -> None:
    if not encode(review_project, make_task(0, review_project)).results:
        pytest.skip("in the verdict view nothing is pushed but pictures")
    tasks = [replace(make_task(seed, review_project), uid=f"{uuid.uuid4().hex}/{seed}") for seed in range(12)]
    made = project(render(review_project))
    pushed = [
        {"data": data_of(review_project, t, "x.png"), "predictions": [{"model_version": "m", "score": 0.5, "result": list(encode(review_project, t).results)}]}
        for t in tasks
    ]  # fmt: skip
    ids = label_studio.client.import_tasks(made, pushed)
    for task_id in ids:
        (prediction,) = label_studio.client.predictions(task_id=task_id)
        label_studio.client.create_annotation(task_id, prediction["result"], lead_time=3.5)
    exported = {found["id"]: found for found in label_studio.client.export(made, ids)}
    for task_id, task in zip(ids, tasks, strict=True):
        (annotation,) = exported[task_id]["annotations"]
        assert_untouched(review_project, task, submission(task, annotation))


def picture(width: int, height: int) -> str:
    """A grey picture as a `data:` address."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), "#888888").save(out, "PNG")
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()


def video(path: Path, task: ReviewTask) -> None:
    """A video of one frame per entry of the surface."""
    surface = task.surface
    with av.open(str(path), "w", options={"movflags": "faststart"}) as file:
        stream = file.add_stream("libx264", rate=int(surface.fps or 10), options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = surface.width // 2 * 2, surface.height // 2 * 2, "yuv420p"
        for i in range(len(surface.steps)):
            frame = np.full((stream.height, stream.width, 3), 40 + 3 * i % 200, np.uint8)
            file.mux(stream.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
        file.mux(stream.encode())


def submitted_in_the_browser(
    project: Project, task: ReviewTask, made: int, label_studio: Any, label_stream: Any
) -> dict[str, Any]:
    """The annotation of a person who opens the task and presses Submit."""
    if project.review_view.surface == "timeline":
        folder = label_studio.media_root / uuid.uuid4().hex
        folder.mkdir()
        video(folder / "clip.mp4", task)
        label_studio.client.add_media_folder(made, str(folder))
        media = f"/data/local-files/?d={folder.name}/clip.mp4"
    else:
        media = picture(task.surface.width, task.surface.height)
    results = list(encode(project, task).results)
    prediction = {"model_version": "m", "score": 0.5, "result": results}
    data = data_of(project, task, media)
    (task_id,) = label_studio.client.import_tasks(made, [{"data": data, "predictions": [prediction]}])
    page = label_stream(made)
    loaded = "n => window.Htx?.annotationStore?.selected?.serializeAnnotation?.()?.length >= n"
    page.wait_for_function(loaded, arg=len(results))
    with page.expect_response(lambda r: r.request.method == "POST" and f"/tasks/{task_id}/annotations" in r.url):
        page.get_by_test_id("bottombar-submit-button").click()
    (exported,) = label_studio.client.export(made, [task_id])
    (annotation,) = exported["annotations"]
    assert len(annotation["result"]) == len(results)
    found: dict[str, Any] = annotation
    return found


@pytest.mark.slow
def test_untouched_in_the_browser_gives_the_identical_rows(
    review_project: Project, make_task: MakeTask, project: Callable[..., int], label_studio: Any, label_stream: Any
) -> None:
    if not encode(review_project, make_task(0, review_project)).results:
        pytest.skip("in the verdict view nothing is pushed but pictures")
    task = replace(make_task(3, review_project), uid=uuid.uuid4().hex)
    annotation = submitted_in_the_browser(review_project, task, project(render(review_project)), label_studio, label_stream)
    assert_untouched(review_project, task, submission(task, annotation))


def test_a_clip_with_words_but_no_skill_is_a_region_without_a_label(
    project: Callable[..., int], store: Callable[..., list[Any]], label_studio: Any, label_stream: Any
) -> None:
    language = Project("language", "robot_language", ("primitive_skill", "subtask"))
    surface = Surface(tuple(range(30)), tuple(range(30)), 30, 640, 480, "cam", 10.0, 0.1)
    skills = store(layer("primitive_skill"), [{"start": 0, "end": 10, "label": "pick"}])
    texts = store(layer("subtask"), [{"start": 0, "end": 10, "text": "take it"}, {"start": 12, "end": 20, "text": "lift it"}])
    rows = {"primitive_skill": tuple(skills), "subtask": tuple(texts)}
    task = ReviewTask(uuid.uuid4().hex, "language", "s/t0", surface, rows, {})
    annotation = submitted_in_the_browser(language, task, project(render(language)), label_studio, label_stream)
    assert_untouched(language, task, submission(task, annotation))
