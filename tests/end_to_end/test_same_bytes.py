"""The same inputs give the same release: run twice, killed and run again, on every runner."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from .conftest import Workplace, many_shards_in, tree

MULTI = ("--", "--direct_running_mode=multi_processing", "--direct_num_workers=2")
MODES = {"in_memory": (), "multi_processing": MULTI}
LATE = 10
"""Outcomes by which a kill may come late: the parts of a small release are written faster than processes are looked for."""


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workplace, dict[str, str], int]:
    """A finished run in memory: the workplace, its release as file → sha256, and the number of outcomes."""
    workplace = many_shards_in(tmp_path_factory.mktemp("reference"))
    workplace.run()
    assert sum(1 for _ in workplace.workspace.glob("outcomes/ingest/*.json")) >= 20
    return workplace, tree(workplace.release), workplace.outcomes()


def test_a_second_run_builds_nothing(reference: tuple[Workplace, dict[str, str], int]) -> None:
    workplace, release, _ = reference
    workplace.run()
    before = {p: p.stat().st_mtime_ns for p in workplace.workspace.rglob("*.parquet")}
    said = workplace.run()
    assert tree(workplace.release) == release
    assert {p: p.stat().st_mtime_ns for p in workplace.workspace.rglob("*.parquet")} == before
    for job in ("ingest", "propose"):
        row = next(line for line in said.splitlines() if line.startswith(f"│ {job}"))
        assert row.split("│")[3].strip() == "0", row


def test_killed_five_times_on_the_way(reference: tuple[Workplace, dict[str, str], int]) -> None:
    """One workspace, killed at five counts that grow, the parent alone and the group in turn; then it completes."""
    workplace, release, total = reference
    _empty(workplace)
    counts = sorted(random.Random().sample(range(1, total - LATE), 5))
    for n, count in enumerate(counts):
        if workplace.outcomes() < count:  # a kill may come a few outcomes late
            reached = _killed(workplace, count, ("parent", "group")[n % 2], ())
            assert reached < total, f"killed only after the last shard ({reached} of {total}), counts {counts}"
    workplace.run()
    assert tree(workplace.release) == release, f"another release after kills at counts {counts}"
    assert workplace.litter() == []


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("whom", ["parent", "group"])
def test_killed_at_five_counts_and_run_again(reference: tuple[Workplace, dict[str, str], int], mode: str, whom: str) -> None:
    workplace, release, total = reference
    counts = random.Random().sample(range(1, total - LATE), 5)
    for count in counts:
        _empty(workplace)
        reached = _killed(workplace, count, whom, MODES[mode])
        assert reached < total, f"killed only after the last shard ({reached} of {total}), counts {counts}"
        workplace.run(*MODES[mode])
        assert tree(workplace.release) == release, f"another release after a kill at {reached} outcomes, counts {counts}"
        assert workplace.litter() == []


@pytest.mark.slow
def test_the_portable_runner_writes_the_same_bytes(reference: tuple[Workplace, dict[str, str], int]) -> None:
    workplace, release, _ = reference
    _empty(workplace)
    with _portable_services() as (jobs, pool):
        workplace.run("--", "--runner=PortableRunner", f"--job_endpoint=localhost:{jobs}", "--environment_type=EXTERNAL",
                      f"--environment_config=localhost:{pool}")  # fmt: skip
    assert tree(workplace.release) == release


@pytest.mark.slow  # the run after a killed worker, below, shows the same in `make test`
def test_multi_processing_writes_the_same_bytes(reference: tuple[Workplace, dict[str, str], int]) -> None:
    workplace, release, _ = reference
    _empty(workplace)
    workplace.run(*MULTI)
    assert tree(workplace.release) == release


def test_a_killed_worker_ends_in_a_sentence_and_a_second_run_completes(
    reference: tuple[Workplace, dict[str, str], int],
) -> None:
    workplace, release, _ = reference
    _empty(workplace)
    process = subprocess.Popen(workplace.command("run", *MULTI), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    while not (workers := _descendants(process.pid, "sdk_worker_main")) or not workplace.outcomes():
        assert process.poll() is None
        time.sleep(0.01)
    workers[0].kill()
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 1, said
    assert "a worker process died" in said
    assert "run the same command again" in said.replace("\n", " ")
    workplace.run(*MULTI)
    assert tree(workplace.release) == release


def test_a_second_run_is_refused_while_one_is_going_on(many_shards: Workplace) -> None:
    process = subprocess.Popen(many_shards.command("run"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not many_shards.outcomes():
        assert process.poll() is None
        time.sleep(0.01)
    second = many_shards.cairn("run")
    assert second.returncode == 2
    assert f"in use by process {process.pid}" in second.stderr
    assert process.wait(timeout=120) == 0


def _empty(workplace: Workplace) -> None:
    for path in sorted(workplace.workspace.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()


def _killed(workplace: Workplace, count: int, whom: str, options: tuple[str, ...]) -> int:
    """Start a run, kill -9 it once `count` outcomes are there; return how many there were when it was dead."""
    process = subprocess.Popen(
        workplace.command("run", *options), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    while workplace.outcomes() < count:
        assert process.poll() is None, "it ended before it could be killed"
        time.sleep(0.002)
    children = psutil.Process(process.pid).children(recursive=True)
    if whom == "parent":
        os.kill(process.pid, signal.SIGKILL)
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert not alive, f"a killed run left {[child.cmdline() for child in alive]}"
    return workplace.outcomes()


def _descendants(pid: int, name: str) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(pid).children(recursive=True):
        try:
            if name in " ".join(child.cmdline()) and "python" in child.name():  # not the shell that Beam starts it with
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


@contextmanager
def _portable_services() -> Iterator[tuple[int, int]]:
    """Beam's own job server and an EXTERNAL worker pool on loopback: (job port, pool port)."""
    jobs, pool = _free_port(), _free_port()
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    commands = (
        ["apache_beam.runners.portability.local_job_service_main", f"--job_port={jobs}"],
        ["apache_beam.runners.worker.worker_pool_main", f"--service_port={pool}", "--container_executable="],
    )
    services = [
        subprocess.Popen([sys.executable, "-m", *command], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                         start_new_session=True)
        for command in commands
    ]  # fmt: skip
    try:
        for port in (jobs, pool):
            _await_port(port)
        yield jobs, pool
    finally:
        for service in services:
            os.killpg(service.pid, signal.SIGKILL)
            service.wait()


def _free_port() -> int:
    with socket.create_server(("localhost", 0)) as server:
        return int(server.getsockname()[1])


def _await_port(port: int) -> None:
    while True:
        try:
            with socket.create_connection(("localhost", port), timeout=1):
                return
        except OSError:
            time.sleep(0.1)
