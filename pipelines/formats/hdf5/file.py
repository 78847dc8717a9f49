"""One HDF5 file of which nothing is trusted: its arrays by key, read inside the file and nowhere else.

Refused: a file that was cut off, links to other files (external links, external and virtual storage), object and region
references, groups that hold themselves. What a file carries checksums for is checked by the library as it is read: metadata,
and arrays with the Fletcher-32 filter, which are read for that also where the field map does not ask for them.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.extras import library
from pipelines.formats.arrays.pictures import Picture
from pipelines.sources import Rejected

Array = npt.NDArray[Any]

EXTRA = "hdf5"
SIGNATURE = b"\x89HDF\r\n\x1a\n"
MAX_DEPTH = 32
MAX_OBJECTS = 1_000_000
MAX_RATIO = 2_000
"""Unpacked bytes per stored byte of an array; deflate reaches about 1,000."""
ALWAYS_ALLOWED = 64 << 20

_NUMBERED = re.compile(r"(\D*[_ -]|)(\d+)")
_UNREADABLE = (OSError, RuntimeError, KeyError, ValueError, TypeError)
"""What h5py raises for damaged bytes."""


@contextmanager
def open_hdf5(path: Path, name: str) -> Iterator[Any]:
    """The file, opened for reading without a lock. Raises Rejected: `extra_missing`, `hdf5_truncated`, `hdf5_unreadable`,
    `hdf5_external`, `hdf5_reference`, `hdf5_damaged`.
    """
    h5py = library("h5py", EXTRA, "reading HDF5")
    if path.stat().st_size:
        _refuse_endless(path, name)
    try:
        opened = h5py.File(path, "r", locking=False)
    except OSError as error:
        code = "hdf5_truncated" if "truncated" in str(error) else "hdf5_unreadable"
        size = path.stat().st_size
        message = f"{name} ({size:,} bytes) cannot be opened as HDF5 ({error}): copy it again from where it came"
        raise Rejected(code, message, {"bytes": size}) from error
    with opened:
        _refuse_outside(opened, name, h5py)
        yield opened


def bytes_beyond_end(path: Path) -> int:
    """How many bytes lie beyond the end that a file states: 0, unless a copy doubled or appended something.

    The library refuses a file that is shorter and takes one that is longer (format specification 3.0, II.A).
    """
    with path.open("rb") as file:
        for start in (0, *(512 << power for power in range(20))):
            file.seek(start)
            head = file.read(52)
            if head[:8] == SIGNATURE or len(head) < 52:
                break
    version, size_of_offsets = (head[8], head[9] if head[8] > 1 else head[13]) if len(head) == 52 else (0, 0)
    if size_of_offsets != 8 or version > 3:
        return 0
    base, end = {0: (24, 40), 1: (28, 44)}.get(version, (12, 28))
    stated = start - int.from_bytes(head[base : base + 8], "little") + int.from_bytes(head[end : end + 8], "little")
    return max(0, path.stat().st_size - stated)


def natural(text: str) -> list[tuple[int, int, str]]:
    """What sorts demo_10 after demo_2."""
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in re.split(r"(\d+)", text) if part]


def padded(path: str) -> str:
    """A name that ends with its one number, that number with six digits: ids sort as numbers do then. `demo_2` → `demo_000002`.

    Of a path the last name; one with more numbers (a date) stays as it is.
    """
    above, slash, name = path.rpartition("/")
    match = _NUMBERED.fullmatch(name)
    return f"{above}{slash}{match[1]}{match[2].zfill(6)}" if match else path


class Hdf5Episode:
    """The arrays of one episode: the group at `place` of an open file, with the attributes of the groups that it lies in.

    See `pipelines.formats.arrays.places.Arrays`.
    """

    def __init__(self, opened: Any, place: str, native_id: str) -> None:
        self.native_id = native_id
        self._group = opened[place] if place else opened
        self._parents = (
            [opened["/".join(place.split("/")[:depth]) or "/"] for depth in range(place.count("/") + 1)] if place else []
        )
        self._datasets = dict(_datasets(self._group))
        self._attributes: dict[str, Any] | None = None

    def names(self) -> Sequence[str]:
        """Keys of all arrays, `/` between groups, in order of name."""
        return tuple(self._datasets)

    def shape(self, key: str) -> tuple[int, ...]:
        """The shape of an array."""
        return tuple(self._datasets[key].shape or ())

    def array(self, key: str) -> Array:
        """All of an array. Raises Rejected (`hdf5_damaged`, `hdf5_bomb`)."""
        return np.asarray(self._read(key, ()))

    def picture(self, key: str, row: int) -> Picture:
        """One row: an array, or the bytes of an encoded picture."""
        value = self._read(key, row)
        if isinstance(value, bytes):
            return value
        if isinstance(value, np.void):
            return value.tobytes()
        return np.asarray(value)

    def attributes(self) -> Mapping[str, Any]:
        """Attributes of the group, then of the groups above it."""
        if self._attributes is None:
            self._attributes = {}
            for group in (self._group, *reversed(self._parents)):
                for name, value in _attributes(group, self.native_id).items():
                    self._attributes.setdefault(name, value)
        return self._attributes

    def check_the_rest(self, used: set[str]) -> None:
        """Read what carries a checksum and was not asked for. Raises Rejected (`hdf5_damaged`)."""
        for key, dataset in self._datasets.items():
            if key not in used and dataset.fletcher32:
                for row in range(len(dataset)):
                    self._read(key, row)

    def _read(self, key: str, what: Any) -> Any:
        dataset = self._datasets[key]
        try:
            _refuse_bomb(dataset, key, self.native_id)
            return dataset[what]
        except _UNREADABLE as error:
            place = f"{self.native_id}: {key}" + (f", row {what}" if isinstance(what, int) else "")
            message = f"{place} cannot be read ({error}): the file is damaged, or packed by a filter that is not installed"
            raise Rejected("hdf5_damaged", message, {"key": key}) from error


def _datasets(group: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(key, dataset) of everything below a group; the file was walked before, so this ends."""
    for name in sorted(group, key=natural):
        item = group[name]
        if hasattr(item, "shape"):
            yield prefix + name, item
        elif hasattr(item, "keys"):
            yield from _datasets(item, f"{prefix}{name}/")


def _attributes(item: Any, where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        for name in sorted(item.attrs):
            value = item.attrs[name]
            if isinstance(value, bytes):
                value = value.decode(errors="replace")
            if isinstance(value, np.ndarray) and value.dtype.kind == "O":
                continue  # references and texts of any length: dimension scales mostly
            if isinstance(value, str | int | float | bool | np.generic | np.ndarray):
                found[name] = value.item() if isinstance(value, np.generic) else value
    except _UNREADABLE as error:
        raise Rejected("hdf5_damaged", f"{where}: an attribute of {item.name} cannot be read ({error})") from error
    return found


def _refuse_outside(opened: Any, name: str, h5py: Any) -> None:
    """Walk the whole file once and refuse what leads out of it, or in circles."""
    seen: set[Any] = set()
    waiting = [("", opened)]
    while waiting:
        place, group = waiting.pop()
        try:
            for child in group:
                link = group.get(child, getlink=True)
                key = f"{place}{child}"
                if isinstance(link, h5py.ExternalLink):
                    message = f"{name}: {key} is a link into another file ({link.filename!r}): copy the data into this one"
                    raise Rejected("hdf5_external", message, {"key": key})
                item = group[child]
                address = h5py.h5o.get_info(item.id).addr
                if isinstance(item, h5py.Group):
                    if address in seen or key.count("/") > MAX_DEPTH:
                        raise Rejected("hdf5_damaged", f"{name}: {key} lies in itself, or too deep: it was not written so")
                    waiting.append((f"{key}/", item))
                elif isinstance(item, h5py.Dataset):
                    _refuse_dataset(item, f"{name}: {key}", h5py)
                seen.add(address)
                if len(seen) > MAX_OBJECTS:
                    raise Rejected("hdf5_damaged", f"{name} holds more than {MAX_OBJECTS:,} objects")
        except _UNREADABLE as error:
            raise Rejected(
                "hdf5_damaged", f"{name}: {place or 'its root'} cannot be listed ({error}): copy it again"
            ) from error


def _refuse_dataset(dataset: Any, where: str, h5py: Any) -> None:
    if dataset.is_virtual or dataset.external:
        raise Rejected("hdf5_external", f"{where} has its values in another file: copy the data into this one")
    kinds = [dataset.dtype, *(field[0] for field in (dataset.dtype.fields or {}).values())]
    kinds += [inner for kind in kinds if isinstance(inner := h5py.check_vlen_dtype(kind), np.dtype)]
    if any(h5py.check_ref_dtype(kind) is not None for kind in kinds):
        raise Rejected("hdf5_reference", f"{where} holds references to objects: write the values themselves")


def _refuse_endless(path: Path, name: str) -> None:
    """Walk the global heaps, which hold texts: the library walks one for ever in which an entry has no size (format
    specification 3.0, III.E). Raises Rejected (`hdf5_damaged`).
    """
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = data.find(b"GCOL\1\0\0\0")
        while start >= 0:
            end = start + int.from_bytes(data[start + 8 : start + 16], "little")
            at = start + 16
            while start + 4096 <= end <= len(data) and at + 16 <= end:
                size = int.from_bytes(data[at + 8 : at + 16], "little")
                free = data[at : at + 2] == b"\0\0"
                if free and size < 16:
                    raise Rejected("hdf5_damaged", f"{name}: an entry of the heap at byte {start:,} has no size: copy it again")
                at += size if free else 16 + (size + 7) // 8 * 8
            start = data.find(b"GCOL\1\0\0\0", start + 8)


def _refuse_bomb(dataset: Any, key: str, where: str) -> None:
    size = dataset.size * dataset.dtype.itemsize if dataset.shape else 0
    stored = dataset.id.get_storage_size()
    if size > ALWAYS_ALLOWED and size > MAX_RATIO * max(1, stored):
        message = f"{where}: {key} holds {stored:,} bytes and would unpack to {size:,}: it was never filled, or made to harm"
        raise Rejected("hdf5_bomb", message, {"key": key, "stored": stored, "unpacked": size})
