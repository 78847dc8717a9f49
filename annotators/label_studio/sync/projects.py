"""The project in Label Studio: found again, made once, kept as it shall be."""

from __future__ import annotations

import hashlib
import time
from functools import partial
from typing import Any

from ..client import Client
from ..errors import LabelStudioError
from ..ledger import Identity, Ledger, State
from .outgoing import ProjectSpec
from .patience import Patience, may_pass, rest


def ensure_project(
    client: Client, ledger: Ledger, state: State, spec: ProjectSpec, config: str, patience: Patience, notes: list[str]
) -> Identity:
    """The project, made where there is none, its settings as they shall be. Sentences about it are added to `notes`.

    A config that somebody edited by hand is left alone.
    """
    found, generation = None, 0
    if state.identity is not None:
        generation = state.identity.generation
        found = None if state.identity.gone else find_known(client, state.identity, patience)
        if found is None:
            if not state.identity.gone:
                note_gone(ledger, state, notes)
            generation += 1
    if found is None:
        found = _find_or_make(client, spec, config, generation, patience)
        ledger.keep(state, [_entry(client, spec, found, generation, config)])
    else:
        _keep_config(client, ledger, state, found, config, patience, notes)
    identity = state.identity
    assert identity is not None
    wanted = {key: value for key, value in spec.settings.items() if found.get(key) != value}
    if wanted:
        patience.repeat(lambda: client.update_project(identity.project, **wanted))
    for folder in spec.media:
        patience.repeat(partial(client.add_media_folder, identity.project, folder))
    return identity


def find_known(client: Client, identity: Identity, patience: Patience) -> dict[str, Any] | None:
    """The project of the ledger as the server has it; None where it is gone, or is another one under the same number."""
    try:
        found = patience.repeat(lambda: client.project(identity.project))
    except LabelStudioError as error:
        if error.status != 404:
            raise
        patience.repeat(client.me)  # that it is Label Studio itself which says so, not something before it
        return None
    marked = marker(identity.uid, identity.generation) in (found.get("description") or "")
    return found if marked or found["title"] == identity.title else None


def note_gone(ledger: Ledger, state: State, notes: list[str]) -> None:
    """Record that the project is not there any more."""
    identity = state.identity
    assert identity is not None
    ledger.keep(state, [{"kind": "project_gone", "generation": identity.generation}])
    notes.append(
        f"the project {identity.title!r} ({identity.project}) is not in Label Studio at {identity.server} any more: what was "
        f"pulled is kept, what was saved since then went with it; `cairn review push` makes the project anew"
    )


def config_sha(config: str) -> str:
    """16 hex digits over a config."""
    return hashlib.sha256(config.encode()).hexdigest()[:16]


def marker(uid: str, generation: int) -> str:
    """What stands in the description and finds the project again."""
    return f"[cairn {uid} {generation}]"


def _find_or_make(client: Client, spec: ProjectSpec, config: str, generation: int, patience: Patience) -> dict[str, Any]:
    """Looks, makes it, and looks again where the answer was lost; of two the older one stays."""
    name = marker(spec.uid, generation)
    description = f"Made by `cairn review push`, which keeps its settings. {name}"
    waits = patience.waits()
    found = _marked(client, name, patience)
    while not found:
        try:
            client.create_project(spec.title, config, description=description, **_creation(spec))
            found = _marked(client, name, patience)
        except LabelStudioError as error:
            pause = next(waits, None)
            if not may_pass(error) or pause is None:
                raise
            rest(error, pause)
            for look in (0.0, *patience.looks()) if error.unknown_outcome else ():
                time.sleep(look)
                if found := _marked(client, name, patience):
                    break
    for extra in _marked(client, name, patience)[1:]:
        if not extra.get("task_number"):
            patience.repeat(partial(_delete_project, client, int(extra["id"])))
    return patience.repeat(partial(client.project, int(found[0]["id"])))


def _delete_project(client: Client, project: int) -> None:
    try:
        client.delete_project(project)
    except LabelStudioError as error:
        if error.status != 404:
            raise


def _creation(spec: ProjectSpec) -> dict[str, Any]:
    names = {"expert_instruction": "instruction", "show_collab_predictions": "show_predictions"}
    return {names.get(key, key): value for key, value in spec.settings.items() if key != "show_instruction"}


def _marked(client: Client, name: str, patience: Patience) -> list[dict[str, Any]]:
    """Projects with a marker in their description, oldest first."""
    projects = patience.repeat(client.projects)
    return sorted((p for p in projects if name in (p.get("description") or "")), key=lambda project: int(project["id"]))


def _entry(client: Client, spec: ProjectSpec, found: dict[str, Any], generation: int, config: str) -> dict[str, Any]:
    return {
        "kind": "project",
        "server": client.url,
        "project": int(found["id"]),
        "generation": generation,
        "uid": spec.uid,
        "title": spec.title,
        "config": config,
        "config_sha": config_sha(found["label_config"]),
        "given_sha": config_sha(found["label_config"]),
    }


def _keep_config(
    client: Client, ledger: Ledger, state: State, found: dict[str, Any], config: str, patience: Patience, notes: list[str]
) -> None:
    """Give the project our new config, unless somebody edited the old one."""
    note_config(ledger, state, found, notes)
    identity = state.identity
    assert identity is not None
    if identity.by_hand or config == identity.config:
        return
    patience.repeat(lambda: client.update_project(identity.project, label_config=config))
    sha = config_sha(patience.repeat(lambda: client.project(identity.project))["label_config"])
    ledger.keep(state, [{"kind": "config", "sha": sha, "config": config}])


def note_config(ledger: Ledger, state: State, found: dict[str, Any], notes: list[str]) -> None:
    """Record and say where the config on the server is not the one that we gave it."""
    identity = state.identity
    assert identity is not None
    sha = config_sha(found["label_config"])
    if sha != identity.config_sha:
        ledger.keep(state, [{"kind": "config", "sha": sha}])
    assert state.identity is not None
    if state.identity.by_hand:
        notes.append(
            f"the labeling config of project {identity.title!r} ({identity.project}) was edited by hand: it stays as it is, and "
            f"what its words and controls still say is read; put the old config back, or begin a new round"
        )
