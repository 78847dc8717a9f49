"""Pushing to and pulling from a real Label Studio while everything fails: nothing is lost, nothing is doubled."""

from __future__ import annotations

import errno
import multiprocessing
import os
import random
import shutil
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from annotators.label_studio.client import Client
from annotators.label_studio.errors import LabelStudioError
from annotators.label_studio.ledger import Ledger, LedgerError, submissions
from annotators.label_studio.sync import ProjectSpec, annotate, pull, push
from pipelines.io.store import Store
from tests.annotators.label_studio.faulty_proxy import faulty_proxy
from tests.annotators.label_studio.small_project import (
    CONFIG,
    QUICK,
    assert_each_once,
    many,
    new_ledger,
    new_project,
    results,
    standing,
)

TIMEOUT, STALL = 1.5, 2.2
"""Seconds that the client waits, and by which the proxy comes late."""


@pytest.mark.timeout(900)
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_lost_or_doubled_behind_a_bad_network(label_studio: Any, tmp_path: Path, seed: int) -> None:
    _through_a_bad_network(label_studio, tmp_path, seed, tasks=200, batch=20, annotated=40)


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("seed", range(100, 120))
def test_nothing_is_lost_or_doubled_behind_a_bad_network_at_length(label_studio: Any, tmp_path: Path, seed: int) -> None:
    _through_a_bad_network(label_studio, tmp_path, seed, tasks=2000, batch=50, annotated=100)


def _through_a_bad_network(label_studio: Any, folder: Path, seed: int, tasks: int, batch: int, annotated: int) -> None:
    spec, ledger = new_project(), new_ledger(folder)
    wanted = many(spec.uid, tasks)
    direct = label_studio.client
    with faulty_proxy(label_studio.url, STALL, seed) as proxy:
        behind = Client(proxy.url, label_studio.running.token, timeout=TIMEOUT, read_again=0)
        project = _until_done(lambda: push(behind, ledger, spec, CONFIG, wanted, patience=QUICK, batch=batch)).project
        keys = [uuid.uuid5(uuid.NAMESPACE_OID, f"{spec.uid}/{i}") for i in range(annotated)]
        ids = {uid: task for task, uid in ledger.state().ids.items()}
        for i, key in enumerate(keys):
            task = ids[wanted[i].task.uid]
            _until_done(
                lambda task=task, i=i, key=key: annotate(behind, task, results(i, "wrong"), key, QUICK, lead_time=float(i))
            )
        _until_done(lambda: pull(behind, ledger, patience=QUICK))
        copies = sum(len(found) - 1 for found in direct.find_all_tasks(project, [one.task.uid for one in wanted]).values())
        proxy.drain()
        late = pull(direct, ledger)
    print(f"seed {seed}: {dict(sorted(proxy.done.items()))}; copies before the last look: {copies}; {late.notes}")

    assert_each_once(direct, project, wanted)
    state = ledger.state()
    assert set(state.standing) == {str(key) for key in keys}
    assert [s.results[0]["value"] for s in submissions(state, 600)] == [{"choices": ["wrong"]}] * annotated
    assert len(state.history) == annotated
    assert [state.task(one.task.uid) for one in wanted] == [one.task for one in wanted]
    entries = len(list(ledger.entries()))
    again = push(direct, ledger, spec, CONFIG, wanted)
    assert (again.added, again.replaced) == (0, 0)
    assert pull(direct, ledger).saved == 0
    assert len(list(ledger.entries())) == entries
    assert any(fault.endswith("other") and not fault.startswith("nothing") for fault in proxy.done)


def _until_done(step: Any) -> Any:
    """Run a command again after it failed, as a person does."""
    for _ in range(30):
        try:
            return step()
        except LabelStudioError as error:
            if "Label Studio" not in str(error):
                raise
    raise AssertionError("it failed 30 times")


def test_an_import_that_lands_after_it_was_sent_again_is_removed(label_studio: Any, tmp_path: Path) -> None:
    spec, ledger, direct = new_project(), new_ledger(tmp_path), label_studio.client
    wanted = many(spec.uid, 30)
    held = iter(["late"])
    with faulty_proxy(label_studio.url, 4.0, script=lambda _, path: next(held, "") if "/import" in path else "") as proxy:
        behind = Client(proxy.url, label_studio.running.token, timeout=1.0, read_again=0)
        report = push(behind, ledger, spec, CONFIG, wanted, patience=QUICK)
        assert report.unknown == 1
        proxy.drain()
    found = direct.find_all_tasks(report.project, [one.task.uid for one in wanted])
    assert {len(ids) for ids in found.values()} == {2}  # it did land

    on_the_copy, on_both = wanted[3].task.uid, wanted[4].task.uid
    known = set(ledger.state().ids)
    (copy,) = set(found[on_the_copy]) - known
    annotate(direct, copy, results(3, "wrong"), uuid.uuid4())
    for task in found[on_both]:
        annotate(direct, task, results(4, "wrong"), uuid.uuid4())
    pulled = pull(direct, ledger)

    left = direct.find_all_tasks(report.project, [one.task.uid for one in wanted])
    assert left.pop(on_the_copy) == [copy]
    assert left.pop(on_both) == found[on_both]
    assert {len(ids) for ids in left.values()} == {1}
    state = ledger.state()
    assert sorted(saved.uid for saved in state.history) == [on_the_copy, on_both, on_both]
    assert [s.uid for s in submissions(state, 600)] == [on_the_copy, on_both]
    assert any("29 tasks had arrived twice" in note for note in pulled.notes)
    assert any("people worked on each" in note for note in pulled.notes)
    assert push(direct, ledger, spec, CONFIG, wanted).added == 0


@pytest.fixture
def own_server(label_studio_template: Path, tmp_path: Path) -> Iterator[Any]:
    """A server that a test may kill."""
    from tests.label_studio_fixtures import start
    from tools.label_studio_server import Home, down

    home = Home(tmp_path / "home")
    shutil.copytree(label_studio_template, home.folder)
    running = start(home)
    yield home, running
    down(home)


@pytest.mark.timeout(600)
def test_a_server_that_is_killed_in_the_middle_of_an_import(own_server: Any, tmp_path: Path) -> None:
    from tools.label_studio_server import up

    home, running = own_server
    port = int(running.url.rsplit(":", 1)[1])
    spec, ledger = new_project(), new_ledger(tmp_path / "ledger")
    client = Client(running.url, running.token, timeout=20, read_again=0)
    dice = random.Random(7)
    in_the_middle = 0
    for attempt in range(1, 3):
        killers: list[threading.Timer] = []

        def kill_soon(
            done: int, killers: list[threading.Timer] = killers, begin: int = 400 * attempt, pid: int = running.pid
        ) -> None:
            if done == begin:
                killers.append(threading.Timer(dice.uniform(0.0, 0.4), _kill_tree, [pid]))
                killers[0].start()

        with pytest.raises(LabelStudioError, match="cairn review up"):
            push(client, ledger, spec, CONFIG, many(spec.uid, 1500), watch=kill_soon, patience=QUICK, batch=100)
        killers[0].join()
        in_the_middle += bool(ledger.state().sending)
        running = up(home, port, follow_parent=True)
    wanted = many(spec.uid, 1000)
    push(client, ledger, spec, CONFIG, wanted, patience=QUICK)
    assert in_the_middle >= 1

    (project,) = [found["id"] for found in client.projects() if spec.uid in found["title"]]
    found = standing(client, project)
    assert set(found) >= {one.task.uid for one in wanted}
    assert_each_once(client, project, [one for one in many(spec.uid, 1500) if one.task.uid in found])
    assert set(ledger.state().ids.values()) == set(found)


def _kill_tree(pid: int) -> None:
    process = psutil.Process(pid)
    for member in [*process.children(recursive=True), process]:
        member.kill()


def _push_and_pull(url: str, token: str, run: str, folder: Path, number: int) -> None:
    client, ledger = Client(url, token), new_ledger(folder)
    spec = ProjectSpec(uid=run, title=f"small {run}")
    push(client, ledger, spec, CONFIG, many(run, number), patience=QUICK, batch=25)
    pull(client, ledger, patience=QUICK)


@pytest.mark.timeout(600)
def test_a_client_that_is_killed_anywhere(label_studio: Any, tmp_path: Path) -> None:
    spec, ledger, client = new_project(), new_ledger(tmp_path), label_studio.client
    dice = random.Random(11)
    in_the_middle = 0
    for attempt in range(1, 11):
        arguments = (label_studio.url, label_studio.running.token, spec.uid, tmp_path, 60 * attempt)
        process = multiprocessing.get_context("fork").Process(target=_push_and_pull, args=arguments)
        files = _ledger_files(tmp_path) + dice.randint(1, 4)
        process.start()
        while process.is_alive() and _ledger_files(tmp_path) < files:
            process.join(0.005)
        process.kill()
        process.join()
        ids = sorted(ledger.state().ids)
        in_the_middle += bool(ledger.state().sending) or 0 < len(ids) < 60 * attempt
        if ids:
            annotate(
                client, ids[attempt % len(ids)], results(0, "wrong"), uuid.uuid5(uuid.NAMESPACE_OID, f"{spec.uid}{attempt}")
            )
    assert in_the_middle >= 2
    wanted = many(spec.uid, 600)
    report = push(client, ledger, spec, CONFIG, wanted, patience=QUICK)
    pull(client, ledger, patience=QUICK)

    assert_each_once(client, report.project, wanted)
    state = ledger.state()
    on_server = {str(a["unique_id"]) for task in client.export(report.project, sorted(state.ids)) for a in task["annotations"]}
    assert set(state.standing) == on_server
    assert len(on_server) >= 3
    assert [state.task(one.task.uid) for one in wanted] == [one.task for one in wanted]
    assert sum(spec.uid in found["title"] for found in client.projects()) == 1


def _ledger_files(folder: Path) -> int:
    """How far a push has come."""
    return sum(1 for _ in folder.rglob("*.jsonl"))


class FullDisk(Store):
    """A store on which there is no room for some of the files, at random."""

    dice = random.Random(3)

    def put_bytes(self, path: str, data: bytes) -> None:
        if self.dice.random() < 0.4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        super().put_bytes(path, data)


def test_a_disk_that_is_full(label_studio: Any, tmp_path: Path) -> None:
    spec, client = new_project(), label_studio.client
    ledger = Ledger(FullDisk(str(tmp_path)), "review/small")
    wanted = many(spec.uid, 200)
    sentences: list[str] = []
    for _ in range(200):
        try:
            report = push(client, ledger, spec, CONFIG, wanted, patience=QUICK, batch=40)
            ids = sorted(ledger.state().ids)
            for i in range(5):
                annotate(client, ids[i], results(i, "wrong"), uuid.uuid5(uuid.NAMESPACE_OID, f"{spec.uid}{i}"))
            pull(client, ledger, patience=QUICK)
            break
        except LedgerError as error:
            sentences.append(str(error))
    assert sentences
    assert all("No space left on device" in sentence and "run the same again" in sentence for sentence in sentences)
    assert_each_once(client, report.project, wanted)
    state = new_ledger(tmp_path).state()
    assert len(state.standing) == len(state.history) == 5
    assert sum(spec.uid in found["title"] for found in client.projects()) == 1
    assert [state.task(one.task.uid) for one in wanted] == [one.task for one in wanted]
