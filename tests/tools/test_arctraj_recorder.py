"""The maker of ARCTraj-layout traces: seeded, matched to the real rows in what costs time, and with their oddities."""

from __future__ import annotations

import csv
import json
import random
import statistics
from collections import Counter
from pathlib import Path

import pytest

from tests.annotators.arc.made_tasks import small_tasks
from tools.recorders.arctraj import HUB, RAW, MadeTrace, drawn_tasks, made_tasks, made_traces, main, write_rows
from tools.recorders.arctraj_cases import count_cases, expected
from tools.recorders.arctraj_faults import SEEN, UNSEEN, planted
from tools.recorders.arctraj_odd_rows import ODD_ROWS, with_odd_rows

TRACES = 2000


@pytest.fixture(scope="module")
def many() -> list[MadeTrace]:
    return list(made_traces(drawn_tasks(), TRACES, seed=2))


def test_the_same_seed_gives_the_same_rows() -> None:
    rows = [[trace.row() for trace in made_traces(small_tasks(), 30, seed)] for seed in (4, 4, 5)]
    assert rows[0] == rows[1] != rows[2]


@pytest.fixture(scope="module")
def small() -> list[MadeTrace]:
    return list(made_traces(small_tasks(), 400, seed=6))


@pytest.fixture(scope="module")
def found(many: list[MadeTrace]) -> Counter[str]:
    return count_cases(with_odd_rows(trace.row() for trace in many), drawn_tasks())


def test_every_rule_and_every_oddity_is_in_them(found: Counter[str]) -> None:
    assert expected().keys() - found.keys() == set()
    assert found.keys() - expected().keys() == set()


def test_what_is_frequent_is_about_as_frequent_as_in_real_rows(found: Counter[str]) -> None:
    ratio = {name: found[name] / often * 9110 / TRACES for name, often in expected().items() if often and often > 400}
    del ratio["no task"]

    assert {name: round(r, 2) for name, r in ratio.items() if not 0.45 < r < 2.2} == {}


def test_they_cost_what_real_rows_cost(shared_data: Path) -> None:
    _costs_what_real_rows_cost(list(made_traces(made_tasks(shared_data / "arc" / "arc_agi_1" / "training"), TRACES, seed=1)))


def test_without_a_folder_of_tasks_they_cost_about_the_same(many: list[MadeTrace]) -> None:
    _costs_what_real_rows_cost(many, rel=0.2)


def _costs_what_real_rows_cost(traces: list[MadeTrace], rel: float = 0.09) -> None:
    states = [state for trace in traces for state in trace.states]

    assert statistics.mean(len(trace.script) for trace in traces) == pytest.approx(17.3, rel=rel)
    assert statistics.median(len(trace.script) for trace in traces) == pytest.approx(12, abs=1)
    assert statistics.mean(len(state.grid) * len(state.grid[0]) for state in states) == pytest.approx(129, rel=rel)
    assert statistics.mean(len(state.floating) for state in states) == pytest.approx(9, rel=rel)
    assert statistics.mean(trace.solved for trace in traces) == pytest.approx(0.752, abs=0.04)


def test_operations_are_as_frequent_as_in_real_rows(many: list[MadeTrace]) -> None:
    counts = Counter(action.operation for trace in many for action in trace.script)
    share = {name: count / counts.total() for name, count in counts.items()}

    assert share["SelectGrid"] == pytest.approx(0.352, abs=0.03)
    assert share["SelectCell"] == pytest.approx(0.208, abs=0.03)
    assert share["Paint"] == pytest.approx(0.182, abs=0.03)
    assert share["Paste"] == pytest.approx(0.058, abs=0.015)
    assert len(counts) == 13
    assert statistics.mean(any(a.payload is not None for a in t.script) for t in many) == pytest.approx(0.052, abs=0.02)


@pytest.mark.parametrize("columns", [HUB, RAW])
def test_a_file_has_the_columns_of_its_layout(tmp_path: Path, columns: tuple[str, ...]) -> None:
    tasks = drawn_tasks(7)
    write_rows(tmp_path / "a.csv", (trace.row() for trace in made_traces(tasks, 5)), columns)
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))

    assert tuple(rows[0]) == columns
    assert {row["taskId"] for row in rows} <= {str(t.number) if columns == RAW else t.task_id for t in tasks}
    actions = json.loads(rows[0]["actionSequence"])
    assert actions[-1]["operation"] == "Submit"
    assert actions[-1]["special"] == {"succeed": False}
    assert {"category", "operation", "grid", "object", "overlapped", "timestamp"} <= actions[0].keys()


def test_odd_rows_come_beside_the_right_ones() -> None:
    right = [trace.row() for trace in made_traces(small_tasks(), 40, seed=1)]
    rows = list(with_odd_rows(iter(right)))
    odd = [row for row in rows if row not in right]

    assert [row for row in rows if row in right] == right
    assert len(odd) >= len(ODD_ROWS)
    assert len({row["logId"] for row in rows}) == len(rows)


def test_the_command_writes_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "a.json").write_text(json.dumps({"train": [], "test": [{"input": [[1, 0]], "output": [[2, 2]]}]}))
    main([str(tmp_path / "a.csv"), "--tasks", str(tmp_path / "tasks"), "--rows", "7", "--seed", "2"])

    assert capsys.readouterr().out.startswith("7 rows in ")
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 8


def test_the_command_draws_tasks_where_it_is_given_none(tmp_path: Path) -> None:
    main([str(tmp_path / "a.csv"), "--rows", "3"])
    assert made_tasks(tmp_path / "a.tasks") == drawn_tasks()


def test_a_folder_without_tasks_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([str(tmp_path / "a.csv"), "--tasks", str(tmp_path)])
    assert "holds no task" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [*SEEN, *UNSEEN])
def test_a_fault_changes_its_record_and_without_persistence_no_other(small: list[MadeTrace], kind: str) -> None:
    found = 0
    for trace in small:
        fault = planted(random.Random(trace.log_id), trace, kind, persistent=False)
        if fault is not None:
            differ = [step for step, (a, b) in enumerate(zip(trace.states, fault.editor.shown, strict=True)) if a != b]
            assert differ == [fault.step]
            assert (trace.states[fault.step].seen != fault.editor.shown[fault.step].seen) or kind in ("hidden", "transparent")
            found += 1
    assert found
