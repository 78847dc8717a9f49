"""Random damage to a sample of every format for robots: nothing crashes or hangs, and what is wrong is said.

Set CAIRN_MUTATIONS_SEED for another seed; a fault names seed and number, and a run with that seed does that damage again.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from pathlib import Path

import pytest

from tests.pipelines.sources.mutations.kinds import KINDS, mutation
from tests.pipelines.sources.mutations.run import Tally, run
from tests.pipelines.sources.mutations.samples import Sample, samples

SHARED = Path(__file__).resolve().parents[5] / "shared/data"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    """A sample per format. Nobody may change them."""
    return list(samples(tmp_path_factory.mktemp("samples"), SHARED if SHARED.is_dir() else None))


def mutated(made: list[Sample], count: int, seed: int, scratch: Path) -> Tally:
    seed = int(os.environ.get("CAIRN_MUTATIONS_SEED", seed))
    print(f"seed {seed}: {count} mutations of {len(made)} samples")
    tally = run(made, range(count), seed, scratch)
    print(tally)
    assert tally.faults == [], str(tally)
    of = Counter(name for name, _ in tally.of.elements())
    assert set(of) == {sample.name for sample in made}
    assert max(of.values()) - min(of.values()) <= 1  # spread evenly
    return tally


@pytest.mark.timeout(900)  # a minute where nothing else runs
def test_five_hundred(made: list[Sample], tmp_path: Path) -> None:
    tally = mutated(made, 500, 6, tmp_path)
    assert {kind for _, kind in tally.of} >= {kind.__name__ for kind in KINDS}
    assert tally.ends["rejected"] > 250
    assert tally.ends["reported"] > 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_ten_thousand(made: list[Sample], tmp_path: Path) -> None:
    mutated(made, 10_000, random.SystemRandom().randrange(1 << 32), tmp_path)


def test_a_number_is_always_the_same_damage(made: list[Sample]) -> None:
    files = made[0].files
    assert [mutation(1, n, files) for n in range(30)] == [mutation(1, n, files) for n in range(30)]
    assert mutation(1, 0, files) != mutation(2, 0, files)
