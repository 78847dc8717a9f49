"""What a new version sends: the part of the data that changed, and the card. Measured at three hundred traces."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.hub_double import WRITER, HubDouble, running

from .conftest import ROOT, Workplace

REPO = "me/data"
TRACES = 300
SHARD_BYTES = 400_000
"""So that there are a hundred shards, as a real release has, of a few traces each."""
CARD = {"README.md", "MANIFEST.sha256"}


@dataclass(frozen=True)
class Sent:
    """What a publication sent: paths whose content the Hub did not hold, bytes that came in, bytes that the release has."""

    paths: set[str]
    came_in: int
    whole: int

    @property
    def share(self) -> float:
        return self.came_in / self.whole


class Publisher:
    """A workplace and a Hub; each `version` builds, publishes, and says what was sent."""

    def __init__(self, workplace: Workplace, hub: HubDouble) -> None:
        self.workplace, self.hub, self.number = workplace, hub, 0

    def version(self, change: Callable[[dict[str, Any]], object] = lambda _: None) -> Sent:
        self.number += 1
        self.workplace.change(lambda r: (change(r), r.update(release={"version": f"1.{self.number}.0", "repo_id": REPO})))
        self.workplace.run()
        before = self.contents() if self.number > 1 else set()
        self.hub.traffic.clear()
        environment = {"HF_ENDPOINT": self.hub.endpoint, "HF_TOKEN": WRITER, "HF_HUB_DISABLE_XET": "1",
                       "HF_HOME": str(self.workplace.recipe.parent / "hf")}  # fmt: skip
        done = self.workplace.cairn("publish", "--max-files", "100000", **environment)
        assert done.returncode == 0, done.stderr
        tree = self.hub.dataset(REPO).resolve("main").tree
        new = {path for path, entry in tree.items() if entry.content not in before}
        came_in = self.hub.traffic.bytes_uploaded() + sum(tree[path].size for path in CARD & new)
        return Sent(new, came_in, sum(entry.size for entry in tree.values()))

    def contents(self) -> set[str]:
        return {entry.content for entry in self.hub.dataset(REPO).resolve("main").tree.values()}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubDouble]:
    with running(tmp_path / "hub") as double:
        yield double


def folders(sent: Sent) -> set[str]:
    return {path.rsplit("/", 1)[0] for path in sent.paths if "/" in path}


@pytest.mark.slow
def test_a_changed_layer_sends_its_files_its_views_and_the_card(
    hub: HubDouble, tmp_path: Path, workplace: Callable[..., Workplace]
) -> None:
    shutil.copytree(ROOT / "examples/data/lift", tmp_path / "lift")
    shutil.copytree(ROOT / "examples/data/arc", tmp_path / "arc")
    sources = [
        {"name": "lift", "reader": "lerobot", "uri": "lift"},
        {"name": "puzzles", "reader": "braingridgame", "uri": "arc"},
    ]
    annotators = [{"name": "robot.motion_segments", "parameters": {}}, "arc.noop", "arc.replay"]
    publisher = Publisher(workplace(sources, annotators, shards={"steps": 50}), hub)
    publisher.version()
    sent = publisher.version(lambda r: r["annotators"][0]["parameters"].update(min_seconds=0.5))
    # the history of all annotations and the list of runs show every layer; `assets` are pictures of the card
    assert folders(sent) <= {"segments/motion", "robot_labels", "annotation_history", "runs", "assets"}
    assert {"segments/motion", "robot_labels"} <= folders(sent)
    assert {path for path in sent.paths if "/" not in path} == CARD
    print(f"a changed layer: {sent.came_in:,} of {sent.whole:,} bytes")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_appended_and_inserted_traces(hub: HubDouble, tmp_path: Path, workplace: Callable[..., Workplace]) -> None:
    examples = sorted((ROOT / "examples/data/web").glob("*.zip"))
    (tmp_path / "web").mkdir()

    def add(name: str, number: int) -> None:
        shutil.copy(examples[number % len(examples)], tmp_path / f"web/{name}.zip")

    for number in range(TRACES):
        add(f"t{number:06d}", number)
    source = {"name": "shop", "reader": "playwright", "uri": "web/*.zip"}
    publisher = Publisher(workplace([source], [], shards={"bytes": SHARD_BYTES}), hub)
    first = publisher.version()
    print(f"{len(first.paths)} files, {first.whole:,} bytes")
    for number in range(TRACES // 100):
        add(f"u{number:06d}", number)
    appended = publisher.version()
    print(f"1 % appended: {appended.share:.2%} ({appended.came_in:,} bytes, {len(appended.paths)} files)")
    chance = random.Random(3)
    for number, at in enumerate(chance.sample(range(TRACES), TRACES // 100)):
        add(f"t{at:06d}b", number)
    inserted = publisher.version()
    print(f"1 % inserted at random: {inserted.share:.2%} ({inserted.came_in:,} bytes, {len(inserted.paths)} files)")
    assert appended.share <= 0.02
    assert inserted.share < 0.5
