"""`arc.noop` against what the source's own editor said, and on constructed steps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from annotators.arc.noop import ANNOTATOR, noops
from annotators.arc.recorded import RecordedStep

A, B = np.array([[1]], np.uint8), np.array([[2]], np.uint8)


def test_it_agrees_with_the_editors_own_word(shared_data: Path, read_source: Callable[..., Any]) -> None:
    folder = shared_data / "arc" / "braingridgame_history" / "3"
    found = read_source("braingridgame", folder)
    checked = 0
    for path in sorted(folder.rglob("*.json")):
        said = {}
        actions = [e["context"] for e in orjson.loads(path.read_bytes())["history"] if "context" in e]
        for number, context in enumerate(actions):
            if "sameImage" in context:
                said[number] = "noop" if context["sameImage"] else "changed"
        (annotation,) = ANNOTATOR.propose(found.view(f"s/{path.stem}"))
        payload = annotation.payload
        assert dict(zip(payload["steps"], payload["outcomes"], strict=True)) == said
        checked += len(said)

    assert checked > 1000


def test_only_edits_with_both_grids_are_judged() -> None:
    panel = (0, None)
    recorded = [
        RecordedStep(0, "show_editor", {}, panel, None, A),
        RecordedStep(1, "draw", {}, panel, A, A),
        RecordedStep(2, "draw", {}, panel, A, B),
        RecordedStep(3, "submit", {}, panel, B, B),
        RecordedStep(4, "crop", {}, panel, B, None),
        RecordedStep(5, "sparkle", {}, panel, B, B),
        RecordedStep(6, "resize", {}, panel, B, np.array([[2, 2]], np.uint8)),
        RecordedStep(7, "start_over", {}, panel, None, A),
        RecordedStep(8, None, {}, panel, A, B),
    ]

    assert noops(recorded) == [(1, "noop"), (2, "changed"), (6, "changed")]


def test_a_trajectory_without_an_edit_has_an_empty_row(read_source: Callable[..., Any], tmp_path: Path) -> None:
    context = {"action": "hide overview show editor", "imageHandle": "test 0 output", "image": [[1]]}
    document = {"history": [{"id": 0, "wait": 0, "message": "", "context": context}]}
    (tmp_path / "a.json").write_bytes(orjson.dumps(document))
    (annotation,) = ANNOTATOR.propose(read_source("braingridgame", tmp_path).view("s/a"))

    assert (annotation.start, annotation.end) == (0, 1)
    assert annotation.payload["steps"] == []
    assert annotation.payload["outcomes"] == []
