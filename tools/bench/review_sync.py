"""What the review's bookkeeping costs: push, lookup and pull against the same bare calls of the SDK, on a real server.

    python -m tools.bench.review_sync [--tasks 10000 50000] [--annotated 0.1] [--home FOLDER]

Import: `push` of new tasks against `projects.import_tasks` in the same batches. Lookup: `find_all_tasks` of all uids against
`tasks.list` with the same filter. Delta export: a `pull` after people saved something against the list of changed ids and
the export of these by the SDK's own connection. Each measurement is a process of its own; a ratio above 0.8 is asked for.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from annotators.label_studio.client import Client
from annotators.label_studio.ledger import Ledger
from annotators.label_studio.project import ReviewTask, Surface
from annotators.label_studio.sync import Outgoing, Prediction, ProjectSpec, annotate, pull, push
from pipelines.io.store import Store
from tools.label_studio_home import Home
from tools.label_studio_server import Running, down, up

CONFIG = """<View>
  <Video name="media" value="$media" frameRate="$fps"/>
  <TimelineLabels name="skill" toName="media"><Label value="reach"/><Label value="grasp"/></TimelineLabels>
  <TextArea name="skill_text" toName="media" perRegion="true"/>
</View>"""
BATCH = 500
SEGMENTS = 6
PORT = 8093


def main(argv: Sequence[str] | None = None) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", type=int, nargs="+", default=[10_000, 50_000], help="tasks of a project, one run each")
    parser.add_argument("--annotated", type=float, default=0.1, help="share of the tasks that people save meanwhile")
    parser.add_argument("--home", type=Path, help="folder of a server to start (default: a new one, thrown away)")
    parser.add_argument("--port", type=int, default=PORT, help=f"TCP port of loopback (default {PORT})")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as temporary:
        home = Home(arguments.home or Path(temporary, "home"))
        server = up(home, arguments.port, follow_parent=True)
        try:
            for number in arguments.tasks:
                compare(server, Path(temporary, str(number)), number, int(number * arguments.annotated))
        finally:
            down(home)


def compare(server: Running, folder: Path, number: int, annotated: int) -> None:
    """One run with `number` tasks in each of two projects: ours, and one that the SDK fills."""
    run = uuid.uuid4().hex[:8]
    client = Client(server.url, server.token, timeout=900)
    bare = client.create_project(f"bare {run}", CONFIG)
    ours, pushed, memory = _apart(_push, server, folder, run, number)
    theirs, _, memory_bare = _apart(_import, server, bare, run, number)
    print(f"{number} tasks, batches of {BATCH}, {annotated} annotated", flush=True)
    _line("import", number, ours, theirs)
    print(
        f"  peak memory: push {memory:.0f} MB, bare import {memory_bare:.0f} MB, server {_peak(server.pid):.0f} MB", flush=True
    )

    ours, found, _ = _apart(_find, server, pushed, run, number)
    theirs, found_bare, _ = _apart(_list, server, pushed, run, number)
    assert found == found_bare == number
    _line("lookup", number, ours, theirs)

    ledger = Ledger(Store(str(folder)), "review")
    pull(client, ledger)
    ids = sorted(ledger.state().ids)[:: max(1, number // max(1, annotated))][:annotated]
    watermark = ledger.state().watermark
    for n, task in enumerate(ids):
        annotate(client, task, _results(n), uuid.uuid4())
    before, found_bare, _ = _apart(_export, server, pushed, watermark)
    ours, found, memory = _apart(_pull, server, folder)
    after, _, _ = _apart(_export, server, pushed, watermark)  # a pull can be done once, so it stands between two of these
    assert found == len(ids) <= found_bare
    _line("delta export", len(ids), ours, (before + after) / 2)
    print(f"  peak memory: pull {memory:.0f} MB, server {_peak(server.pid):.0f} MB", flush=True)


def _push(server: Running, folder: Path, run: str, number: int) -> int:
    spec = ProjectSpec(uid=run, title=f"bench {run}")
    ledger = Ledger(Store(str(folder)), "review")
    return push(Client(server.url, server.token, timeout=900), ledger, spec, CONFIG, _tasks(run, number)).project


def _import(server: Running, project: int, run: str, number: int) -> int:
    projects = Client(server.url, server.token, timeout=900).connection.sdk.projects
    batch: list[Any] = []
    for one in _tasks(run, number):
        prediction = {"model_version": "cairn", "score": one.task.priority, "result": list(one.predictions[0].results)}
        batch.append({"data": {**one.task.data, "uid": one.task.uid}, "predictions": [prediction]})
        if len(batch) == BATCH:
            projects.import_tasks(id=project, request=batch, return_task_ids=True, request_options={"max_retries": 0})
            batch = []
    if batch:
        projects.import_tasks(id=project, request=batch, return_task_ids=True)
    return number


def _find(server: Running, project: int, run: str, number: int) -> int:
    return len(Client(server.url, server.token).find_all_tasks(project, [_uid(run, n) for n in range(number)]))


def _list(server: Running, project: int, run: str, number: int) -> int:
    sdk = Client(server.url, server.token).connection.sdk
    found = 0
    for start in range(0, number, BATCH):
        uids = [_uid(run, n) for n in range(start, min(start + BATCH, number))]
        one = {"filter": "filter:tasks:data.uid", "operator": "in_list", "type": "String", "value": uids}
        query = json.dumps({"filters": {"conjunction": "and", "items": [one]}})
        pages: Any = sdk.tasks.list(project=project, query=query, fields="task_only", include="id,data", page_size=BATCH)
        found += len(pages.items or [])
    return found


def _pull(server: Running, folder: Path) -> int:
    return pull(Client(server.url, server.token, timeout=900), Ledger(Store(str(folder)), "review")).saved


def _export(server: Running, project: int, watermark: str | None) -> int:
    client = Client(server.url, server.token, timeout=900)
    since = datetime.fromisoformat(watermark) if watermark else None
    ids = [changed.task_id for changed in client.changed_tasks(project, since)]
    return sum(len(task["annotations"]) for task in client.export(project, ids))


def _tasks(run: str, number: int) -> Iterator[Outgoing]:
    """About 2.5 KB each, as an episode with six regions has."""
    surface = Surface(tuple(range(100)), tuple(range(0, 300, 3)), 100, 640, 480, "front", 10.0, 0.1)
    for n in range(number):
        ids = [str(uuid.UUID(int=n * SEGMENTS + i)) for i in range(SEGMENTS)]
        rows = tuple(
            {"annotation_id": row, "start": 10 * i, "end": 10 * i + 9, "label": "reach", "confidence": 0.5}
            for i, row in enumerate(ids)
        )
        data = {"media": f"/data/local-files/?d=bench/{n}.mp4", "fps": 10, "title": f"episode {n}", "proposed": "reach " * 30}
        task = ReviewTask(_uid(run, n), "bench", f"s/{n}", surface, {"primitive_skill": rows}, data, priority=n / number)
        regions = {row: (("primitive_skill", row, None),) for row in ids}
        yield Outgoing(task, (Prediction(_results(n)),), regions)


def _results(n: int) -> tuple[dict[str, Any], ...]:
    found: list[dict[str, Any]] = []
    for i in range(SEGMENTS):
        ranges = [{"start": 10 * i + 1, "end": 10 * i + 9}]
        same = {"id": str(uuid.UUID(int=n * SEGMENTS + i)), "to_name": "media"}
        label = {"ranges": ranges, "timelinelabels": ["reach" if i % 2 else "grasp"]}
        found.append({**same, "from_name": "skill", "type": "timelinelabels", "value": label})
        text = {"ranges": ranges, "text": [f"move the gripper above cup {n} and close it ({i})"]}
        found.append({**same, "from_name": "skill_text", "type": "textarea", "value": text})
    return tuple(found)


def _uid(run: str, n: int) -> str:
    return f"{run}/bench/1/s/{n}"


def _apart(step: Callable[..., int], *arguments: Any) -> tuple[float, int, float]:
    """Seconds, what the step gives, and its peak memory in MB, in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(1) as pool:
        return pool.apply(_measured, (step, *arguments))


def _measured(step: Callable[..., int], *arguments: Any) -> tuple[float, int, float]:
    began = time.perf_counter()
    found = step(*arguments)
    return time.perf_counter() - began, found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _line(what: str, number: int, ours: float, theirs: float) -> None:
    rates = f"{number / ours:7.0f}/s and {number / theirs:7.0f}/s bare"
    print(f"  {what:12} {ours:7.1f} s and {theirs:7.1f} s bare, {rates}, ratio of rates {theirs / ours:.2f}", flush=True)


def _peak(pid: int) -> float:
    """Peak memory of the server, MB, where the system counts it."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        (line,) = [line for line in status.read_text().splitlines() if line.startswith("VmHWM")]
        return int(line.split()[1]) / 1024
    return float(psutil.Process(pid).memory_info().rss) / 2**20


if __name__ == "__main__":
    main()
