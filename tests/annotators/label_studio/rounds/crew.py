"""Five annotators of planted skill: they answer open tasks as the editor would save them, right or wrong.

A desk takes the tasks to them: `PaperDesk` hands them over, `ServerDesk` pushes them to a real Label Studio, saves through
its API in each person's own name, and pulls.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from annotators.label_studio.client import Client
from annotators.label_studio.codec import encode
from annotators.label_studio.config import render
from annotators.label_studio.ledger import Ledger, submissions
from annotators.label_studio.ledger.submissions import pseudonym
from annotators.label_studio.project import ReviewTask, Row, Submission, Surface
from annotators.label_studio.rounds.agreement import opinions_agree
from annotators.label_studio.rounds.batch import BatchOutcome
from annotators.label_studio.rounds.items import Item, Opinion, Purpose, project_for, task_uid
from annotators.label_studio.rounds.plan import Push, open_tasks
from annotators.label_studio.rounds.progress import ItemProgress, Progress, progress
from annotators.label_studio.rounds.round import Rules
from annotators.label_studio.rounds.sampling import in_random_order
from annotators.label_studio.rounds.tasks import opinion_of, outgoing_of, project_spec, task_of
from annotators.label_studio.sync import Outgoing, Patience, annotate, pull, push
from pipelines.io.store import Store
from schemas.stored_rows import with_ids

from .rows import by_layer, subtask
from .rows import skill as skill_row

SKILLS = {"ann": 0.985, "bob": 0.96, "cat": 0.93, "dan": 0.90, "eve": 0.70}
"""Who gets what share of the items right. Eve is the worst."""
STEPS, FPS, CAP = 100, 10.0, 600.0
WORDS = ("transfer", "pick", "place", "press", "push", "pull", "twist", "pour")
Clips = tuple[tuple[int, int, str], ...]


@dataclass(frozen=True)
class World:
    """The items of a seed: what is true of each, and what a model proposed."""

    seed: int
    size: int
    batch: int

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(f"crew/{i:04d}" for i in range(self.size))

    def dice(self, *about: object) -> random.Random:
        return random.Random(f"{self.seed}/{'/'.join(map(str, about))}")

    def truth(self, key: str) -> Clips:
        dice = self.dice(key, "truth")
        first, second = dice.randint(20, 38), dice.randint(60, 80)
        a, b, c = dice.sample(WORDS, 3)
        return ((0, first, a), (first, second, b), (second, STEPS, c))

    def seen_by(self, key: str, right: bool, *about: object) -> Clips:
        """What somebody says: the truth but for two steps, or a boundary or a word that is wrong."""
        dice, clips = self.dice(key, *about), list(self.truth(key))
        if right:
            shift = [dice.randint(-2, 2) for _ in range(2)]
        elif dice.random() < 0.6:
            shift = [dice.choice([-14, 14]), dice.randint(-2, 2)]
            dice.shuffle(shift)
        else:
            shift = [0, 0]
            longest = max(range(3), key=lambda i: clips[i][1] - clips[i][0])
            words = [w for w in WORDS if w not in {c[2] for c in clips}]
            clips[longest] = (*clips[longest][:2], dice.choice(words))
        bounds = [0, clips[0][1] + shift[0], clips[1][1] + shift[1], STEPS]
        return tuple((bounds[i], bounds[i + 1], clips[i][2]) for i in range(3))

    def rows(
        self, key: str, clips: Clips, ids: Sequence[str | None] = (None,) * 3, **columns: Any
    ) -> dict[str, tuple[Row, ...]]:
        common = {"trajectory_id": key, "level": "span", "producer_type": "model", "producer": "model.clips", "producer_version": "1",
                  "run": "r", "status": "proposed", "quality": "secondary", **columns}  # fmt: skip
        skills = [common | {"layer": "primitive_skill", "annotation_id": i, "start": a, "end": b, "label": word}
                  for i, (a, b, word) in zip(ids, clips, strict=True)]  # fmt: skip
        texts = [
            common | {"layer": "subtask", "annotation_id": None, "start": a, "end": b, "text": f"{word} the thing"}
            for a, b, word in clips
        ]
        return {"primitive_skill": tuple(with_ids("segments", skills)), "subtask": tuple(with_ids("segments", texts))}

    def task(self, rules: Rules, key: str) -> ReviewTask:
        dice = self.dice(key, "model")
        right = dice.random() < 0.6
        surface = Surface(tuple(range(STEPS)), tuple(range(STEPS)), STEPS, 320, 240, "front", FPS, 1 / FPS)
        data = {"media": f"/data/local-files/?d={key}.mp4", "fps": FPS, "title": key, "proposed": "…"}
        uid = task_uid(rules.recipe, rules.project.name, "first", 1, key)
        rows = self.rows(key, self.seen_by(key, right, "model's answer"))
        return ReviewTask(uid, rules.project.name, key, surface, rows, data, priority=dice.random())

    def items(self, rules: Rules) -> dict[str, ReviewTask]:
        return {key: self.task(rules, key) for key in self.keys}

    def batch_of(self, key: str) -> str:
        return f"b{self.keys.index(key) // self.batch:03d}"

    def true_opinion(self, key: str) -> Opinion:
        return Opinion(f"demo/language/1/{key}", "truth", "truth", "", self.rows(key, self.truth(key)))


def answer(
    world: World, rules: Rules, who: str, skill: float, outgoing: Outgoing, purpose: Purpose
) -> tuple[tuple[Mapping[str, Any], ...], float]:
    """What a person saves on a task that shows predictions, and in how many seconds."""
    task = outgoing.task
    dice = world.dice(who, task.uid)
    clips = world.seen_by(task.trajectory_id, dice.random() < skill, who, task.uid)
    shown = sorted(task.rows.get("primitive_skill", ()), key=lambda row: row["start"])
    ids = [f"new{i}" for i in range(3)]
    if len(shown) == 3:  # nobody moves what is near
        ids = [row["annotation_id"] for row in shown]
        near = [b if abs(b - row["end"]) > 4 else row["end"] for (_, b, _), row in zip(clips, shown, strict=True)]
        clips = tuple((a, b, word) for a, b, (_, _, word) in zip((0, *near), near, clips, strict=False))
    said = [skill_row(str(i), a, b, word) for i, (a, b, word) in zip(ids, clips, strict=True)]
    said += [subtask(f"text{i}", a, b, f"{word} the thing") for i, (a, b, word) in enumerate(clips)]
    mended = replace(task, rows=by_layer(said))
    seconds = dice.lognormvariate(3.4, 0.4) * (0.5 if skill < 0.8 else 1.0)
    return encode(replace(project_for(rules.project, purpose), blind=False), mended).results, seconds


class Desk(Protocol):
    """Takes tasks to people and brings back everything that was said so far."""

    def names(self) -> Mapping[str, str]:
        """Person → pseudonym."""

    def ask(self, purpose: Purpose, todo: Sequence[tuple[Outgoing, str]]) -> list[Opinion]:
        """Have each task answered by the person beside it."""


@dataclass
class PaperDesk:
    """No server: answers become submissions at once."""

    world: World
    rules: Rules
    clock: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def names(self) -> Mapping[str, str]:
        return {name: name for name in SKILLS}

    def ask(self, purpose: Purpose, todo: Sequence[tuple[Outgoing, str]]) -> list[Opinion]:
        found = []
        for outgoing, who in todo:
            results, seconds = answer(self.world, self.rules, who, SKILLS[who], outgoing, purpose)
            self.clock += timedelta(seconds=seconds)
            key = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{outgoing.task.uid}/{who}"))
            said = Submission(outgoing.task.uid, who, key, self.clock.isoformat(), min(seconds, CAP), results)
            found.append(opinion_of(self.rules, outgoing.task, said))
        return found


@dataclass
class ServerDesk:
    """A real Label Studio: a project per purpose, a person per token, a ledger per project."""

    world: World
    rules: Rules
    client: Client
    people: Mapping[str, tuple[int, Client]]
    folder: Path
    run: str = field(default_factory=lambda: uuid.uuid4().hex[:8])
    patience: Patience = field(default_factory=lambda: Patience(tries=12, first=0.05, longest=0.5, settle=0.4))
    ledgers: dict[Purpose, Ledger] = field(default_factory=dict)

    def names(self) -> Mapping[str, str]:
        return {name: pseudonym(self.run, user) for name, (user, _) in self.people.items()}

    def ask(self, purpose: Purpose, todo: Sequence[tuple[Outgoing, str]]) -> list[Opinion]:
        ledger = self.ledgers.setdefault(purpose, Ledger(Store(str(self.folder)), f"review/{purpose}", salt=self.run))
        project = project_for(self.rules.project, purpose)
        title = f"crew {purpose} {self.run}"
        spec = project_spec(self.rules, purpose, f"{self.run}/{project.name}", title)
        push(self.client, ledger, spec, render(project), [outgoing for outgoing, _ in todo], patience=self.patience)
        state = ledger.state()
        for outgoing, who in todo:
            results, seconds = answer(self.world, self.rules, who, SKILLS[who], outgoing, purpose)
            (task,) = state.ids_of(outgoing.task.uid)
            key = uuid.uuid5(uuid.NAMESPACE_URL, f"{self.run}/{outgoing.task.uid}/{who}")
            annotate(self.people[who][1], task, results, key, self.patience, lead_time=round(seconds, 1))
        pull(self.client, ledger, patience=self.patience)
        state = ledger.state()
        asked = {outgoing.task.uid for outgoing, _ in todo}
        return [opinion_of(self.rules, state.task(s.uid), s) for s in submissions(state, CAP) if s.uid in asked]


@dataclass
class Run:
    """What came of a whole run."""

    world: World
    rules: Rules
    known: Progress
    opinions: list[Opinion]
    names: Mapping[str, str]

    def right(self, key: str, opinion: Opinion) -> bool:
        extent = self.known.items[key].item.extent
        found = opinions_agree(self.rules.project, self.rules.quality, extent, opinion, self.world.true_opinion(key))
        return all(agreement.agreed for agreement in found)

    def share_right(self, outcome: BatchOutcome) -> float:
        """How much of a batch was right in truth when the sample was drawn."""
        found = [self.right(key, _before_check(self.known.items[key], outcome.round)) for key in outcome.keys]
        return sum(found) / len(found)


def _before_check(one: ItemProgress, round_: int) -> Opinion:
    of_round = [o for o in one.opinions if o.place.round == round_ and o.place.purpose in ("first", "adjudication")]
    return next((o for o in of_round if o.place.purpose == "adjudication"), of_round[0])


def work(world: World, rules: Rules, desk: Desk) -> Run:
    """Ask until nothing is open any more."""
    tasks = world.items(rules)
    items = [Item.of(task, world.batch_of(key)) for key, task in tasks.items()]
    opinions: list[Opinion] = []
    while True:
        known = progress(rules, items, opinions)
        pushes = open_tasks(rules, known)
        if not pushes:
            return Run(world, rules, known, opinions, desk.names())
        for purpose in dict.fromkeys(p.purpose for p in pushes):
            todo = []
            for one in (p for p in pushes if p.purpose == purpose):
                task = task_of(rules, one, tasks[one.key])
                todo.append((outgoing_of(rules, one, task), _asked(world, desk, known.items[one.key], one)))
            opinions += desk.ask(purpose, todo)


def _asked(world: World, desk: Desk, one: ItemProgress, push: Push) -> str:
    """Anybody corrects, somebody else gives the second opinion; of those not involved the best settles and checks."""
    order = in_random_order(SKILLS, push.key, str(push.round), str(world.seed))
    if push.purpose in ("first", "second"):
        return order[push.purpose == "second"]
    involved = {o.annotator for o in one.opinions if o.place.round == push.round}
    names = desk.names()
    return max((name for name in SKILLS if names[name] not in involved), key=lambda name: SKILLS[name])
