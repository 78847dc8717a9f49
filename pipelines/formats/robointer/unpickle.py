"""Pickles of strangers: plain containers, text, numbers and numpy arrays of numbers, and nothing else.

A pickle is a program; what it may call is decided by `find_class` alone. Here it gets no class and no function of Python or of
numpy, only stand-ins that keep what they are given. Arrays are built from those afterwards, their type and length checked.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from pipelines.sources import Rejected

MAX_DEPTH = 64
MAX_NODES_PER_BYTE = 64
"""Values that share a container are unfolded; a pickle of a few bytes can fold a list 2^64 times."""

_KINDS = "biufSU"
_MODULES = ("numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric")


class _Refused(pickle.UnpicklingError):
    pass


class _Fixed(type):
    """A class that a pickle cannot change: its BUILD would set attributes of what `find_class` gave."""

    def __setattr__(cls, name: str, value: Any) -> None:
        raise _Refused(f"the attribute {name!r} of a class")


class _Class(metaclass=_Fixed):
    """Stands for `numpy.ndarray`, which pickles name and never call."""


class _Dtype(metaclass=_Fixed):
    """Stands for `numpy.dtype(code)`."""

    def __init__(self, code: Any = None, *_: Any) -> None:
        self.code, self.order = code, "|"

    def __setstate__(self, state: Any) -> None:
        self.order = state[1] if isinstance(state, tuple) and len(state) > 1 else "?"

    def real(self) -> np.dtype[Any]:
        """The type. Raises _Refused for any but numbers and text of a fixed length."""
        if (
            not isinstance(self.code, str)
            or not self.code[:1].isalpha()
            or self.code[0] not in _KINDS
            or self.order not in "<>|="
        ):
            raise _Refused(f"an array of type {self.code!r}")
        return np.dtype(self.code).newbyteorder(">" if self.order == ">" else "<")


class _Array(metaclass=_Fixed):
    """Stands for an array under construction."""

    def __init__(self, *_: Any) -> None:
        self.state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def real(self) -> Any:
        """The array as lists. Raises _Refused for a shape that its bytes do not fill."""
        if not isinstance(self.state, tuple) or len(self.state) != 5:
            raise _Refused("an array without content")
        _, shape, dtype, fortran, data = self.state
        return _numbers(data, dtype, shape, "F" if fortran else "C")


class _Made(_Array):
    """Stands for what `_frombuffer` (protocol 5) makes."""

    def __init__(self, data: Any = None, dtype: Any = None, shape: Any = None, order: Any = "C") -> None:
        super().__init__()
        self.given = data, dtype, shape, order

    def real(self) -> Any:
        """The array as lists."""
        return _numbers(*self.given)


class _Scalar(metaclass=_Fixed):
    """Stands for `numpy.core.multiarray.scalar(dtype, bytes)`."""

    def __init__(self, dtype: Any = None, data: Any = None) -> None:
        self.given = dtype, data

    def real(self) -> Any:
        """The number."""
        dtype, data = self.given
        return _numbers(data, dtype, (), "C")


_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): dict,
    ("numpy", "ndarray"): _Class,
    ("numpy", "dtype"): _Dtype,
    **{(module, "_reconstruct"): _Array for module in _MODULES[:2]},
    **{(module, "scalar"): _Scalar for module in _MODULES[:2]},
    **{(module, "_frombuffer"): _Made for module in _MODULES[2:]},
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise _Refused(f"{module}.{name}") from None

    def persistent_load(self, pid: Any) -> Any:
        raise _Refused(f"the persistent id {str(pid)[:40]!r}")


def safe_loads(data: bytes | memoryview, where: str) -> Any:
    """The value of a pickle, arrays as lists and tuples as they are.

    Raises Rejected: `pickle_refused` for one that refers to anything but containers and arrays of numbers, `pickle_damaged`.
    """
    try:
        return _Finish(MAX_NODES_PER_BYTE * (len(data) + 1024)).of(_Unpickler(io.BytesIO(data)).load(), 0)
    except _Refused as error:
        message = f"{where}: the pickle refers to {error}; refused: plain containers and arrays of numbers are taken"
        raise Rejected("pickle_refused", message, {"refers_to": str(error)}) from error
    except Exception as error:  # a broken pickle makes its reader raise anything
        message = f"{where} is no whole pickle ({type(error).__name__}: {error}): copy it again from where it came"
        raise Rejected("pickle_damaged", message) from error


class _Finish:
    """Puts arrays in place of their stand-ins, as long as there are not more than `left` values."""

    def __init__(self, left: int) -> None:
        self._left = left

    def of(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise _Refused(f"containers nested deeper than {MAX_DEPTH} levels, or folded")
        if value is None or type(value) in (bool, int, float, str, bytes):
            return value
        if isinstance(value, _Array | _Scalar):
            return value.real()
        if type(value) is dict:
            return {self.of(key, depth + 1): self.of(inner, depth + 1) for key, inner in value.items()}
        if type(value) in (list, tuple, set, frozenset):
            return type(value)(self.of(inner, depth + 1) for inner in value)
        raise _Refused(f"a value of type {type(value).__name__.lstrip('_').lower()}")


def _numbers(data: Any, dtype: Any, shape: Any, order: Any) -> Any:
    if not isinstance(dtype, _Dtype) or not isinstance(data, bytes | bytearray) or not isinstance(shape, tuple):
        raise _Refused("an array of objects")
    real = dtype.real()
    if not all(isinstance(size, int) and size >= 0 for size in shape) or order not in ("C", "F"):
        raise _Refused(f"an array of shape {shape}")
    values = np.frombuffer(data, real)
    return values.reshape(shape, order=order).tolist()
