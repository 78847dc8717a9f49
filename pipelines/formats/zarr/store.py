"""One Zarr store (v2 or v3, a folder or a zip file) of which nothing is trusted: arrays by key, read from its own files alone.

Refused before anything is decoded: a codec that runs code (pickle) or is not known. What carries a checksum (crc32c, crc32,
adler32, fletcher32, shard indexes, zip members) is checked as it is read. A chunk that is not there stands for the fill value
in Zarr, so a lost one cannot be told from an empty one: how many there are is said.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Collection, Iterator, Mapping, MutableMapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.extras import library
from pipelines.formats.hdf5.file import natural
from pipelines.io.archive import open_archive
from pipelines.sources import Rejected

Array = npt.NDArray[Any]

EXTRA, JPEG_XL_EXTRA = "zarr", "jpegxl"
MAX_RATIO = 2_000
ALWAYS_ALLOWED = 64 << 20
BLOCK_BYTES = 32 << 20
"""Rows are read in blocks of about this many bytes."""

_PLAIN = frozenset(
    [
        "adler32",
        "astype",
        "base64",
        "bitround",
        "blosc",
        "bytes",
        "bz2",
        "crc32",
        "crc32c",
        "delta",
        "fixedscaleoffset",
        "fletcher32",
        "gzip",
        "jenkins_lookup3",
        "lz4",
        "lzma",
        "packbits",
        "pcodec",
        "quantize",
        "sharding_indexed",
        "shuffle",
        "transpose",
        "vlen-bytes",
        "vlen-utf8",
        "zlib",
        "zstd",
    ]
)
"""Codecs that only unpack; `pickle` runs code, `json2` and `msgpack2` make objects."""
_METADATA = (".zarray", ".zattrs", ".zgroup", ".zmetadata", "zarr.json")
_CHECKSUMS = frozenset(("adler32", "crc32", "crc32c", "fletcher32", "jenkins_lookup3"))


class _Files(MutableMapping[str, Any]):
    """What zarr takes for a store in memory: key → bytes, read when asked for. Nothing can be written."""

    def __init__(self, read: Mapping[str, Any], wrap: Any, blosc: Collection[str], name: str) -> None:
        self._read, self._wrap, self._blosc, self._name = read, wrap, blosc, name

    def __getitem__(self, key: str) -> Any:
        data = self._read[key]()
        folder = next((folder for folder in self._blosc if key.startswith(folder)), None)
        if folder is not None and key.rsplit("/", 1)[-1] not in _METADATA:
            _check_blosc(data, f"{self._name}: {key}")
        return self._wrap(data)

    def __iter__(self) -> Iterator[str]:
        return iter(self._read)

    def __len__(self) -> int:
        return len(self._read)

    def __setitem__(self, key: str, value: Any) -> None:
        raise TypeError("the store is read only")

    def __delitem__(self, key: str) -> None:
        raise TypeError("the store is read only")


class ZarrStore:
    """The arrays of a store by key (`data/action`), and the attributes of its root."""

    def __init__(
        self,
        arrays: Mapping[str, Any],
        attributes: Mapping[str, Any],
        sizes: Mapping[str, int],
        codecs: Mapping[str, Collection[str]],
        name: str,
    ) -> None:
        self.arrays, self.attributes, self.name = arrays, attributes, name
        self._sizes, self._codecs = sizes, codecs
        self._block: tuple[str, int, int, Array] | None = None

    def rows(self, key: str, start: int, stop: int) -> Array:
        """Rows `start` to `stop` of an array. Raises Rejected (`zarr_damaged`, `zarr_bomb`)."""
        self._refuse_bomb(key)
        try:
            return np.asarray(self.arrays[key][start:stop])
        except Rejected:
            raise
        except Exception as error:
            message = f"{self.name}: {key}, rows {start} to {stop}, cannot be unpacked ({type(error).__name__}: {error}): copy it again"
            raise Rejected("zarr_damaged", message, {"key": key, "start": start, "stop": stop}) from error

    def row(self, key: str, row: int) -> Array:
        """One row, of a block of whole chunks that is kept for the next. Raises as `rows`."""
        if self._block is None or self._block[0] != key or not self._block[1] <= row < self._block[2]:
            array = self.arrays[key]
            chunk = max(1, int(array.chunks[0]))
            bytes_per_row = max(1, int(np.prod(array.shape[1:], dtype=np.int64)) * array.dtype.itemsize)
            size = max(chunk, BLOCK_BYTES // bytes_per_row // chunk * chunk)
            start = row // size * size
            stop = min(start + size, array.shape[0])
            self._block = (key, start, stop, self.rows(key, start, stop))
        found: Array = self._block[3][row - self._block[1]]
        return found

    def absent_chunks(self) -> dict[str, int]:
        """How many chunks of each array are not there and stand for its fill value. Raises Rejected (`zarr_unreadable`)."""
        try:
            counts = {key: int(array.nchunks - array.nchunks_initialized) for key, array in self.arrays.items()}
        except Exception as error:
            raise _unreadable(self.name, error) from error
        return {key: count for key, count in counts.items() if count > 0}

    def without_array(self) -> list[str]:
        """Keys below `data/` and `meta/` that belong to no array: its metadata is lost, or another name was meant."""
        known = tuple(f"{key}/" for key in self.arrays)
        inside = (key for key in self._sizes if key.startswith(("data/", "meta/")) and not key.startswith(known))
        return sorted(key for key in inside if key.rsplit("/", 1)[-1] not in _METADATA)

    def check_the_rest(self, used: set[str]) -> None:
        """Read what carries a checksum and was not asked for. Raises Rejected (`zarr_damaged`)."""
        for key, array in self.arrays.items():
            if key not in used and _CHECKSUMS.intersection(self._codecs.get(f"{key}/", ())):
                for start in range(0, array.shape[0], max(1, int(array.chunks[0]))):
                    self.rows(key, start, start + int(array.chunks[0]))

    def _refuse_bomb(self, key: str) -> None:
        array = self.arrays[key]
        size = int(array.nbytes)
        stored = sum(length for name, length in self._sizes.items() if name.startswith(f"{key}/"))
        if size > ALWAYS_ALLOWED and size > MAX_RATIO * max(1, stored):
            message = f"{self.name}: {key} holds {stored:,} bytes and would unpack to {size:,}: its chunks are missing"
            raise Rejected("zarr_bomb", message, {"key": key, "stored": stored, "unpacked": size})


@contextmanager
def open_zarr(files: Mapping[str, Path], name: str) -> Iterator[ZarrStore]:
    """A store from its files by key, or from one zip file. Raises Rejected: `extra_missing`, `zarr_unreadable`,
    `codec_refused`, and as `open_archive`.
    """
    zarr = library("zarr", EXTRA, "reading Zarr")
    with ExitStack() as stack:
        read, sizes = _readers(files, stack)
        codecs = _codecs_by_array(read, name)
        _register({codec for own in codecs.values() for codec in own})
        blosc = [folder for folder, own in codecs.items() if own and own[-1] == "blosc"]
        wrap = zarr.core.buffer.cpu.Buffer.from_bytes
        try:
            root = zarr.open_group(
                zarr.storage.MemoryStore(_Files(read, wrap, blosc, name), read_only=True), mode="r", use_consolidated=False
            )
            with warnings.catch_warnings(category=UserWarning, action="ignore"):  # of keys that belong to no array: see there
                arrays = {key: array for key, array in root.members(max_depth=None) if isinstance(array, zarr.Array)}
            attributes = dict(root.attrs)
        except Rejected:
            raise
        except Exception as error:
            raise _unreadable(name, error) from error
        yield ZarrStore({key: arrays[key] for key in sorted(arrays, key=natural)}, attributes, sizes, codecs, name)


def _unreadable(name: str, error: Exception) -> Rejected:
    message = f"{name} cannot be opened as Zarr ({type(error).__name__}: {error}): copy it again, or mend its metadata"
    return Rejected("zarr_unreadable", message)


def _readers(files: Mapping[str, Path], stack: ExitStack) -> tuple[dict[str, Any], dict[str, int]]:
    """Key → what reads its bytes, and key → size; of a zip file its members, without a folder that all of them lie in."""
    if len(files) == 1 and next(iter(files)).endswith(".zip"):
        archive = stack.enter_context(open_archive(next(iter(files.values()))))
        tops = {name.split("/")[0] for name in archive.names}
        top = f"{next(iter(tops))}/" if len(tops) == 1 and not any(n.split("/")[-1] == n for n in archive.names) else ""
        top = top if any(n in archive.names for n in (f"{top}.zgroup", f"{top}zarr.json")) else ""
        names = {name.removeprefix(top): name for name in archive.names if name.startswith(top)}
        return (
            {key: (lambda name=name: archive.read(name)) for key, name in names.items()},
            {key: archive.size(name) for key, name in names.items()},
        )
    return (
        {key: path.read_bytes for key, path in files.items()},
        {key: path.stat().st_size for key, path in files.items()},
    )


def _codecs_by_array(read: Mapping[str, Any], name: str) -> dict[str, list[str]]:
    """Folder of each array → its codecs in the order in which they pack. Raises Rejected for one that is not known to be
    harmless, or for metadata that is none.
    """
    found: dict[str, list[str]] = {}
    for key in sorted(read):
        folder, _, last = key.rpartition("/")
        if last not in (".zarray", "zarr.json"):
            continue
        try:
            own = list(_codec_names(json.loads(read[key]())))
        except (ValueError, RecursionError, AttributeError, TypeError) as error:
            raise Rejected("zarr_unreadable", f"{name}: {key} is no metadata of Zarr ({error}): copy it again") from error
        for codec in own:
            plain = codec.removeprefix("numcodecs.")
            if plain not in _PLAIN and not plain.startswith("imagecodecs_"):
                message = f"{name}: {key}: codec {codec!r} is none of those that only unpack: write the array without it"
                raise Rejected("codec_refused", message, {"codec": codec})
        if own:
            found[f"{folder}/"] = own
    return found


def _codec_names(said: Mapping[str, Any]) -> Iterator[str]:
    """The codecs of one array's metadata in the order in which they pack: v2 filters, compressor; v3 codecs, inner ones first."""
    for entry in (*(said.get("filters") or []), *(said.get("codecs") or []), said.get("compressor")):
        if entry is None:
            continue
        named = (
            entry if isinstance(entry, Mapping) else {"id": getattr(entry, "codec_id", None) or type(entry).__name__.lower()}
        )
        inner = named.get("configuration")
        if isinstance(inner, Mapping):
            yield from _codec_names({"codecs": [*(inner.get("codecs") or []), *(inner.get("index_codecs") or [])]})
        yield str(named.get("id") or named.get("name"))


def _check_blosc(data: bytes, where: str) -> None:
    """Blosc's decoder trusts the size in its header and reads beyond a chunk that was cut off. Raises Rejected (`zarr_damaged`)."""
    declared = int.from_bytes(data[12:16], "little")
    if len(data) < 16 or declared != len(data):
        raise Rejected("zarr_damaged", f"{where} has {len(data)} bytes, its header says {declared}: copy it again")


def _register(codecs: set[str]) -> None:
    """Make imagecodecs' codecs known where a store uses them. Raises Rejected (`extra_missing`)."""
    if any("imagecodecs_" in codec for codec in codecs):
        what = f"codec {next(codec for codec in sorted(codecs) if 'imagecodecs_' in codec)}"
        library("imagecodecs.numcodecs", JPEG_XL_EXTRA, what).register_codecs(verbose=False)
