"""Between the rounds and Label Studio: a submission as an opinion, an open task as what is pushed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..codec import carrier, encode
from ..project import ReviewTask, Row, Submission
from ..resolve import resolve
from ..sync.outgoing import MODEL_VERSION, Outgoing, Prediction, ProjectSpec
from .items import Opinion, Purpose, project_for, project_name
from .plan import Push
from .round import Rules


def opinion_of(rules: Rules, task: ReviewTask, submission: Submission) -> Opinion:
    """What a submission says. `task` as it was pushed: its rows are what the submission is compared with.

    Rows that another task decides, and what is left of a series that was not looked at whole, do not occur.
    """
    purpose = _purpose(rules, task)
    resolved = resolve(project_for(rules.project, purpose, blind=rules.quality.blind), task, submission)
    rows: dict[str, list[Row]] = {layer: [] for layer in rules.project.layers}
    for decision in resolved.decisions:
        if decision.counts and decision.owned:
            rows[decision.layer].append(decision.row)
    return Opinion(
        submission.uid,
        submission.annotator,
        submission.submission,
        submission.created_at,
        {layer: tuple(of_layer) for layer, of_layer in rows.items()},
        submission.seconds,
        submission.skipped,
        resolved.findings,
    )


def task_of(rules: Rules, push: Push, first: ReviewTask) -> ReviewTask:
    """The task of an open question, from the task of the first round: what is shown first is what it proposes.

    In the verdict view it is always all that was proposed, since that is what the pictures show. A task that shows nothing
    does not list the proposals in its data either.
    """
    rows: Mapping[str, tuple[Row, ...]] = push.shown[0].rows if push.shown else {}
    data = first.data
    if _judges(rules):
        rows = first.rows
    elif not push.shown:
        data = {name: value for name, value in data.items() if name != "proposed"}
    name = project_name(rules.project.name, push.purpose)
    priority = first.priority if push.purpose == "first" else push.score
    return replace(first, uid=push.uid, project=name, round=push.round, rows=rows, data=data, priority=priority, task_id=None)


def outgoing_of(rules: Rules, push: Push, task: ReviewTask) -> Outgoing:
    """A task of `task_of` (its pictures and texts perhaps drawn anew) with a prediction per opinion."""
    project = project_for(rules.project, push.purpose, blind=rules.quality.blind)
    encoded = encode(project, task)
    if _judges(rules):
        return Outgoing.of(task, encoded)
    predictions = tuple(
        Prediction(encode(project, replace(task, rows=shown.rows)).results, shown.annotator or MODEL_VERSION)
        for shown in push.shown
    )
    return Outgoing(task, predictions, encoded.rows)


def _judges(rules: Rules) -> bool:
    """Whether people say right or wrong of each proposal: nobody's verdict is shown to the next."""
    return any(carrier(rules.project, layer) == "judgement" for layer in rules.project.declared)


def project_spec(rules: Rules, purpose: Purpose, uid: str, title: str, instruction: str = "") -> ProjectSpec:
    """The project of a purpose: correction asks the uncertain first, whatever is measured comes in the order pushed, which
    is random. One person per task; several predictions are shown side by side.
    """
    project = project_for(rules.project, purpose, blind=rules.quality.blind)
    return ProjectSpec(
        uid,
        title,
        instruction,
        order="uncertain" if purpose == "first" and not project.blind else "given",
        blind=project.blind,
        model_version=None if purpose == "adjudication" else MODEL_VERSION,
    )


def _purpose(rules: Rules, task: ReviewTask) -> Purpose:
    suffix = task.project.removeprefix(rules.project.name).removeprefix(".")
    if suffix in ("second", "adjudication", "acceptance"):
        return suffix  # type: ignore[return-value]
    return "first"
