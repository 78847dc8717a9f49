"""The maker of ARCTraj-layout traces: seeded, matched to the real rows in what costs time, and with their oddities."""

from __future__ import annotations

import csv
import json
import statistics
from collections import Counter
from pathlib import Path

import pytest

from tests.annotators.arc.made_tasks import small_tasks
from tools.recorders.arctraj import HUB, RAW, MadeTrace, made_tasks, made_traces, main, write_rows
from tools.recorders.arctraj_faults import SEEN, UNSEEN, planted


@pytest.fixture(scope="module")
def real(shared_data: Path) -> list[MadeTrace]:
    return list(made_traces(made_tasks(shared_data / "arc" / "arc_agi_1" / "training"), 2000, seed=1))


def test_the_same_seed_gives_the_same_rows() -> None:
    rows = [[trace.row() for trace in made_traces(small_tasks(), 30, seed)] for seed in (4, 4, 5)]
    assert rows[0] == rows[1] != rows[2]


def test_they_cost_what_real_rows_cost(real: list[MadeTrace]) -> None:
    states = [state for trace in real for state in trace.states]

    assert statistics.mean(len(trace.script) for trace in real) == pytest.approx(17.3, rel=0.08)
    assert statistics.median(len(trace.script) for trace in real) == pytest.approx(12, abs=1)
    assert statistics.mean(len(state.grid) * len(state.grid[0]) for state in states) == pytest.approx(129, rel=0.1)
    assert statistics.mean(len(state.floating) for state in states) == pytest.approx(9, rel=0.12)
    assert statistics.mean(trace.solved for trace in real) == pytest.approx(0.752, abs=0.04)


def test_operations_are_as_frequent_as_in_real_rows(real: list[MadeTrace]) -> None:
    counts = Counter(action.operation for trace in real for action in trace.script)
    share = {name: count / counts.total() for name, count in counts.items()}

    assert share["SelectGrid"] == pytest.approx(0.352, abs=0.06)
    assert share["SelectCell"] == pytest.approx(0.208, abs=0.06)
    assert share["Paint"] == pytest.approx(0.182, abs=0.06)
    assert share["Paste"] == pytest.approx(0.058, abs=0.03)
    assert len(counts) == 13
    assert sum(any(a.payload is not None for a in trace.script) for trace in real) / len(real) == pytest.approx(0.05, abs=0.02)


@pytest.mark.parametrize("columns", [HUB, RAW])
def test_a_file_has_the_columns_of_its_layout(tmp_path: Path, columns: tuple[str, ...]) -> None:
    write_rows(tmp_path / "a.csv", (trace.row() for trace in made_traces(small_tasks(), 5)), columns)
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert tuple(rows[0]) == columns
    actions = json.loads(rows[0]["actionSequence"])
    assert actions[-1]["operation"] == "Submit"
    assert actions[-1]["special"] == {"succeed": False}
    assert {"category", "operation", "grid", "object", "overlapped", "timestamp"} <= actions[0].keys()


def test_the_command_writes_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "a.json").write_text(json.dumps({"train": [], "test": [{"input": [[1, 0]], "output": [[2, 2]]}]}))
    main([str(tmp_path / "tasks"), str(tmp_path / "a.csv"), "--rows", "7", "--seed", "2"])

    assert capsys.readouterr().out.startswith("7 rows in ")
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 8


@pytest.mark.parametrize("kind", [*SEEN, *UNSEEN])
def test_a_fault_changes_its_record_and_without_persistence_no_other(kind: str) -> None:
    import random

    found = 0
    for trace in made_traces(small_tasks(), 200, seed=6):
        fault = planted(random.Random(trace.log_id), trace, kind, persistent=False)
        if fault is not None:
            differ = [step for step, (a, b) in enumerate(zip(trace.states, fault.editor.shown, strict=True)) if a != b]
            assert differ == [fault.step]
            assert (trace.states[fault.step].seen != fault.editor.shown[fault.step].seen) or kind in ("hidden", "transparent")
            found += 1
    assert found
