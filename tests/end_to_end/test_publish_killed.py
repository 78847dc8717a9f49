"""Publishing killed at any moment: readers see the old version or the new one, and what was uploaded is not sent again."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest

from tests.hub_double import Hold, HubDouble, running
from tests.pipelines.publish.apart import FORKS, publish_apart
from tests.pipelines.publish.made import REPO, held, make, shards, wanted

KILLS = 10
MOST_ROUNDS = 25
"""A kill may come too late."""


class Reader(threading.Thread):
    """Lists main over and over, and notes every state that differs from the one before."""

    def __init__(self, hub: HubDouble) -> None:
        super().__init__(daemon=True)
        self.hub, self.seen, self.polls, self.wrong = hub, [held(hub)], 0, []
        self._over = threading.Event()

    def run(self) -> None:
        with httpx2.Client(timeout=30) as client:
            while not self._over.wait(0.01):
                answer = client.get(f"{self.hub.endpoint}/api/datasets/{REPO}/tree/main", params={"recursive": "true"})
                files = {e["path"]: e.get("lfs", e)["oid"] for e in answer.json() if e["type"] == "file"}
                files.pop(".gitattributes")
                self.polls += 1
                if not self.seen or files != self.seen[-1]:
                    self.seen.append(files)

    def stop(self) -> None:
        self._over.set()
        self.join()


@contextmanager
def polled(hub: HubDouble) -> Iterator[Reader]:
    reader = Reader(hub)
    reader.seen.clear()
    reader.start()
    try:
        yield reader
    finally:
        reader.stop()


def listed(hub: HubDouble, revision: str) -> dict[str, str]:
    """What a listing of a revision says: sha256 of LFS files, git's names of others."""
    tree = hub.dataset(REPO).resolve(revision).tree
    return {path: entry.content if entry.lfs else entry.oid for path, entry in tree.items() if path != ".gitattributes"}


def kill_somewhere(recipe: Path, hub: HubDouble, home: Path, xet: bool, after: int, delay: float) -> bool:
    """Start publishing and kill it once the Hub has had so many calls of it; returns whether it was still running."""
    before = len(hub.traffic.calls(PUBLISHER))
    process = FORKS.Process(target=publish_apart, args=(recipe, hub.endpoint, home, xet))
    process.start()
    deadline = time.monotonic() + 60
    while process.is_alive() and len(hub.traffic.calls(PUBLISHER)) - before < after and time.monotonic() < deadline:
        time.sleep(0.002)
    time.sleep(delay)
    alive = process.is_alive()
    process.kill()
    process.join()
    return alive


def publish_whole(recipe: Path, hub: HubDouble, home: Path, xet: bool) -> None:
    process = FORKS.Process(target=publish_apart, args=(recipe, hub.endpoint, home, xet))
    process.start()
    process.join(120)
    assert process.exitcode == 0


UPLOAD = r"^PUT /lfs/|^POST /cas/v1/xorbs/"
PUBLISHER = r"^(?!GET .*/tree/main\?)"
"""Calls of the publisher: it lists commits, never a branch."""


@pytest.mark.parametrize("xet", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["lfs", "xet"])
def test_killed_at_ten_random_moments(tmp_path: Path, xet: bool) -> None:
    chance = random.Random(7)
    killed = 0
    with running(tmp_path / "hub") as hub:
        hub.latency, hub.upload_rate = 0.003, 3e6
        make(tmp_path, shards(40, "old-", size=8_000), "0.9.0")
        publish_whole(tmp_path / "recipe.yaml", hub, tmp_path / "xet", xet)
        hub.traffic.clear()
        publish_calls = 0
        with polled(hub) as reader:
            for round_ in range(MOST_ROUNDS):
                if killed == KILLS:
                    break
                large = shards(1, f"v{round_}-large-", folder="videos", size=300_000)
                recipe = make(tmp_path, shards(40 + round_, f"v{round_}-", size=8_000) | large, f"1.{round_}.0")
                # the last calls, in which commit and tag are made, are as likely as all uploads before
                moments = range(4, 100) if round_ % 2 else range(max(publish_calls - 12, 4), publish_calls + 2)
                after = chance.choice(moments) if publish_calls else 60
                killed += kill_somewhere(recipe, hub, tmp_path / "xet", xet, after, chance.uniform(0, 0.03))
                at = len(hub.traffic.calls(PUBLISHER))
                publish_whole(recipe, hub, tmp_path / "xet", xet)
                publish_calls = max(publish_calls, len(hub.traffic.calls(PUBLISHER)) - at)
                assert held(hub) == held(hub, f"v1.{round_}.0") == wanted(recipe)
        repo = hub.dataset(REPO)
        versions = [ref.removeprefix("refs/tags/") for ref in repo.refs if "tags" in ref]
        allowed = [listed(hub, tag) for tag in versions]
        assert [ref for ref, _, _ in repo.moves].count("refs/heads/main") == 1 + len(versions)
        assert [ref for ref, _, _ in repo.moves if "tags" in ref] == [f"refs/tags/{tag}" for tag in versions]
        assert not repo.pulls
        seen = iter(allowed)
        assert all(any(state == version for version in seen) for state in reader.seen), "a reader saw a mix, or went back"
        assert killed == KILLS
        assert reader.polls > 100
        twice = {content: count for content, count in hub.traffic.stored.items() if count > 1}
        # a Xet block counts when its group of files is registered, so a kill may cost the group that was on its way
        assert sum(twice.values()) - len(twice) <= (killed if xet else 0)
        content = sum(entry.size for tag in versions[1:] for entry in repo.resolve(tag).tree.values() if entry.lfs)
        cut_off = sum(call.received for call in hub.traffic.calls(UPLOAD) if call.status != 200)
        assert xet or hub.traffic.bytes_uploaded() - cut_off <= content
        sent = hub.traffic.bytes_uploaded()
        print(f"{killed} killed, {reader.polls} polls, {sent:,} bytes sent for {content:,}, {cut_off:,} cut off")


LARGE = 20_000_000
"""More than the buffers between two processes hold: a killed sender leaves a half of it."""


@pytest.mark.parametrize("xet", [False, pytest.param(True, marks=pytest.mark.slow)], ids=["lfs", "xet"])
def test_killed_in_the_middle_of_a_body(tmp_path: Path, xet: bool) -> None:
    """The half of a content that came in is nothing: readers have the old version, and the next run sends that content whole.

    What had arrived before is not sent again. Through Xet contents count when their group is registered, at its end, so the
    group of files that was on its way may be sent a second time. (The ten random moments above hit a body only by chance.)
    """
    with running(tmp_path / "hub") as hub:
        make(tmp_path, shards(3, "old-", size=8_000), "0.9.0")
        publish_whole(tmp_path / "recipe.yaml", hub, tmp_path / "xet", xet)
        old = held(hub)
        hub.traffic.clear()
        hold = hub.faults.hold = Hold(UPLOAD, LARGE // 4)
        recipe = make(tmp_path, shards(10, "new-", size=8_000) | shards(1, "large-", "videos", LARGE), "1.0.0")
        process = FORKS.Process(target=publish_apart, args=(recipe, hub.endpoint, tmp_path / "xet", xet))
        process.start()
        assert hold.reached.wait(60)
        wait_for(lambda: xet or len(hub.traffic.stored) == 10)  # the small ones go on beside it
        process.kill()
        process.join()
        hub.faults.hold = None
        hold.over.set()
        wait_for(lambda: any(call.status == 0 for call in hub.traffic.calls(UPLOAD)))
        cut = [call.received for call in hub.traffic.calls(UPLOAD) if call.status == 0]
        assert LARGE // 4 <= max(cut) < LARGE
        assert held(hub) == held(hub, "v0.9.0") == old
        assert not hub.storage.has(wanted(recipe)["videos/train-00000-of-00001.parquet"])
        publish_whole(recipe, hub, tmp_path / "xet", xet)
        assert held(hub) == held(hub, "v1.0.0") == wanted(recipe)
        assert [ref for ref, _, _ in hub.dataset(REPO).moves].count("refs/heads/main") == 3
        assert max(hub.traffic.stored.values()) == 1 or xet
        content = sum(entry.size for entry in hub.dataset(REPO).resolve("v1.0.0").tree.values() if entry.lfs)
        assert hub.traffic.bytes_uploaded() - sum(cut) <= content * (2 if xet else 1)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.01)
