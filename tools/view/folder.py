"""The files of a release, wherever they lie, and the rows of one trajectory in them.

A row group that cannot hold a trajectory is not read (its ids are sorted), and media are read when they are asked for.
"""

from __future__ import annotations

import difflib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.errors import ConfigurationError
from pipelines.io.parquet import open_parquet
from pipelines.recipe import load_recipe
from pipelines.release.place import FOLDER
from schemas.tables import KINDS

MEDIA = {
    "videos": ("video", ("stream", "part")),
    "images": ("image", ("stream", "frame")),
    "gui_steps": ("screenshot", ("step",)),
}
"""Table → its column of media, and the columns that tell its rows of one trajectory apart."""
_SUFFIX = {"videos": ".mp4", "images": ".png", "gui_steps": ".png"}
_SHOWN = 8
"""Ids that a sentence lists."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a cell of media lies: `file`, row group, row in it, column."""

    file: str
    group: int
    row: int
    column: str
    suffix: str


@dataclass
class ReleaseFolder:
    """The Parquet files of a release: `root` is a folder or an fsspec URI."""

    root: str
    names: tuple[str, ...] = field(init=False)
    _fs: Any = field(init=False, repr=False)
    _last: tuple[tuple[str, int, str], pa.ChunkedArray] | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        """List the files. Raises ConfigurationError where the folder holds no release."""
        self._fs, path = fsspec.core.url_to_fs(self.root)
        path = path.rstrip("/")
        found = self._fs.find(path) if self._fs.isdir(path) else []
        self.names = tuple(sorted(name.removeprefix(f"{path}/") for name in found if name.endswith(".parquet")))
        if not self.files("trajectories"):
            raise ConfigurationError(
                f"{self.root} holds no table of trajectories: give the folder of a release (it holds README.md and "
                "trajectories/), a workspace, or a recipe that was run"
            )

    def files(self, table: str) -> tuple[str, ...]:
        """The files of a table or a layer (`segments/subtask`), in order."""
        return tuple(name for name in self.names if name.rpartition("/")[0] == table)

    def annotations(self) -> list[tuple[str, str, str]]:
        """Kind, layer, folder of all annotations."""
        folders = dict.fromkeys(name.rpartition("/")[0] for name in self.names)
        found = [(*folder.partition("/")[::2], folder) for folder in folders]
        return sorted((kind, layer, folder) for kind, layer, folder in found if kind in KINDS and layer)

    def ids(self) -> list[str]:
        """All trajectory ids, sorted."""
        return sorted(
            i for name in self.files("trajectories") for i in self._table(name, ["trajectory_id"]).column(0).to_pylist()
        )

    def header(self, trajectory_id: str) -> dict[str, Any]:
        """The row of `trajectories`. Raises ConfigurationError for an unknown id, with those that are like it."""
        found = self.rows("trajectories", trajectory_id)
        if found is None:
            raise ConfigurationError(f"{self.root} has no trajectory {trajectory_id!r}; {like(trajectory_id, self.ids())}")
        row: dict[str, Any] = found.to_pylist()[0]
        return row

    def rows(self, table: str, value: str, key: str = "trajectory_id", columns: Sequence[str] | None = None) -> pa.Table | None:
        """The rows of a table whose `key` is `value`, without media (`columns`: some); None where there are none."""
        parts = []
        for name in self.files(table):
            with self._open(name) as file:
                parquet = open_parquet(file)
                names = [n for n in parquet.schema_arrow.names if n not in {column for column, _ in MEDIA.values()}]
                for group in _groups(parquet, key, value):
                    part = parquet.read_row_group(group, columns=names if columns is None else [key, *columns])
                    parts.append(part.filter(pc.equal(part[key], value)))
        found = pa.concat_tables(parts, promote_options="permissive").combine_chunks() if parts else None
        return found if found is not None and found.num_rows else None

    def media(self, table: str, trajectory_id: str) -> dict[tuple[Any, ...], Place]:
        """Where the media of a trajectory lie, by the columns of `MEDIA`; rows without media are left out."""
        column, keys = MEDIA[table]
        found: dict[tuple[Any, ...], Place] = {}
        for name in self.files(table):
            with self._open(name) as file:
                parquet = open_parquet(file)
                for group in _groups(parquet, "trajectory_id", trajectory_id):
                    part = parquet.read_row_group(group, columns=["trajectory_id", *keys, f"{column}.path"])
                    own = pc.and_(pc.equal(part["trajectory_id"], trajectory_id), part[column].is_valid())
                    rows = pc.indices_nonzero(own)
                    values = [part[key].take(rows).to_pylist() for key in keys]
                    for row, *of_row in zip(rows.to_pylist(), *values, strict=True):
                        found[tuple(of_row)] = Place(name, group, row, column, _SUFFIX[table])
        return found

    def read(self, place: Place) -> bytes:
        """The bytes of a cell of media. The row group that was read last is kept: read in order."""
        key = (place.file, place.group, place.column)
        if self._last is None or self._last[0] != key:
            self._last = None  # two row groups of media in memory are one too many
            with self._open(place.file) as file:
                self._last = key, open_parquet(file).read_row_group(place.group, columns=[place.column]).column(0)
        value: dict[str, Any] = self._last[1][place.row].as_py()
        return bytes(value["bytes"] or b"")

    @contextmanager
    def opened(self, place: Place) -> Iterator[Path]:
        """A local file with the bytes, for the time of the `with`."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, f"media{place.suffix}")
            path.write_bytes(self.read(place))
            yield path

    def all_rows(self, table: str, columns: Sequence[str]) -> list[dict[str, Any]]:
        """Some columns of a whole table."""
        return [row for name in self.files(table) for row in self._table(name, columns).to_pylist()]

    def _table(self, name: str, columns: Sequence[str]) -> pa.Table:
        with self._open(name) as file:
            return open_parquet(file).read(columns=list(columns))

    def _open(self, name: str) -> Any:
        return fsspec.open(f"{self.root.rstrip('/')}/{name}", "rb")


def open_release(place: str) -> ReleaseFolder:
    """The release that a person names: its folder, its workspace, or its recipe. Raises ConfigurationError."""
    if place.endswith((".yaml", ".yml")):
        recipe = load_recipe(Path(place))
        workspace = recipe.workspace_uri.rstrip("/")
        return ReleaseFolder(f"{workspace}/{FOLDER}")
    try:
        return ReleaseFolder(place)
    except ConfigurationError:
        fs, path = fsspec.core.url_to_fs(place)
        if not fs.isdir(f"{path.rstrip('/')}/{FOLDER}"):
            raise
        return ReleaseFolder(f"{place.rstrip('/')}/{FOLDER}")


def like(wanted: str, known: Sequence[str]) -> str:
    """A sentence that lists what is like `wanted`, or some of what there is."""
    if not known:
        return "there are none"
    end = wanted.rpartition("/")[2].lower()
    close = [name for name in known if end and end in name.lower()][:_SHOWN]
    close += difflib.get_close_matches(wanted, known[:20_000], _SHOWN - len(close), 0.5) if len(close) < _SHOWN else []
    listed = list(dict.fromkeys(close))
    if listed:
        return f"like it are {', '.join(listed)}"
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return f"there are {', '.join(known[:_SHOWN])}{more}"


def _groups(parquet: pq.ParquetFile, key: str, value: str) -> Iterator[int]:
    """The row groups that may hold a value, by their statistics."""
    place = parquet.schema_arrow.get_field_index(key)
    if place < 0:
        return
    leaf = next(i for i in range(parquet.metadata.num_columns) if parquet.schema.column(i).path == key)
    for group in range(parquet.num_row_groups):
        found = parquet.metadata.row_group(group).column(leaf).statistics
        if found is None or not found.has_min_max or found.min <= value <= found.max:
            yield group
