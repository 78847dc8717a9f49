"""Entries folded: which tasks stand in Label Studio, in which version, and what people saved on them.

Kinds of entries, in the order in which a project writes them:

`opened`       `format`, `salt`                                       first of all
`project`      `server`, `project`, `generation`, `uid`, `title`, `config`, `config_sha`, `given_sha`
`config`       `sha`, and `config` where it was us                     the config on the server changed
`project_gone` `generation`                                           deleted, or the server is another one
`offered`      `uid`, `version`, `task`, `regions`                    written before Label Studio is given it
`sending`      `uids`                                                 those whose import is under way; none when all is known
`task`         `uid`, `id`, `version`, `at`                           Label Studio has it
`task_gone`    `uid`, `id`, `why` (deleted, copy)
`saved`        `uid`, `id`, `annotation`, `key`, `annotator`, ...     somebody saved, or saved again
`withdrawn`    `key`                                                  somebody deleted what was saved
`drafts`       `uids`                                                 tasks with a draft, whenever that changed
`pulled`       `watermark`                                            everything up to here has been read

An empty `uid` is a task that somebody added by hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson

from ..project import ReviewTask
from .texts import exact_value, task_from_text


@dataclass(frozen=True, slots=True)
class Identity:
    """Which project of which server. `generation`: 0, and one more each time it had to be made anew.

    `config_sha`, `given_sha`: of the config as the server has it, and as it had it after we set it. `gone`: it is not there
    any more.
    """

    server: str
    project: int
    generation: int
    uid: str
    title: str
    config: str
    config_sha: str
    given_sha: str
    gone: bool = False

    @property
    def by_hand(self) -> bool:
        """Whether somebody edited the config on the server."""
        return self.config_sha != self.given_sha


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a task that Label Studio was given. `at`: ISO 8601 of the server's clock; None = from the beginning."""

    version: str
    at: str | None


@dataclass(frozen=True, slots=True)
class Saved:
    """One state of one annotation, as somebody saved it.

    `key`: the annotation's own UUID. `annotator`, `editor`: pseudonyms of who submitted it and who changed it last.
    `created_at`, `updated_at`: ISO 8601, UTC, of the server's clock. `lead_time`: seconds. `version`: of the task, that
    was on the screen. `text`: the results, as JSON.
    """

    uid: str
    task: int
    annotation: int
    key: str
    generation: int
    annotator: str
    editor: str
    created_at: str
    updated_at: str
    lead_time: float | None
    skipped: bool
    version: str | None
    text: str

    @property
    def results(self) -> tuple[dict[str, Any], ...]:
        """The results as Label Studio exports them."""
        return tuple(orjson.loads(self.text))


@dataclass(slots=True)
class State:
    """What the ledger says. Ids are those of the current generation of the project.

    `ids`: Label Studio's id → uid of every task that stands there. `stood`: uids that ever did. `sending`: uids of
    an import of which it is not known whether it arrived. `versions`: uid → versions that it was given, oldest
    first. `gone`: uids that somebody deleted. `standing`: UUID → the last state of an annotation that is not deleted.
    `keys`: Label Studio's id of a task that stands → the annotations that stand on it. `history`: every state of every annotation, in order. `drafts`: uids of tasks with a draft.
    """

    salt: str = ""
    identity: Identity | None = None
    ids: dict[int, str] = field(default_factory=dict)
    stood: set[str] = field(default_factory=set)
    sending: set[str] = field(default_factory=set)
    versions: dict[str, list[Version]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    standing: dict[str, Saved] = field(default_factory=dict)
    keys: dict[int, set[str]] = field(default_factory=dict)
    history: list[Saved] = field(default_factory=list)
    withdrawn: set[str] = field(default_factory=set)
    drafts: frozenset[str] = frozenset()
    watermark: str | None = None
    offered: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)

    def task(self, uid: str, version: str | None = None) -> ReviewTask:
        """A task as it was pushed; the last version where none is named. Raises KeyError where it was never pushed."""
        return task_from_text(self.offered[uid, version or self.versions[uid][-1].version][0])

    def regions(self, uid: str, version: str | None = None) -> dict[str, tuple[tuple[str, str, int | None], ...]]:
        """Region id → the `(layer, annotation_id, element)` that it carries, of a task as it was pushed."""
        text = self.offered[uid, version or self.versions[uid][-1].version][1]
        return {region: tuple((row[0], row[1], row[2]) for row in rows) for region, rows in exact_value(text).items()}

    @property
    def tasks(self) -> tuple[str, ...]:
        """The uids of all tasks that were ever pushed."""
        return tuple(self.versions)

    def ids_of(self, uid: str) -> list[int]:
        """Ids of a task that stands; two for a moment, when an import arrived twice."""
        return [task for task, name in self.ids.items() if name == uid]

    def current(self) -> dict[tuple[str, str], Saved]:
        """(uid, annotator) → what this person saved last on this task and did not delete."""
        found: dict[tuple[str, str], Saved] = {}
        for saved in sorted(self.standing.values(), key=lambda saved: (saved.updated_at, saved.annotation)):
            if saved.uid:
                found[saved.uid, saved.annotator] = saved
        return found

    def version_seen(self, uid: str, created_at: str, lead_time: float | None) -> str | None:
        """The version of a task that was on the screen when somebody began what was submitted at `created_at`."""
        versions = self.versions.get(uid, [])
        began = datetime.fromisoformat(created_at) - timedelta(seconds=lead_time or 0)
        before = [v.version for v in versions if v.at is None or datetime.fromisoformat(v.at) <= began]
        return before[-1] if before else (versions[0].version if versions else None)

    def add(self, entries: Iterable[dict[str, Any]]) -> State:
        """Itself, after further entries."""
        for entry in entries:
            _FOLDS[entry["kind"]](self, entry)
        return self


def _opened(state: State, entry: dict[str, Any]) -> None:
    state.salt = state.salt or entry["salt"]  # the first counts, should two have begun at once


def _project(state: State, entry: dict[str, Any]) -> None:
    if state.identity is None or state.identity.generation != entry["generation"]:
        state.ids, state.keys, state.stood, state.sending = {}, {}, set(), set()
        state.watermark, state.drafts = None, frozenset()
    state.identity = Identity(**{key: value for key, value in entry.items() if key != "kind"})


def _config(state: State, entry: dict[str, Any]) -> None:
    assert state.identity is not None
    given = {"given_sha": entry["sha"], "config": entry["config"]} if "config" in entry else {}
    state.identity = replace(state.identity, config_sha=entry["sha"], **given)


def _project_gone(state: State, _: dict[str, Any]) -> None:
    assert state.identity is not None
    state.identity = replace(state.identity, gone=True)
    state.ids, state.keys, state.drafts = {}, {}, frozenset()


def _offered(state: State, entry: dict[str, Any]) -> None:
    state.offered[entry["uid"], entry["version"]] = entry["task"], entry["regions"]


def _sending(state: State, entry: dict[str, Any]) -> None:
    state.sending = set(entry["uids"])


def _task(state: State, entry: dict[str, Any]) -> None:
    state.ids[entry["id"]] = uid = entry["uid"]
    if not uid:
        return
    state.gone.discard(uid)
    state.stood.add(uid)
    state.sending.discard(uid)
    versions = state.versions.setdefault(uid, [])
    if not versions or versions[-1].version != entry["version"]:
        versions.append(Version(entry["version"], entry.get("at")))


def _task_gone(state: State, entry: dict[str, Any]) -> None:
    state.ids.pop(entry["id"], None)
    state.keys.pop(entry["id"], None)  # SQLite gives the numbers of the last tasks again
    if entry["uid"] and entry["why"] == "deleted":
        state.gone.add(entry["uid"])


def _saved(state: State, entry: dict[str, Any]) -> None:
    saved = Saved(**{key: value for key, value in entry.items() if key != "kind"})
    if state.standing.get(saved.key) != saved:
        state.history.append(saved)
    state.standing[saved.key] = saved
    state.keys.setdefault(saved.task, set()).add(saved.key)
    state.withdrawn.discard(saved.key)


def _withdrawn(state: State, entry: dict[str, Any]) -> None:
    saved = state.standing.pop(entry["key"], None)
    if saved is not None:
        state.keys.get(saved.task, set()).discard(saved.key)
    state.withdrawn.add(entry["key"])


def _drafts(state: State, entry: dict[str, Any]) -> None:
    state.drafts = frozenset(entry["uids"])


def _pulled(state: State, entry: dict[str, Any]) -> None:
    state.watermark = entry["watermark"]


_FOLDS = {
    "opened": _opened,
    "project": _project,
    "config": _config,
    "project_gone": _project_gone,
    "offered": _offered,
    "sending": _sending,
    "task": _task,
    "task_gone": _task_gone,
    "saved": _saved,
    "withdrawn": _withdrawn,
    "drafts": _drafts,
    "pulled": _pulled,
}
