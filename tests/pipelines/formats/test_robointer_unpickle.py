"""Pickles of strangers: what they hold is taken, what they would do is not done."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

from pipelines.formats.robointer.unpickle import safe_loads
from pipelines.sources import Rejected


class _Runs:
    def __init__(self, *call: object) -> None:
        self.call = call

    def __reduce__(self):
        function, *arguments = self.call
        return function, tuple(arguments)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_containers_and_arrays_of_numbers_are_taken(protocol):
    value = {
        3: OrderedDict(a=[1, 2.5, None, True, "text"], b=(1, (2,))),
        (0, 9): np.arange(6, dtype=np.int32).reshape(2, 3),
        "order": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "big": np.arange(3, dtype=">i2"),
        "one": np.float32(0.5),
        "count": np.int64(7),
    }
    if protocol < 3:  # bytes inside are then made by calling a codec, which is not taken
        with pytest.raises(Rejected, match=r"_codecs\.encode"):
            safe_loads(pickle.dumps(value, protocol), "x")
        return
    assert safe_loads(pickle.dumps(value, protocol), "x") == {
        3: {"a": [1, 2.5, None, True, "text"], "b": (1, (2,))},
        (0, 9): [[0, 1, 2], [3, 4, 5]],
        "order": [[0, 1, 2], [3, 4, 5]],
        "big": [0, 1, 2],
        "one": 0.5,
        "count": 7,
    }


def test_code_does_not_run(tmp_path):
    trace = tmp_path / "ran"
    for call in (
        (os.system, f"touch {trace}"),
        (eval, f"open({str(trace)!r}, 'w')"),
        (Path.touch, trace),
        (getattr, "a", "upper"),
    ):
        with pytest.raises(Rejected, match="refused: plain containers") as refused:
            safe_loads(pickle.dumps({"a": [_Runs(*call)]}), "annotations.pkl")
        assert refused.value.code == "pickle_refused"
    assert not trace.exists()
    with pytest.raises(Rejected, match=r"the pickle refers to (posix|os)\.system; refused"):
        safe_loads(pickle.dumps(_Runs(os.system, "true")), "x")


def test_stand_ins_cannot_be_changed_from_within():
    build = b"N}\x8c\x04real\x8c\x01xs\x86b."  # BUILD with (None, {"real": "x"}) sets an attribute of what stands before it
    with pytest.raises(Rejected, match="the attribute 'real' of a class"):
        safe_loads(b"\x80\x04cnumpy\nndarray\n" + build, "x")
    for name in (b"numpy\ndtype", b"numpy._core.multiarray\n_reconstruct", b"numpy._core.multiarray\nscalar"):
        with pytest.raises(Rejected):
            safe_loads(b"\x80\x04c" + name + b"\n" + build, "x")
    assert safe_loads(pickle.dumps(np.arange(2)), "x") == [0, 1]


def test_arrays_of_objects_and_folded_containers_are_refused():
    with pytest.raises(Rejected) as refused:
        safe_loads(pickle.dumps(np.array([{}, []], object)), "x")
    assert refused.value.code == "pickle_refused"
    folded: list[object] = []
    for _ in range(40):
        folded = [folded, folded]
    with pytest.raises(Rejected, match="or folded"):
        safe_loads(pickle.dumps(folded), "x")
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(Rejected, match="nested deeper"):
        safe_loads(pickle.dumps(endless), "x")


def test_damage_is_said_as_damage():
    whole = pickle.dumps({"a": np.arange(100)})
    for data in (b"", whole[:-30], b"\x80\x04K\x01", whole.replace(b"K", b"J", 1)):
        with pytest.raises(Rejected) as refused:
            safe_loads(data, "x")
        assert refused.value.code in ("pickle_damaged", "pickle_refused")
