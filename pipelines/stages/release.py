"""Release: from stored trajectories and annotations to the files of a dataset. One key is one published file.

Files are made as parts named by what is in them, so that a grown dataset rebuilds only the parts that changed; their
published names (`train-00000-of-00003.parquet`) are given when all parts are there (`pipelines.release.assemble`).
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise
from typing import Any, ClassVar

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.engine.job import planned_outcomes, put_groups, put_outcome, read_table
from pipelines.errors import ConfigurationError, DataError
from pipelines.io.media import MediaEntry, MediaReader
from pipelines.io.parquet import GROUP_BYTES, MEDIA_GROUP_BYTES, row_groups
from pipelines.io.store import Store
from pipelines.plan import CODE_VERSION, Plan, cut
from pipelines.recipe import Recipe
from pipelines.release import step_statistics
from pipelines.release.attempts import numbered, with_attempts
from pipelines.release.catalogue import Catalogue, build_catalogue, task_owner
from pipelines.release.products import UNSPLIT, Product, merge_tasks, products, sort_rows, widen
from pipelines.release.splits import deal, leaks
from pipelines.review.rows import reviewed_outcomes
from pipelines.shard import FileRecord, Outcome, Ref, Reject, Shard, ShardKey, SourceFile
from pipelines.sources import reader
from pipelines.stages.ingest import Ingest
from pipelines.stages.propose import Propose
from schemas.arrow import columns_of, published_schema, stored_schema, table_from_rows
from schemas.identity import digest
from schemas.invariants import check_annotations
from schemas.tables import KINDS
from schemas.types import MEDIA, Column
from schemas.versions import SCHEMA_VERSION
from schemas.views import VIEWS

STEP_TIME_BYTES = 64
"""Memory that the times of one step take while annotations get theirs: what is read counts, not only what is written."""


@dataclass(frozen=True)
class Release:
    """The release job of a recipe. `rejects` are those of the jobs before it, scrubbed of private paths.

    `ingested`, `proposed`: what those jobs left; None = as planned now.
    """

    recipe: Recipe
    store: Store
    rejects: tuple[Reject, ...] = ()
    ingested: tuple[Outcome, ...] | None = None
    proposed: tuple[Outcome, ...] | None = None
    name: ClassVar[str] = "release"
    folder: ClassVar[str] = "parts"

    def __reduce__(self) -> tuple[Any, ...]:
        """Workers get the job without the catalogue, which may be large."""
        return Release, (self.recipe, self.store)

    def plan(self) -> Plan:
        """One key per part, in order of product, split and trajectory."""
        published = products(self.native)
        dealt = {**self.dealt, **self.dealt_tasks}
        keys: list[ShardKey] = []
        for product in published:
            costs = self.catalogue.costs(product.base, product.layers)
            if product.table in (*KINDS, "annotation_history"):
                costs = {
                    owner: cost + STEP_TIME_BYTES * self.catalogue.num_steps.get(owner, 0) for owner, cost in costs.items()
                }
            for split in sorted(set(dealt.values())):
                ids = sorted(
                    (i for i in costs if dealt[i] == split), key=lambda i: (i in self.dealt_tasks, i)
                )  # null ids are last
                for run in cut(ids, lambda i: costs[i] / self.recipe.shards.bytes, lambda i: i):  # noqa: B023 - used at once
                    keys.append(self._key(product, split, run))
        keys += [key for name in UNSPLIT if (key := self._unsplit_key(name)) is not None]
        return Plan(tuple(keys))

    def read(self, key: ShardKey) -> Shard:
        """The stored tables that the part is made from, cut down to its trajectories."""
        if key.spec["product"] in UNSPLIT:
            return Shard(key, {"in": self._read_unsplit(key)})
        product = _product(key)
        ids = pa.array(key.spec["ids"], pa.string())
        tables: dict[str, pa.Table] = {}
        for name, columns in product.needs.items():
            found = [_rows_of(self.store, path, columns, ids) for path in key.spec["files"].get(name, ())]
            if found:
                schema = stored_schema(name, columns_of(name, key.spec["native"] if name == "robot_steps" else None))
                if columns is not None:
                    schema = pa.schema([schema.field(c) for c in columns])
                joined = pa.concat_tables([widen(table, schema) for table in found]).combine_chunks()
                tables[name] = sort_rows(joined, columns_of(name, None))
        if "trajectories" in product.needs and "trajectories" not in tables:  # annotations about tasks alone
            tables["trajectories"] = stored_schema("trajectories", columns_of("trajectories")).empty_table()
        return Shard(key, tables)

    def work(self, shard: Shard) -> Shard:
        """Build the part's rows, in the stored schema, sorted. `trajectories` stay beside it for the check."""
        key = shard.key
        if key.spec["product"] in UNSPLIT:
            return shard
        product = _product(key)
        rows = product.build(shard.tables)
        if "attempts" in key.spec:
            rows = with_attempts(rows, key.spec["attempts"])
        if product.name != "robot_labels":  # its rows stand in the order of robot_steps and have no key
            rows = sort_rows(rows, product.columns)
        beside = {"trajectories": shard.tables["trajectories"]} if "trajectories" in shard.tables else {}
        return replace(shard, tables={"in": rows, **beside})

    def check(self, shard: Shard) -> Shard:
        """The guard before publishing: annotations are checked once more, as current rows. Violations are rejects.

        What lies in other parts cannot be checked here: where links lead, and what fills the gap that a correction left.
        """
        table = shard.key.spec["table"]
        if table not in KINDS or "trajectories" not in shard.tables:
            return shard
        violations = check_annotations({table: shard.tables["in"], "trajectories": shard.tables["trajectories"]})
        elsewhere = ("link_dangling", "interval_gap", "interval_overlap")
        rejects = tuple(
            Reject("release", "", shard.key.spec["product"], v.annotation_id, v.code, v.message)
            for v in violations
            if v.code not in elsewhere
        )
        return shard.with_rejects(rejects)

    def write(self, shard: Shard) -> Outcome:
        """Put the part with its media embedded; a part without rows is an outcome without a file."""
        key, rows = shard.key, shard.tables["in"]
        files = {}
        counts: Mapping[str, int] = {}
        if rows.num_rows and not shard.rejects:
            columns = _columns(key)
            media = self._media(key)
            groups = embedded_groups(rows, key.spec["table"], columns, media)
            path = f"parts/{key.spec['product']}/{key.name}.parquet"
            schema = published_schema(key.spec["table"], columns)
            files = {key.spec["product"]: put_groups(self.store, path, schema, groups, columns, rows.nbytes)}
            if key.spec["table"] == "robot_steps":
                files[step_statistics.PART] = self._put_statistics(key.name, rows)
            counts = {"rows": rows.num_rows}
        facts = {"product": key.spec["product"], "split": key.spec["split"]}
        return put_outcome(self.store, self.name, Outcome(key.name, key.fingerprint, files, shard.rejects, counts, facts))

    def _put_statistics(self, name: str, steps: pa.Table) -> FileRecord:
        data, path = step_statistics.part_statistics(steps), f"parts/{step_statistics.PART}/{name}.arrow"
        self.store.put_bytes(path, data)
        return FileRecord(path, steps.num_rows, len(data), len(data), hashlib.sha256(data).hexdigest())

    @cached_property
    def outcomes(self) -> dict[str, list[Outcome]]:
        """The outcomes of ingest, and those of propose and review, in order of name."""
        ingested = planned_outcomes(Ingest(self.recipe, self.store)) if self.ingested is None else self.ingested
        proposed = planned_outcomes(Propose(self.recipe, self.store, ingested)) if self.proposed is None else self.proposed
        found = {"ingest": ingested, "propose": (*proposed, *reviewed_outcomes(self.store))}
        return {job: sorted(outcomes, key=lambda o: o.name) for job, outcomes in found.items()}

    @cached_property
    def catalogue(self) -> Catalogue:
        """What lies in the workspace."""
        return build_catalogue(self.store, self.outcomes["ingest"], self.outcomes["propose"])

    @cached_property
    def dealt(self) -> dict[str, str]:
        """trajectory_id → split. Raises DataError where two recordings have one id."""
        ids = [candidate.trajectory_id for candidate in self.catalogue.candidates]
        twice = next((a for a, b in pairwise(ids) if a == b), None)
        if twice is not None:
            raise DataError(f"no release: two recordings have the id {twice!r}; rename one of the two in its source")
        return deal(self.catalogue.candidates, self.recipe.release.splits)

    @cached_property
    def dealt_tasks(self) -> dict[str, str]:
        """Owner of annotations about a task → the split that all its trajectories are in, else train."""
        splits: dict[str, set[str]] = defaultdict(set)
        for candidate in self.catalogue.candidates:
            if candidate.task_id is not None:
                splits[task_owner(candidate.task_id)].add(self.dealt[candidate.trajectory_id])
        return {owner: next(iter(found)) if len(found) == 1 else "train" for owner, found in splits.items()}

    @cached_property
    def attempts(self) -> dict[str, int]:
        """trajectory_id → which try of its agent at its task it is."""
        return numbered(self.catalogue.headers)

    @cached_property
    def leaks(self) -> list[str]:
        """What stands in more than one split."""
        return leaks(self.catalogue.candidates, self.dealt)

    @cached_property
    def native(self) -> dict[str, str]:
        """The union of the further columns of `robot_steps` that the sources of robot episodes have.

        Raises ConfigurationError for one name with two types, or a name that `robot_labels` has.
        """
        union: dict[str, str] = {}
        owner: dict[str, str] = {}
        robots = {outcome.facts["source"] for outcome in self.outcomes["ingest"] if "robot_steps" in outcome.files}
        labels = {column.name for column in VIEWS["robot_labels"].columns}
        for source in [source for source in self.recipe.resolved_sources if source.name in robots]:
            for name, type_ in reader(source.reader).native_columns(source).items():
                if name in labels:
                    raise ConfigurationError(
                        f"source {source.name!r} has a column {name!r}, and so has robot_labels, which stands beside robot_steps: "
                        "rename the feature in the source"
                    )
                if union.setdefault(name, type_) != type_:
                    raise ConfigurationError(
                        f"column {name!r} is {union[name]} in source {owner[name]!r} and {type_} in source {source.name!r}: "
                        "one dataset needs one type; publish them apart"
                    )
                owner.setdefault(name, source.name)
        return union

    def _key(self, product: Product, split: str, ids: Sequence[str]) -> ShardKey:
        files: dict[str, list[str]] = {}
        inputs = []
        for name in product.needs:
            found = self.catalogue.files_with(name, ids, product.reads.get(name))
            files[name] = [f.record.path for f in found]
            inputs += [[name, f.record.path, f.record.sha256] for f in found]
        media = self._media_files(product, ids)
        spec: dict[str, Any] = {
            "product": product.name,
            "table": product.table,
            "split": split,
            "ids": list(ids),
            "files": files,
            "media": media,
        }
        spec["native"] = self.native if product.table == "robot_steps" else {}
        if product.table == "robot_steps":
            spec["statistics"] = step_statistics.VERSION
        if product.name == "trajectories":
            spec["attempts"] = {i: self.attempts[i] for i in ids if i in self.attempts}
        return ShardKey(
            name=f"{product.name.replace('/', '.')}.{split}-{digest(list(ids))[:12]}",
            fingerprint=digest([CODE_VERSION, SCHEMA_VERSION, spec, inputs, [[c.name, c.type] for c in product.columns]]),
            refs=(
                Ref(
                    product.name,
                    tuple(SourceFile("", path, 0, "") for path in sorted({p for ps in files.values() for p in ps})),
                ),
            ),
            spec=spec,
        )

    def _media_files(self, product: Product, ids: Sequence[str]) -> list[str]:
        """Media indexes of the shards behind a product that embeds media."""
        if not any(column.packed for column in product.columns):
            return []
        shards = {file.shard for name in product.base for file in self.catalogue.files_with(name, ids)}
        return sorted(f.record.path for f in self.catalogue.files.get("media", ()) if f.shard in shards)

    def _unsplit_key(self, name: str) -> ShardKey | None:
        files = [f.record for f in self.catalogue.files.get(name, ())]
        rows = [_reject_row(reject) for reject in self.rejects] if name == "rejects" else []
        if not files and not rows:
            return None
        spec = {
            "product": name,
            "table": name,
            "split": "train",
            "files": {name: [f.path for f in files]},
            "rows": rows,
            "media": [],
        }
        fingerprint = digest([CODE_VERSION, SCHEMA_VERSION, spec, [f.sha256 for f in files]])
        return ShardKey(f"{name}.train", fingerprint, (), spec)

    def _read_unsplit(self, key: ShardKey) -> pa.Table:
        name = key.spec["product"]
        schema = stored_schema(name, columns_of(name))
        tables = [read_table(self.store, path) for path in key.spec["files"][name]]
        table = pa.concat_tables([table_from_rows(schema, key.spec["rows"]), *tables])
        if name == "tasks":
            return merge_tasks(table)
        if name == "runs":
            numbered = table.append_column("row", pa.array(range(table.num_rows)))
            table = table.take(numbered.group_by("run").aggregate([("row", "min")])["row_min"])
        return sort_rows(table, columns_of(name))

    def _media(self, key: ShardKey) -> MediaReader:
        entries = {
            row["sha256"]: MediaEntry(**row) for path in key.spec["media"] for row in read_table(self.store, path).to_pylist()
        }
        return MediaReader(self.store.uri("ingest"), entries)


def _product(key: ShardKey) -> Product:
    return next(p for p in products(key.spec["native"]) if p.name == key.spec["product"])


def _columns(key: ShardKey) -> tuple[Column, ...]:
    return columns_of(key.spec["product"]) if key.spec["product"] in UNSPLIT else _product(key).columns


def embedded_groups(rows: pa.Table, name: str, columns: Sequence[Column], media: MediaReader) -> Iterator[pa.Table]:
    """Row groups in the published schema; packed columns hold their bytes, one row group of them in memory at a time."""
    schema = published_schema(name, columns)
    packed = [column for column in columns if column.packed]
    if not packed:
        yield from (group.replace_schema_metadata(schema.metadata) for group in row_groups(rows, GROUP_BYTES))
        return
    for start, end in _media_ranges(rows, [column.name for column in packed], media):
        group = rows.slice(start, end - start)
        arrays = []
        for column in columns:
            values = group[column.name]
            arrays.append(_embed(values, column.media, media) if column.packed else values)
        yield pa.Table.from_arrays(arrays, schema=schema)


def _media_ranges(rows: pa.Table, names: Sequence[str], media: MediaReader) -> Iterator[tuple[int, int]]:
    """Row ranges that hold about MEDIA_GROUP_BYTES of media each."""
    lengths = [
        sum(media.entries[sha].length for sha in shas if sha is not None)
        for shas in zip(*(rows[name].to_pylist() for name in names), strict=True)
    ]
    start, size = 0, 0
    for row, length in enumerate(lengths):
        if row > start and (size >= MEDIA_GROUP_BYTES or size + length > GROUP_BYTES):
            yield start, row
            start, size = row, 0
        size += length
    if lengths:
        yield start, len(lengths)


def _embed(shas: pa.ChunkedArray, is_media: bool, media: MediaReader) -> pa.Array:
    """The bytes behind sha256 strings, as media structs or as text."""
    values = shas.to_pylist()
    if not is_media:
        return pa.array([None if sha is None else media.read(sha).decode() for sha in values], pa.string())
    data = pa.array([None if sha is None else media.read(sha) for sha in values], pa.binary())
    paths = pa.array([None if sha is None else f"{sha}{media.entries[sha].suffix}" for sha in values], pa.string())
    return pa.StructArray.from_arrays([data, paths], fields=list(MEDIA), mask=data.is_null())


def _rows_of(store: Store, path: str, columns: tuple[str, ...] | None, ids: pa.Array) -> pa.Table:
    """The rows of some owners (`task_owner`)."""
    table = read_table(store, path, None if columns is None else list(columns))
    owners = table["trajectory_id"]
    if owners.null_count:
        owners = pc.coalesce(owners, pc.binary_join_element_wise("task", table["task_id"], " "))
    return table.filter(pc.is_in(owners, value_set=ids))


def _reject_row(reject: Reject) -> dict[str, Any]:
    names = ("stage", "source_name", "source_uri", "native_id", "code", "message")
    return {name: getattr(reject, name) for name in names} | {"detail": None if reject.detail is None else dict(reject.detail)}
