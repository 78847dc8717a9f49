"""A function that may crash or hang costs one call, and the next one works."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from pipelines.engine import supervise
from pipelines.engine.supervise import ChildDiedError, ChildHungError, supervised
from pipelines.sources import Rejected


def twice(value: bytes, more: bytes = b"") -> bytes:
    return 2 * value + more


def who() -> int:
    return os.getpid()


def imported() -> list[str]:
    return sorted(name for name in sys.modules if name.split(".")[0] == "apache_beam")


def reject() -> None:
    raise Rejected("broken", "it is broken", {"at": 3})


def crash(how: int) -> None:
    os.kill(os.getpid(), how)


def leave(code: int) -> None:
    os._exit(code)


class Unrepeatable(Exception):
    """Its constructor does not take what it keeps, so it cannot be made again from its pickle."""

    def __init__(self, place: str, number: int) -> None:
        super().__init__(f"{place} is wrong {number} times")


def fail_unrepeatably() -> None:
    raise Unrepeatable("here", 2)


class Deadly:
    """Ends the process that unpickles it: the child dies before it has the call, as where an import fails there."""

    def __reduce__(self) -> tuple[object, ...]:
        return os._exit, (7,)


def hang() -> None:
    time.sleep(600)


def test_the_result_comes_back() -> None:
    assert supervised(twice, b"ab", more=b"c") == b"ababc"
    assert len(supervised(twice, bytes(5_000_000))) == 10_000_000


def test_calls_share_one_child_that_is_not_this_process() -> None:
    assert supervised(who) == supervised(who) != os.getpid()


def test_what_the_function_raises_passes_through() -> None:
    with pytest.raises(Rejected) as rejected:
        supervised(reject)
    assert (rejected.value.code, rejected.value.message, rejected.value.detail) == ("broken", "it is broken", {"at": 3})


@pytest.mark.parametrize("how", [signal.SIGSEGV, signal.SIGKILL, signal.SIGABRT])
def test_a_crash_costs_one_call(how: int) -> None:
    with pytest.raises(ChildDiedError, match="the decoding process died"):
        supervised(crash, how)
    assert supervised(twice, b"a") == b"aa"


def test_leaving_costs_one_call() -> None:
    with pytest.raises(ChildDiedError, match="exit code 3"):
        supervised(leave, 3)
    assert supervised(twice, b"a") == b"aa"


def test_a_child_that_dies_between_calls_costs_none() -> None:
    for _ in range(2):
        os.kill(supervised(who), signal.SIGKILL)
        assert supervised(twice, b"a") == b"aa"
    os.kill(supervised(who), signal.SIGKILL)
    time.sleep(0.5)  # long enough for the pool to see it
    assert supervised(twice, b"a") == b"aa"


def test_a_child_that_dies_before_it_begins_costs_one_call() -> None:
    with pytest.raises(ChildDiedError, match="died twice before it began"):
        supervised(twice, Deadly())  # type: ignore[arg-type]
    assert supervised(twice, b"a") == b"aa"


def test_an_exception_that_cannot_be_made_again_is_told_in_its_words() -> None:
    child = supervised(who)
    with pytest.raises(RuntimeError, match="Unrepeatable: here is wrong 2 times"):
        supervised(fail_unrepeatably)
    assert supervised(who) == child


def test_a_hang_costs_one_call_and_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    child = supervised(who)
    monkeypatch.setattr(supervise, "PATIENCE_SECONDS", 0.5)
    with pytest.raises(ChildHungError, match=r"no result within 0\.5 s"):
        supervised(hang)
    monkeypatch.undo()
    assert supervised(who) != child
    with pytest.raises(ProcessLookupError):
        os.kill(child, 0)


def test_the_child_does_not_import_beam() -> None:
    import apache_beam

    assert apache_beam.__name__ in sys.modules
    assert supervised(imported) == []
