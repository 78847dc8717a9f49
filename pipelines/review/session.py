"""The review of one recipe: what goes out to people, what comes back, and what it makes of the proposals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from annotators.label_studio.config import instructions, render
from annotators.label_studio.ledger import Ledger, State, submissions
from annotators.label_studio.project import Finding, Project, ReviewTask
from annotators.label_studio.rounds.items import PURPOSES, Item, Opinion, Purpose, project_for, project_name
from annotators.label_studio.rounds.plan import Push, open_tasks
from annotators.label_studio.rounds.progress import ItemProgress, Progress, progress
from annotators.label_studio.rounds.report import Report, report
from annotators.label_studio.rounds.round import Rules
from annotators.label_studio.rounds.settle import settled_rows
from annotators.label_studio.rounds.states import STATES
from annotators.label_studio.rounds.tasks import outgoing_of, project_spec, task_of
from pipelines.errors import ConfigurationError
from pipelines.io.store import Store
from pipelines.publish.records import ACCEPTANCE, FINDINGS
from pipelines.recipe import Recipe, Review, ReviewProject
from pipelines.review.account import MANIFEST, put_figures, put_states
from pipelines.review.encode import MediaFault
from pipelines.review.opinions import opinions_of
from pipelines.review.outcome import Assertion, layer_counts, put_resolved
from pipelines.review.proposed import proposed_lines
from pipelines.review.tasks import Desk, asked_about, spans_of, tasks_of
from pipelines.review.tracks import with_tracks_filled
from pipelines.review.windows import Span
from pipelines.review.workspace import reviewable

if TYPE_CHECKING:
    from annotators.label_studio.client import Client

Watch = Callable[[str], None]
"""Called with what is being done, in words."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done with one project, in sentences."""

    project: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the items of one project stand: state → items, and the round that the furthest is in."""

    project: str
    round: int
    states: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Resolution:
    """What people made of the proposals: layer → accepted, corrected, rejected, added, empty; and what they must settle."""

    counts: Mapping[str, Mapping[str, int]]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class _Kept:
    """A project as the ledgers have it: the tasks of its first round by key, and every opinion."""

    rules: Rules
    firsts: dict[str, ReviewTask]
    opinions: tuple[Opinion, ...]

    @property
    def progress(self) -> Progress:
        """The state of every item."""
        return progress(self.rules, [item_of(task) for task in self.firsts.values()], self.opinions)


@dataclass(frozen=True)
class ReviewSession:
    """A recipe under review. `client` and `media_root` are needed to push and pull alone."""

    recipe: Recipe
    store: Store
    client: Client | None = None
    media_root: Path | None = None
    watch: Watch = field(default=lambda _: None)

    @property
    def review(self) -> Review:
        """What the recipe says. Raises ConfigurationError where it says nothing."""
        if self.recipe.review is None:
            raise ConfigurationError(f"{self.recipe.name} has no `review:`; see examples/quickstart.yaml")
        return self.recipe.review

    @property
    def url(self) -> str:
        """The Label Studio that is used."""
        return "" if self.client is None else self.client.url

    def push(self, names: Sequence[str] | None = None) -> Iterator[Done]:
        """Show people what is open, project by project. Pushing twice adds nothing.

        Raises LabelStudioError, LedgerError; what was done before stays, and the same call goes on.
        """
        for spec in self._specs(names):
            yield self._push(spec)

    def pull(self, names: Sequence[str] | None = None) -> Iterator[Done]:
        """Fetch what people saved. Pulling twice adds nothing. Raises as `push` does."""
        from annotators.label_studio.sync import pull

        for spec in self._specs(names):
            for purpose in PURPOSES:
                ledger = self._ledger(spec, purpose)
                if ledger.state().identity is None:
                    continue
                name = project_name(spec.name, purpose)
                found = pull(self._client, ledger, lambda *_, name=name: self.watch(f"{name}: fetching"))
                said = f"{name}: {found.saved} saved, {found.skipped} of them skipped, {found.withdrawn} deleted"
                drafts = f"{name}: {found.drafts} tasks have a draft that nobody submitted" if found.drafts else ""
                yield Done(name, (said, *filter(None, [drafts]), *(f"{name}: {note}" for note in found.notes)))

    def resolve(self) -> Resolution:
        """Make rows of what people saved, beside the proposals; the next release reads both."""
        counts: dict[str, Counter[str]] = {}
        findings: list[Finding] = []
        rows: list[Mapping[str, Any]] = []
        states: dict[str, dict[str, int]] = {}
        accepted: list[dict[str, Any]] = []
        open_: list[dict[str, Any]] = []
        settled: list[Assertion] = []
        for spec in self.review.projects:
            kept = self._kept(spec)
            found = kept.progress
            if not kept.firsts:
                continue
            own = [row for one in found.items.values() for row in settled_rows(one)]
            rows += own
            settled += [assertion for one in found.items.values() if (assertion := _assertion(spec, kept.firsts, one))]
            layer_counts(own, counts)
            findings += [*found.findings, *(f for opinion in kept.opinions for f in opinion.findings)]
            accepted += _samples(spec, found)
            open_ += [_finding_row(spec, finding) for opinion in kept.opinions for finding in opinion.findings]
            states[spec.name] = {state: found.counts[state] for state in STATES if state in found.counts}
        rows, notes = with_tracks_filled(self.recipe, self.store, rows)
        findings += [Finding("track_not_filled", note, self.recipe.name) for note in notes]
        findings += put_resolved(self.recipe, self.store, rows, settled)
        put_states(self.store, states)
        self.store.put_json(ACCEPTANCE, accepted)
        self.store.put_json(FINDINGS, open_)
        put_figures(self.store, self.reports())
        self.store.put_json(MANIFEST, (self.store.read_json(MANIFEST) or {}) | {"review": states})
        return Resolution({layer: dict(counts[layer]) for layer in sorted(counts)}, tuple(findings))

    def status(self) -> list[Standing]:
        """Where every item stands."""
        found = []
        for spec in self.review.projects:
            known = self._kept(spec).progress
            rounds = max((one.round for one in known.items.values()), default=1)
            found.append(Standing(spec.name, rounds, dict(known.counts.items())))
        return found

    @property
    def addresses(self) -> dict[str, str]:
        """Project → where people work on it: the label stream, where nobody picks tasks."""
        found = {}
        for spec in self.review.projects:
            for purpose in PURPOSES:
                identity = self._ledger(spec, purpose).state().identity
                if identity is not None and not identity.gone:
                    found[identity.title] = f"{identity.server.rstrip('/')}/projects/{identity.project}/data?labeling=1"
        return found

    def reports(self) -> list[Report]:
        """What the review was worth, a report per project that people worked on."""
        kept = [self._kept(spec) for spec in self.review.projects]
        return [report(one.rules, one.progress, one.opinions, cap=self.review.seconds_cap) for one in kept if one.firsts]

    def _push(self, spec: ReviewProject) -> Done:
        kept = self._kept(spec)
        desk = Desk(self.recipe.name, spec, self._media_root)
        made, faults = self._made(desk, kept)
        known = progress(kept.rules, [item_of(task) for task in (kept.firsts | made).values()], kept.opinions)
        asked: dict[Purpose, list[Push]] = {purpose: [] for purpose in PURPOSES}
        for one in open_tasks(kept.rules, known):
            asked[one.purpose].append(one)
        lines = [f"{spec.name}: {fault}" for fault in faults]
        if not made and not kept.firsts:
            return Done(spec.name, (*lines, f"{spec.name}: nothing to show"))
        for purpose in PURPOSES:
            if asked[purpose] or purpose == "first":
                lines += self._send(spec, kept.rules, purpose, asked[purpose], kept.firsts | made)
        lines.append(f"{spec.name}: {len(made)} items with {asked_about(list(made.values()))} proposals")
        return Done(spec.name, tuple(lines))

    def _made(self, desk: Desk, kept: _Kept) -> tuple[dict[str, ReviewTask], list[str]]:
        """The tasks of the first round by key as they are now, and what could not be shown."""
        spans: dict[str, tuple[Span, Span]] = {}
        found: dict[str, ReviewTask] = {}
        faults = []
        for one in reviewable(self.recipe, self.store, desk.project.review_view.domain, desk.project.layers):
            name = one.view.trajectory_id
            self.watch(f"{desk.spec.name}: {name}")
            spans = {key: spans_of(task, one.view.num_steps) for key, task in kept.firsts.items() if task.trajectory_id == name}
            try:
                tasks = tasks_of(desk, one, spans)
            except MediaFault as fault:
                faults.append(f"{name} cannot be shown: {fault}")
                continue
            found |= {key_of(task): task for task in tasks}
        return found, faults

    def _send(
        self, spec: ReviewProject, rules: Rules, purpose: Purpose, asked: Iterable[Push], firsts: Mapping[str, ReviewTask]
    ) -> list[str]:
        from annotators.label_studio.sync import push

        name = project_name(spec.name, purpose)
        project = project_for(rules.project, purpose, blind=rules.quality.blind)
        title = f"{self.recipe.name}: {name}"[:50]
        given = project_spec(rules, purpose, f"{self.recipe.name}/{name}", title, instructions(project))
        folder = str(self._media_root / self.recipe.name / spec.name)
        order = spec.order if purpose == "first" else given.order
        given = replace(given, media=(folder,), order=order)
        outgoing = (outgoing_of(rules, one, _worded(project, one, task_of(rules, one, firsts[one.key]))) for one in asked)
        self.watch(f"{name}: sending")
        done = push(self._client, self._ledger(spec, purpose), given, render(project), outgoing)
        line = f"{name}: {done.added} tasks sent, {done.unchanged} stood there already"
        line += f", {done.replaced} got new proposals" if done.replaced else ""
        left = [f"{name}: {len(done.left)} tasks have other proposals now and keep theirs: somebody worked on them"]
        deleted = [f"{name}: {len(done.deleted)} tasks were deleted by somebody and are not sent again"]
        return [line, *(left if done.left else []), *(deleted if done.deleted else []), *(f"{name}: {n}" for n in done.notes)]

    def _kept(self, spec: ReviewProject) -> _Kept:
        """A project as its ledgers have it."""
        rules = Rules(self.recipe.name, spec.project, spec)
        firsts: dict[str, ReviewTask] = {}
        opinions: list[Opinion] = []
        for purpose in PURPOSES:
            state = self._ledger(spec, purpose).state()
            if purpose == "first":
                firsts = {key_of(task): task for task in map(state.task, state.tasks) if task.round == 1}
            opinions += self._opinions(rules, state)
        return _Kept(rules, firsts, tuple(opinions))

    def _opinions(self, rules: Rules, state: State) -> Iterator[Opinion]:
        """What people said, each compared with what was on the screen."""
        said = {(one.uid, one.annotator): one for one in submissions(state, self.review.seconds_cap)}
        yield from opinions_of(
            rules,
            [
                (state.task(uid, saved.version if (uid, saved.version) in state.offered else None), said[uid, annotator])
                for (uid, annotator), saved in state.current().items()
                if uid in state.versions
            ],
        )

    def _specs(self, names: Sequence[str] | None) -> list[ReviewProject]:
        specs = {spec.name: spec for spec in self.review.projects}
        unknown = sorted(set(names or ()) - specs.keys())
        if unknown:
            raise ConfigurationError(f"no project {unknown[0]!r} in this recipe; it has {', '.join(specs)}")
        return [specs[name] for name in names or specs]

    def _ledger(self, spec: ReviewProject, purpose: Purpose) -> Ledger:
        salt = self.store.read_json(SALT)
        if salt is None:
            salt = new_salt()
            self.store.put_json(SALT, salt)
        return Ledger(self.store, f"review/ledger/{project_name(spec.name, purpose)}", salt)

    @property
    def _client(self) -> Client:
        if self.client is None:
            raise ConfigurationError("no Label Studio is connected")
        return self.client

    @property
    def _media_root(self) -> Path:
        if self.media_root is None:
            raise ConfigurationError("no folder is known that Label Studio serves")
        return self.media_root


def _worded(project: Project, push: Push, task: ReviewTask) -> ReviewTask:
    """A task with the texts of what it is shown with beside its pictures: nothing in a blind project, else each opinion."""
    if project.blind:
        return replace(task, data={**task.data, "proposed": ""})
    if push.purpose in ("first", "second") and push.round == 1:
        return task
    several = len(push.shown) > 1
    said = [
        f"{f'{chr(65 + place)}:{chr(10)}' if several else ''}{proposed_lines(project, shown.rows, ())}"
        for place, shown in enumerate(push.shown)
    ]
    return replace(task, data={**task.data, "proposed": "\n\n".join(said)})


def _samples(spec: ReviewProject, found: Progress) -> list[dict[str, Any]]:
    """What the checkers said of each batch, as publication reads it."""
    if spec.acceptance is None:
        return []
    return [
        {
            "project": spec.name,
            "batch": one.batch,
            "round": one.round,
            "right": one.right.count,
            "checked": one.right.n,
            "bar": spec.acceptance.bar,
        }
        for one in found.batches
    ]


def _finding_row(spec: ReviewProject, finding: Finding) -> dict[str, Any]:
    """A finding as publication reads it; it is open while its task must be done again."""
    item = finding.uid.split("/", 3)[-1]
    return {"project": spec.name, "item": item, "code": finding.code, "message": finding.message, "open": finding.redo}


def _assertion(spec: ReviewProject, firsts: Mapping[str, ReviewTask], one: ItemProgress) -> Assertion | None:
    """What a settled item asserts; a verdict is about single rows and asserts nothing more."""
    if not one.settled or one.authority is None or spec.view == "verdict":
        return None
    task = firsts[one.item.key]
    start, end = task.owned or (task.surface.start, task.surface.end)
    shown = range(start, end) if spec.project.review_view.surface == "timeline" else task.surface.steps
    known = {row["annotation_id"] for rows in task.rows.values() for row in rows}
    layers = tuple(spec.layers)
    return Assertion(task.trajectory_id, layers, task.surface.stream, frozenset(shown), frozenset(known), one.authority)


SALT = "review/salt.json"
"""Of the pseudonyms: one person has one name in all projects of a recipe."""


def new_salt() -> str:
    """A random salt."""
    import secrets

    return secrets.token_hex(16)


def key_of(task: ReviewTask) -> str:
    """What a task is about, in every round: its uid without recipe, project and round."""
    return task.uid.split("/", 3)[3]


def item_of(task: ReviewTask) -> Item:
    """The item of a task of the first round. A batch is what one source gave."""
    return Item.of(task, task.trajectory_id.split("/")[0])
