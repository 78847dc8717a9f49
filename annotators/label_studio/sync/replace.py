"""Other proposals for a task that nobody has touched, in place.

A prediction that is deleted while somebody has the task open makes Label Studio refuse what this person then submits.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ..client import Client
from ..errors import LabelStudioError
from .outgoing import Rendered
from .patience import Patience, may_pass, rest
from .standing import Standing


def replace_proposals(client: Client, project: int, stands: Standing, task: Rendered, patience: Patience) -> str:
    """Let a task have these predictions and this data; when, by the server's clock. May be broken off and done again.

    The data come last: as long as they name the old version, the next push does all of it again.
    """
    there = patience.repeat(lambda: client.predictions(task_id=stands.id))
    at: list[str] = []
    for wanted in task.predictions:
        same = [p for p in there if p["model_version"] == wanted["model_version"]]
        if same:
            at.append(patience.repeat(partial(client.update_prediction, project, int(same[0]["id"]), wanted)))
            there = [p for p in there if p is not same[0]]
        else:
            at.append(_add(client, project, stands.id, wanted, patience))
    for extra in there:
        patience.repeat(partial(_delete, client, int(extra["id"])))
    at.append(patience.repeat(lambda: client.update_task(stands.id, task.data)))
    return max(at)


def _add(client: Client, project: int, task: int, wanted: dict[str, Any], patience: Patience) -> str:
    """Add one prediction, after a lost answer only when a look does not find it."""
    waits = patience.waits()
    while True:
        try:
            client.import_predictions(project, [{"task": task, **wanted}])
        except LabelStudioError as error:
            pause = next(waits, None)
            if not may_pass(error) or pause is None:
                raise
            rest(error, pause)
        found = [
            p
            for p in patience.repeat(lambda: client.predictions(task_id=task))
            if p["model_version"] == wanted["model_version"]
        ]
        if found:
            return str(found[0]["updated_at"])


def _delete(client: Client, prediction: int) -> None:
    try:
        client.delete_prediction(prediction)
    except LabelStudioError as error:
        if error.status != 404:
            raise
