"""`cairn check`: every guard again, over a release folder that anyone may have edited.

Files are looked at one by one (a trajectory's rows never cross a file), so memory is bounded by the largest file without
its media; media are looked at a row group at a time.
"""

from __future__ import annotations

import hashlib
import json
import posixpath
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from data_cards.features import yaml_features
from data_cards.header import read_header
from pipelines.engine.supervise import ChildDiedError, ChildHungError, supervised
from pipelines.errors import ConfigurationError
from pipelines.io.media import sha256_of
from pipelines.io.video import count_frames
from pipelines.release.pictures import ASSETS
from pipelines.release.place import MANIFEST
from pipelines.release.products import sort_rows
from schemas.arrow import columns_of, published_schema, stored_schema
from schemas.invariants import check_annotations, check_trajectories
from schemas.layers import layers
from schemas.tables import HISTORY, KINDS, STEP_TABLES, TABLES
from schemas.types import MEDIA, Column
from schemas.versions import SchemaVersionError, stamp, upgrade
from schemas.views import VIEWS

MAX_ROW_GROUP = 286 << 20
"""Viewers refuse a row group above this (TooBigContentError)."""

_OF_TRAJECTORIES = (*STEP_TABLES.values(), "videos", "images", "gui_trees")


@dataclass(frozen=True, slots=True)
class Finding:
    """A broken rule in a release: where, stable code, and what would be right."""

    file: str
    code: str
    message: str


@dataclass(frozen=True)
class Folder:
    """A release folder: its files by name, and its Parquet files by table folder."""

    root: Path
    names: tuple[str, ...]

    @property
    def parquet(self) -> tuple[str, ...]:
        """Names of the Parquet files."""
        return tuple(name for name in self.names if name.endswith(".parquet"))

    def open(self, name: str) -> pq.ParquetFile:
        """A Parquet file; what is read of it is compared with the checksums of its pages."""
        return pq.ParquetFile(self.root / name, page_checksum_verification=True)

    def text(self, name: str) -> str:
        """A text file; bytes that are no UTF-8 are replaced."""
        return (self.root / name).read_text(encoding="utf-8", errors="replace")

    def sha256(self, name: str) -> str:
        """The checksum of a file's bytes."""
        return sha256_of(self.root / name)


def check_release(root: Path) -> list[Finding]:
    """All findings about a release folder, in order of file. Raises ConfigurationError where it is no folder."""
    if not root.is_dir():
        raise ConfigurationError(f"{root} is no folder; give the folder of a release, the one that holds README.md")
    names = tuple(sorted(p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()))
    folder = Folder(root, names)
    if not folder.parquet:
        raise ConfigurationError(f"{root} holds no Parquet file; give the folder of a release, the one that holds README.md")
    return check_folder(folder)


def check_folder(folder: Folder, media: bool = True) -> list[Finding]:
    """All findings about a release, in order of file. Without `media`, no byte of images and videos is read."""
    found = [*check_manifest(folder), *check_card(folder)]
    sound = []
    for name in folder.parquet:
        faults = list(check_file(folder, name))
        found += faults
        if not any(fault.code in ("parquet_unreadable", "schema_version", "schema_differs", "not_ours") for fault in faults):
            sound.append(name)
    found += check_rows(folder, sound, media)
    return sorted(found, key=lambda f: (f.file, f.code, f.message))


def check_manifest(folder: Folder) -> Iterator[Finding]:
    """`manifest_missing`, `file_missing`, `file_unlisted`, `checksum`: the manifest and the files agree."""
    if MANIFEST not in folder.names:
        yield Finding(
            MANIFEST, "manifest_missing", "there is no manifest: the release was not finished, run `cairn release` again"
        )
        return
    listed = {}
    for number, line in enumerate(folder.text(MANIFEST).splitlines(), 1):
        digest, _, name = line.partition("  ")
        if len(digest) != 64 or not name:
            yield Finding(MANIFEST, "manifest_line", f"line {number} is not `sha256  name`: {line[:80]!r}")
            continue
        listed[name] = digest
    for name in sorted(listed.keys() - set(folder.names)):
        yield Finding(name, "file_missing", "the manifest lists it and it is not there")
    for name in sorted(set(folder.names) - listed.keys() - {MANIFEST}):
        if not name.startswith("."):
            yield Finding(name, "file_unlisted", "it is there and the manifest does not list it")
    for name in sorted(listed.keys() & set(folder.names)):
        if folder.sha256(name) != listed[name]:
            yield Finding(name, "checksum", "its bytes are not those of the manifest: it was changed, or torn on the way")


def check_card(folder: Folder) -> Iterator[Finding]:
    """`card_*`: the card parses, its configs find all files, its counts and features are theirs, its pictures are there."""
    if "README.md" not in folder.names:
        yield Finding("README.md", "card_missing", "there is no card, so loaders guess; run `cairn release`")
        return
    try:
        text = folder.text("README.md")
        header = read_header(text.split("---\n")[1])
        configs = header["configs"]
        patterns = {c["config_name"]: {d["split"]: str(d["path"]) for d in c["data_files"]} for c in configs}
    except (IndexError, KeyError, TypeError, ValueError, yaml.YAMLError) as error:
        yield Finding("README.md", "card_unreadable", f"its YAML lists no configs ({type(error).__name__}: {error})")
        return
    if len(patterns) != len(configs):
        yield Finding("README.md", "card_config_twice", "two configs have one name: of those a loader reads the last, silently")
    for config, of_split in patterns.items():
        for split, pattern in of_split.items():
            if not any(fnmatch(name, pattern) for name in folder.parquet):
                yield Finding("README.md", "card_split_empty", f"config {config}, split {split}: no file matches {pattern}")
    every = [pattern for of_split in patterns.values() for pattern in of_split.values()]
    for name in folder.parquet:
        if not any(fnmatch(name, pattern) for pattern in every):
            yield Finding(name, "card_file_unread", "no config of the card reads it")
    for name in sorted(set(re.findall(rf"\]\(({ASSETS}/[^)\s]+)\)", text)) - set(folder.names)):
        yield Finding("README.md", "card_picture_missing", f"it shows {name}, which is not there")
    yield from _info_faults(folder, header.get("dataset_info"), patterns)


def _info_faults(folder: Folder, infos: Any, patterns: Mapping[str, Mapping[str, str]]) -> Iterator[Finding]:
    """`card_info_*`: `dataset_info` stands for every config, and says of each the rows and features that its files have."""
    try:
        said = {
            info["config_name"]: ({s["name"]: s["num_examples"] for s in info["splits"]}, info["features"])
            for info in infos or ()
        }
    except (KeyError, TypeError) as error:
        yield Finding("README.md", "card_unreadable", f"its dataset_info is torn ({type(error).__name__}: {error})")
        return
    for name in sorted(patterns.keys() - said.keys()):
        yield Finding("README.md", "card_info_missing", f"there is no dataset_info of config {name}")
    for name in sorted(patterns.keys() & said.keys()):
        splits, features = said[name]
        for split, pattern in patterns[name].items():
            files = [file for file in folder.parquet if fnmatch(file, pattern)]
            footers = [footer for file in files if (footer := _footer(folder, file)) is not None]
            if not files or len(footers) < len(files):
                continue  # said elsewhere
            rows = sum(count for count, _ in footers)
            if splits.get(split) != rows:
                sentence = f"config {name}, split {split}: dataset_info says {splits.get(split)} rows, its files hold {rows}"
                yield Finding("README.md", "card_info_differs", sentence)
            for file, (_, own) in zip(files, footers, strict=True):
                if own is not None and own != features:
                    yield Finding(file, "card_info_features", f"its features are not those of config {name} in dataset_info")


def _footer(folder: Folder, name: str) -> tuple[int, list[dict[str, Any]] | None] | None:
    """Rows, and features as YAML spells them (None where the file does not state those of its columns: said elsewhere).

    None where there is no footer to read.
    """
    try:
        file = folder.open(name)
        rows, schema = file.metadata.num_rows, file.schema_arrow
    except (pa.ArrowException, OSError):
        return None
    try:
        declared = {column.name: column.feature for column in _declared(stamp(schema)[0], schema) or ()}
        stated = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
    except (SchemaVersionError, KeyError, TypeError, ValueError):
        return rows, None
    return rows, yaml_features(stated) if stated == declared else None


def check_file(folder: Folder, name: str) -> Iterator[Finding]:
    """One Parquet file: readable, of a known table and version, of exactly its schema and features, row groups not too big."""
    try:
        file = folder.open(name)
        schema = file.schema_arrow
        table, _ = stamp(schema)
        upgrade(schema.empty_table())
    except (pa.ArrowException, OSError) as error:
        yield Finding(name, "parquet_unreadable", f"it is no readable Parquet file ({error})")
        return
    except SchemaVersionError as error:
        yield Finding(name, "schema_version", str(error))
        return
    except (KeyError, TypeError, ValueError) as error:
        yield Finding(name, "schema_version", f"its `cairn` stamp is torn ({type(error).__name__}: {error})")
        return
    if not file.metadata.num_rows:
        yield Finding(name, "file_empty", "a file without rows: loaders fail on it, leave it out")
    for group in range(file.metadata.num_row_groups):
        size = file.metadata.row_group(group).total_byte_size
        if size > MAX_ROW_GROUP:
            yield Finding(
                name, "row_group_large", f"row group {group} has {size:,} bytes, viewers refuse above {MAX_ROW_GROUP:,}"
            )
    yield from _schema_faults(name, table, schema)


def check_rows(folder: Folder, names: Sequence[str], media: bool = True) -> Iterator[Finding]:
    """What rows say: invariants, order, media, labels beside steps, and ids across tables."""
    by_folder: dict[str, list[str]] = defaultdict(list)
    for name in names:
        by_folder[posixpath.dirname(name)].append(name)
    parts = []
    for name in by_folder.get("trajectories", ()):
        try:
            parts.append(_without_media(folder, name))
        except (pa.ArrowException, OSError):
            continue  # said below, where all files are read
    if not parts:
        yield Finding("trajectories", "table_missing", "there is no readable table `trajectories`")
    headers = pa.concat_tables(parts) if parts else stored_schema("trajectories", columns_of("trajectories")).empty_table()
    seen: dict[str, set[str]] = defaultdict(set)
    reached: dict[str, str] = {}
    for name in names:
        try:
            table = _without_media(folder, name)
            faults = list(_media_faults(folder, name, stamp(table.schema)[0])) if media else []
        except (pa.ArrowException, OSError) as error:
            yield Finding(name, "parquet_unreadable", f"its pages cannot be read ({str(error).splitlines()[0]})")
            continue
        yield from faults
        kind = stamp(table.schema)[0]
        yield from _order_faults(name, kind, table, reached)
        if not parts:
            continue
        if kind in _OF_TRAJECTORIES or kind == "trajectories" or kind in KINDS:
            ids = pc.unique(table["trajectory_id"])
            seen[kind] |= set(ids.to_pylist())
            own = headers.filter(pc.is_in(headers["trajectory_id"], value_set=ids))
            yield from _invariant_faults(name, kind, table, own)
    yield from _missing_steps(headers, seen)
    yield from _labels_beside_steps(folder, by_folder)


def _schema_faults(name: str, table: str, schema: pa.Schema) -> Iterator[Finding]:
    columns = _declared(table, schema)
    if columns is None:
        yield Finding(name, "not_ours", f"{table!r} is no table, kind or view of Cairn")
        return
    try:
        expected = published_schema(table, columns)
    except ValueError as error:  # a further column of robot_steps whose type cannot be spelled
        yield Finding(name, "schema_differs", str(error))
        return
    for want in expected:
        if want.name not in schema.names:
            yield Finding(name, "schema_differs", f"column {want.name} ({want.type}) is missing")
        elif not schema.field(want.name).equals(want):
            yield Finding(
                name, "schema_differs", f"column {want.name} is {schema.field(want.name).type}, should be {want.type}"
            )
    for extra in [n for n in schema.names if n not in expected.names]:
        yield Finding(name, "schema_differs", f"column {extra} is not declared for {table}")
    if schema.names != expected.names and set(schema.names) == set(expected.names):
        yield Finding(name, "schema_differs", "the columns stand in another order than declared")
    metadata = schema.metadata or {}
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
    except (KeyError, TypeError, ValueError):
        features = None
    if features != {column.name: column.feature for column in columns}:
        yield Finding(
            name, "features_differ", "its `huggingface` features are not those of its columns: media would load as dicts"
        )


def _declared(table: str, schema: pa.Schema) -> tuple[Column, ...] | None:
    """The declared columns of a table; native columns of `robot_steps` are taken as its features spell them."""
    if table in VIEWS:
        return VIEWS[table].columns
    if table == "annotation_history":
        return HISTORY
    if table not in KINDS and table not in TABLES:
        return None
    native = {}
    if table == "robot_steps":
        known = {column.name for column in columns_of("robot_steps")}
        native = {field.name: _spelled(field.type) for field in schema if field.name not in known}
    return columns_of(table, native)


def _spelled(type_: pa.DataType) -> str:
    """A native column's Arrow type as it is spelled in a declaration."""
    if pa.types.is_list(type_):
        return f"list<{_spelled(type_.value_type)}>"
    return {"float": "float32", "double": "float64"}.get(str(type_), str(type_))


def _without_media(folder: Folder, name: str) -> pa.Table:
    file = folder.open(name)
    return file.read([field.name for field in file.schema_arrow if field.type != MEDIA])


def _invariant_faults(name: str, kind: str, table: pa.Table, own: pa.Table) -> Iterator[Finding]:
    if kind in KINDS:
        violations = [v for v in check_annotations({kind: table, "trajectories": own}) if v.code != "link_dangling"]
        parent = posixpath.basename(posixpath.dirname(name))
        if set(table["layer"].to_pylist()) - {parent} or parent not in layers():
            of_layers = ", ".join(sorted(str(layer) for layer in set(table["layer"].to_pylist())))
            yield Finding(name, "layer_misplaced", f"rows of {of_layers} in the folder of {parent!r}")
    else:
        partial = {"steps_miscounted"} if kind not in STEP_TABLES.values() else set()
        of_headers = set() if kind == "trajectories" else set(check_trajectories({"trajectories": own}))  # said there
        found = check_trajectories({kind: table, "trajectories": own})
        violations = [v for v in found if v.code not in partial and v not in of_headers]
    for violation in violations:
        if violation.code == "steps_miscounted" and not _is_of(own, violation.trajectory_id, kind):
            continue
        yield Finding(name, violation.code, violation.message)


def _is_of(own: pa.Table, trajectory_id: str | None, kind: str) -> bool:
    row = own.filter(pc.equal(own["trajectory_id"], trajectory_id)).to_pylist()
    return bool(row) and STEP_TABLES.get(row[0]["domain"]) == kind


def _order_faults(name: str, kind: str, table: pa.Table, reached: dict[str, str]) -> Iterator[Finding]:
    """`rows_unsorted`: in a file, or over the files of a split; `reached` is the last trajectory of each so far."""
    if "trajectory_id" in table.column_names and table.num_rows and not table["trajectory_id"].null_count:
        split = name.rsplit("-", 3)[0]
        first, last = (table["trajectory_id"][at].as_py() for at in (0, -1))
        if split in reached and first <= reached[split]:
            yield Finding(name, "rows_unsorted", f"it begins with {first}, the file before it ends with {reached[split]}")
        reached[split] = last
    keys = [key for key in ("trajectory_id", "step", "start", "annotation_id") if key in table.column_names]
    if keys and not sort_rows(table.select(keys), ()).equals(table.select(keys)):
        yield Finding(name, "rows_unsorted", f"rows of {kind} are not in the order of {', '.join(keys)}")


def _missing_steps(headers: pa.Table, seen: Mapping[str, set[str]]) -> Iterator[Finding]:
    for row in headers.select(["trajectory_id", "domain", "num_steps", "streams"]).to_pylist():
        table = STEP_TABLES.get(row["domain"], "")
        if row["num_steps"] and row["trajectory_id"] not in seen[table]:
            yield Finding(table, "steps_missing", f"{row['trajectory_id']} has {row['num_steps']} steps and no row here")
        videos = [s["name"] for s in row["streams"] or [] if s["kind"] == "video"]
        if videos and row["trajectory_id"] not in seen["videos"]:
            yield Finding("videos", "media_missing", f"{row['trajectory_id']} has the streams {', '.join(videos)} and no video")


def _labels_beside_steps(folder: Folder, by_folder: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """`labels_uneven`: `robot_labels` has exactly as many rows as `robot_steps`, per split."""
    rows: dict[str, dict[str, int]] = {table: defaultdict(int) for table in ("robot_steps", "robot_labels")}
    for table, of_split in rows.items():
        for name in by_folder.get(table, ()):
            of_split[posixpath.basename(name).split("-")[0]] += folder.open(name).metadata.num_rows
    for split, count in rows["robot_labels"].items():
        if count != rows["robot_steps"][split]:
            message = f"{split} has {count} labels and {rows['robot_steps'][split]} steps: the two could not stand side by side"
            yield Finding("robot_labels", "labels_uneven", message)


def _media_faults(folder: Folder, name: str, kind: str) -> Iterator[Finding]:
    """`media_corrupt`, `media_length`: bytes are those of their sha256, and a video holds the frames that are stated."""
    file = folder.open(name)
    packed = [field.name for field in file.schema_arrow if field.type == MEDIA]
    if not packed:
        return
    beside = ["sha256", "num_frames", "stream"] if kind == "videos" else ["sha256"] if kind == "images" else []
    for batch in file.iter_batches(batch_size=1 if kind == "videos" else 16, columns=["trajectory_id", *packed, *beside]):
        for row in batch.to_pylist():
            for column in packed:
                if row[column] is not None:
                    yield from _one_medium(name, kind, column, row)


def _one_medium(name: str, kind: str, column: str, row: Mapping[str, Any]) -> Iterator[Finding]:
    place = f"{row['trajectory_id']}, {column}"
    data, path = row[column]["bytes"], row[column]["path"] or ""
    expected = row.get("sha256") or posixpath.splitext(path)[0]
    if hashlib.sha256(data or b"").hexdigest() != expected:
        yield Finding(name, "media_corrupt", f"{place}: the bytes are not those of {expected[:12]}…")
    elif kind == "videos":
        try:
            frames = supervised(count_frames, data)
        except (ChildDiedError, ChildHungError, ValueError) as error:
            yield Finding(name, "media_corrupt", f"{place}: it cannot be read as a video ({error})")
            return
        if frames != row["num_frames"]:
            yield Finding(name, "media_length", f"{place}: it holds {frames} frames, num_frames is {row['num_frames']}")
