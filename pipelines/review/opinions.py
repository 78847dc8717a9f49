"""What people said, as opinions: tasks that overlap are merged back before their rows are shared out again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from annotators.label_studio.decisions import Decision, Resolved
from annotators.label_studio.merge import merge
from annotators.label_studio.project import ReviewTask, Submission
from annotators.label_studio.resolve import resolve
from annotators.label_studio.rounds.items import Opinion, place_of, project_for
from annotators.label_studio.rounds.round import Rules
from annotators.label_studio.rounds.tasks import opinion_of

Said = tuple[ReviewTask, Submission]
"""A task as it was on the screen, and what somebody saved on it."""


def opinions_of(rules: Rules, said: Iterable[Said]) -> Iterator[Opinion]:
    """An opinion per submission. Of an episode that was cut into several tasks, the last submission on each is merged."""
    parts: dict[tuple[str, str, str | None], dict[str, Said]] = defaultdict(dict)
    for task, submission in sorted(said, key=lambda one: one[1].created_at):
        if task.owned is None or submission.skipped:
            yield opinion_of(rules, task, submission)
            continue
        own = parts[task.project, task.trajectory_id, task.surface.stream]
        if task.uid in own:
            yield opinion_of(rules, *own[task.uid])
        own[task.uid] = task, submission
    for own in parts.values():
        yield from _merged(rules, list(own.values()))


def _merged(rules: Rules, said: Sequence[Said]) -> Iterator[Opinion]:
    """The opinions of one episode's tasks, each with its share of what they decide together."""
    resolved = []
    for task, submission in said:
        project = project_for(rules.project, place_of(task.uid).purpose, blind=rules.quality.blind)
        resolved.append(resolve(project, task, submission))
    together = merge(resolved)
    for (task, submission), one in zip(said, resolved, strict=True):
        opinion = opinion_of(rules, task, submission)
        findings = tuple(finding for finding in together.findings if finding.uid == task.uid)
        if together.redo:  # the others keep what is theirs alone
            yield replace(opinion, findings=findings or opinion.findings)
            continue
        rows = {
            layer: tuple(d.row for d in _share(together, one, resolved) if d.layer == layer and d.counts)
            for layer in rules.project.layers
        }
        yield replace(opinion, rows=rows, findings=findings)


def _share(together: Resolved, one: Resolved, resolved: Sequence[Resolved]) -> list[Decision]:
    """The merged decisions that a task brought in; one that was made anew (a series) goes to the first that spoke of it."""
    origin = {id(decision): other.uid for other in resolved for decision in other.decisions}
    spoke = {(d.layer, d.original): other.uid for other in reversed(resolved) for d in other.decisions}
    return [d for d in together.decisions if origin.get(id(d), spoke.get((d.layer, d.original))) == one.uid]
