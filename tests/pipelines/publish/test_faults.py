"""Each endpoint × each fault: a publication ends in success or in a sentence, and nothing is done twice or by halves."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.errors import CairnError
from pipelines.publish.hub import set_up_client
from pipelines.publish.patience import Patience
from tests.hub_double import Fault, HubDouble, running

from .made import REPO, bring, connect, held, make, shards, wanted

ENDPOINTS = {
    "repository": r"^GET /api/datasets/me/data$",
    "refs": r"^GET .*/refs$",
    "tree": r"^GET .*/tree/",
    "manifest": r"^GET .*/resolve/.*/MANIFEST",
    "preupload": r"^POST .*/preupload/",
    "lfs batch": r"^POST .*/objects/batch",
    "lfs upload": r"^PUT /lfs/",
    "lfs verify": r"^POST /lfs/\w+/verify",
    "validate": r"^POST /api/validate-yaml",
    "commit": r"^POST .*/commit/",
    "tag": r"^POST .*/tag/",
}
CREATION = {"creation": r"^POST /api/repos/create"}
STAGED = {
    "opening": r"^POST .*/discussions$",
    "staged commit": r"^POST .*/commit/refs",
    "pull request": r"^GET .*/discussions/1\?",
    "publishing": r"^POST .*/discussions/1/status",
    "merge": r"^POST .*/discussions/1/merge",
}
STALL = 6.0
PASSING = {
    "429": Fault("", status=429, headers={"RateLimit": '"api";r=0;t=0'}),
    "429 after": Fault("", status=429, headers={"Retry-After": "0"}),
    "500": Fault("", status=500),
    "503": Fault("", status=503),
    "time-out": Fault("", stall=STALL),
    "cut": Fault("", disconnect=True),
    "lost reply": Fault("", after=True, disconnect=True),
    "lost behind a gateway": Fault("", after=True, status=504),
}
LASTING = {
    "401": Fault("", status=401, message="Invalid credentials in Authorization header"),
    "403": Fault("", status=403, message="you must use a write token"),
    "412": Fault("", status=412, message="A commit has happened since."),
    "413": Fault("", status=413, message="too large"),
    "507": Fault("", status=507, message="Insufficient Storage"),
}
SAID = {
    "401": "does not accept the token",
    "403": "may not do this",
    "412": "somebody committed",
    "413": "so large",
    "507": "no room",
}


@pytest.fixture(autouse=True)
def _impatient(_client: None) -> None:
    set_up_client(STALL - 2)


def in_threads(jobs: Iterable[str], work: Callable[[str], None]) -> dict[str, str]:
    """Run a job per name, many at once; returns what was wrong by name."""
    wrong: dict[str, str] = {}

    def one(name: str) -> None:
        try:
            work(name)
        except AssertionError as error:
            wrong[name] = str(error)
        except Exception as error:  # noqa: BLE001 - a traceback of one job must not hide the others
            wrong[name] = f"{type(error).__name__}: {error}"

    with ThreadPoolExecutor(max_workers=16) as pool:
        list(pool.map(one, jobs))
    return wrong


def states(hub: HubDouble) -> Iterator[dict[str, str]]:
    """What main held after each of its moves."""
    repo = hub.dataset(REPO)
    for ref, _, to in repo.moves:
        if ref == "refs/heads/main":
            yield {path: entry.content for path, entry in repo.commits[to].tree.items() if path != ".gitattributes"}


def try_fault(folder: Path, endpoint: str, fault: Fault, code: str, staged: bool = False, fresh: bool = False) -> None:
    """Publish 1.1.0 over 1.0.0 (or first of all) with a fault on the way; then once more without."""
    options = {"max_files": 4} if staged else {}
    with running(folder / "hub") as hub:
        old: dict[str, str] = {}
        if not fresh:
            old = wanted(make(folder, shards(4, size=2_000)))
            bring(folder / "recipe.yaml", connect(hub))
        recipe = make(folder, shards(7, "b", size=2_000), "1.1.0")
        new = wanted(recipe)
        hub.faults.add(replace(fault, match=endpoint))
        to = connect(hub, patience=Patience(first_wait=0.1))
        if code in LASTING and endpoint != STAGED["pull request"]:  # asked right after it was opened, so it is found there
            with pytest.raises(CairnError, match=SAID[code]) as error:
                bring(recipe, to, **options)
            assert "hf_writer" not in str(error.value)
        bring(recipe, to, **options)
        assert hub.faults.happened == 1, "the fault never happened"
        seen = list(states(hub))
        assert [s for s in seen if s] == [s for s in (old, new) if s], "main held something else, or a commit twice"
        moves = [(ref, to_) for ref, _, to_ in hub.dataset(REPO).moves if ref.startswith("refs/tags/")]
        assert [ref for ref, _ in moves] == ([] if fresh else ["refs/tags/v1.0.0"]) + ["refs/tags/v1.1.0"], (
            f"tags moved: {moves}"
        )
        assert held(hub, "v1.1.0") == new
        lost_upload = fault.after and "/lfs/" in endpoint  # the client must send it again: it cannot know
        assert max(hub.traffic.stored.values()) == 1 or lost_upload, "a content came in twice"
        assert len(hub.dataset(REPO).pulls) == int(staged), "a second pull request"


@pytest.mark.parametrize("endpoints", [ENDPOINTS, CREATION | STAGED], ids=["one commit", "creation and pull request"])
def test_a_fault_that_passes_or_ends_in_a_sentence(endpoints: dict[str, str], tmp_path: Path) -> None:
    """All pairs at once in threads, because most of the time is the client's waiting."""
    pairs = {f"{endpoint}: {code}": (endpoint, code) for code in [*PASSING, *LASTING] for endpoint in endpoints}

    def work(name: str) -> None:
        endpoint, code = pairs[name]
        folder = tmp_path / endpoint / code
        folder.mkdir(parents=True)
        fault = (PASSING | LASTING)[code]
        try_fault(folder, endpoints[endpoint], fault, code, staged=endpoint in STAGED, fresh=endpoint in CREATION)

    assert in_threads(pairs, work) == {}


@pytest.mark.parametrize("endpoint", ["commit", "tag", "refs"])
@pytest.mark.parametrize("code", ["429", "503", "cut"])
def test_a_fault_that_stays_is_a_sentence_and_no_change(endpoint: str, code: str, tmp_path: Path) -> None:
    """Where the client does not repeat by itself, so that it does not take minutes."""
    with running(tmp_path / "hub") as hub:
        bring(make(tmp_path, shards(2)), connect(hub))
        recipe = make(tmp_path, shards(3), "1.1.0")
        hub.faults.add(replace(PASSING[code], match=ENDPOINTS[endpoint], times=1000))
        with pytest.raises(CairnError, match="run the same command again") as error:
            bring(recipe, connect(hub, patience=Patience(tries=3, first_wait=0.01)))
        assert error.value.exit_code == 1
        assert "refs/tags/v1.1.0" not in hub.dataset(REPO).refs
        hub.faults.clear()
        bring(recipe, connect(hub))
        assert held(hub, "v1.1.0") == wanted(recipe)
        assert [ref for ref, _, _ in hub.dataset(REPO).moves].count("refs/heads/main") == 3


def test_a_rate_limit_is_waited_for_as_long_as_it_says(tmp_path: Path) -> None:
    waits: list[float] = []
    with running(tmp_path / "hub") as hub:
        hub.faults.add(Fault(ENDPOINTS["commit"], status=429, headers={"RateLimit": '"api";r=0;t=55'}))
        hub.faults.add(Fault(ENDPOINTS["tag"], status=503, headers={"Retry-After": "7"}))
        bring(make(tmp_path, shards(2)), connect(hub, patience=Patience(sleep=waits.append)))
        assert waits == [56.0, 8.0]
        hub.faults.add(Fault(ENDPOINTS["commit"], status=429, headers={"RateLimit": '"api";r=0;t=4000'}))
        with pytest.raises(CairnError, match="to wait 4000 s"):
            bring(make(tmp_path, shards(3), "1.1.0"), connect(hub, patience=Patience(sleep=waits.append)))
        assert len(waits) == 2


def test_a_commit_that_arrives_after_it_was_looked_for_is_still_the_only_one(tmp_path: Path) -> None:
    """The first request is held up, the second overtakes it: the parent lets one of them through."""
    with running(tmp_path / "hub") as hub:
        recipe = make(tmp_path, shards(2))
        first = connect(hub, patience=Patience(first_wait=0.01))
        barrier = threading.Barrier(2)

        def run() -> str:
            barrier.wait()
            return bring(recipe, first).commit

        connect(hub).create(private=False)
        with ThreadPoolExecutor(2) as pool:
            commits = {future.result() for future in [pool.submit(run), pool.submit(run)]}
        assert len(commits) == 1
        assert [ref for ref, _, _ in hub.dataset(REPO).moves].count("refs/heads/main") == 2


XET = {"token": r"^GET .*/xet-write-token/", "block": r"^POST /cas/v1/xorbs/", "shard": r"^POST /cas/v1/shards"}


@pytest.mark.usefixtures("with_xet")
@pytest.mark.parametrize("endpoint", list(XET))
@pytest.mark.parametrize("code", ["500", "503", "cut", "lost reply", "401", "403", "507"])
def test_a_fault_of_an_upload_through_xet(endpoint: str, code: str, tmp_path: Path) -> None:
    """Xet's client repeats by itself and has its own words; it ends in success, or in a sentence and then in success."""
    with running(tmp_path / "hub") as hub:
        connect(hub).create(private=False)
        recipe = make(tmp_path, shards(3))
        hub.faults.add(replace((PASSING | LASTING)[code], match=XET[endpoint]))
        try:
            bring(recipe, connect(hub))
        except CairnError as error:
            assert code in LASTING
            assert "hf_writer" not in str(error)  # noqa: PT017
            bring(recipe, connect(hub))
        assert hub.faults.happened == 1
        assert held(hub, "v1.0.0") == wanted(recipe)
        assert [ref for ref, _, _ in hub.dataset(REPO).moves].count("refs/heads/main") == 2
