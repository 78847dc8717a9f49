"""A small project to push: one choice about one text, in as many tasks as a test wants."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from annotators.label_studio.client import Client
from annotators.label_studio.ledger import Ledger
from annotators.label_studio.project import ReviewTask, Surface
from annotators.label_studio.sync import Outgoing, Patience, Prediction, ProjectSpec
from pipelines.io.store import Store

CONFIG = """<View>
  <Text name="media" value="$text"/>
  <Choices name="verdict" toName="media" choice="single-radio"><Choice value="right"/><Choice value="wrong"/></Choices>
</View>"""

QUICK = Patience(tries=12, first=0.05, longest=0.5, settle=0.4)


def results(number: int, word: str = "right") -> tuple[dict[str, Any], ...]:
    """What the editor saves for a choice."""
    return ({"id": f"r{number}", "from_name": "verdict", "to_name": "media", "type": "choices", "value": {"choices": [word]}},)


def outgoing(run: str, number: int, word: str = "right", predicted: bool = True, priority: float | None = None) -> Outgoing:
    """One task, with a row as tables give it."""
    row = {
        "annotation_id": f"r{number}",
        "start": number,
        "confidence": 0.30000001192092896,  # a float32
        "created_at": datetime(2026, 11, 22, 13, 45, 0, 123456, UTC),
        "choice": word,
    }
    task = ReviewTask(
        uid=f"{run}/small/1/s/{number}",
        project="small",
        trajectory_id=f"s/{number}",
        surface=Surface((0, 3), (0, 6), 9, 640, 480, "front", 10.0, 0.1),
        rows={"step_verdict": (row,)},
        data={"text": f"text {number}", "title": f"task {number}"},
        priority=(number % 100) / 100 if priority is None else priority,
        owned=(0, 5),
    )
    predictions = (Prediction(results(number, word)),) if predicted else ()
    return Outgoing(task, predictions, {f"r{number}": (("step_verdict", f"r{number}", None),)})


def many(run: str, number: int, word: str = "right", **more: Any) -> list[Outgoing]:
    return [outgoing(run, i, word, **more) for i in range(number)]


def new_project(**more: Any) -> ProjectSpec:
    """A project that no other test has."""
    run = uuid.uuid4().hex[:12]
    return ProjectSpec(uid=run, title=f"small {run}", **more)


def new_ledger(folder: Path) -> Ledger:
    return Ledger(Store(str(folder)), "review/small")


def standing(client: Client, project: int) -> dict[str, list[int]]:
    """uid → ids of all tasks of a project that carry one, by the server's own list."""
    found: dict[str, list[int]] = {}
    after = 0
    while page := client.tasks_after(project, after):
        for task in page:
            found.setdefault(str(task["data"].get("uid")), []).append(int(task["id"]))
        after = int(page[-1]["id"])
    return found


def assert_each_once(client: Client, project: int, wanted: Iterable[Outgoing]) -> None:
    """Every task stands once and has its prediction once."""
    found = standing(client, project)
    uids = [one.task.uid for one in wanted]
    assert sorted(found) == sorted(uids)
    assert {uid: ids for uid, ids in found.items() if len(ids) != 1} == {}
    predicted = Counter(prediction["task"] for prediction in client.predictions(project_id=project))
    assert set(predicted.values()) == {1}
    assert len(predicted) == len(uids)
