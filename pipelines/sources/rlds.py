"""RLDS / TFDS / Open-X datasets of TFRecord files, without TensorFlow: a folder with `features.json` and its `.tfrecord-…` files.

A ref is a file, a trajectory a record of it (`<file>/record_000004`). Every record's checksums are checked; a broken record costs
itself, and where dataset_info.json is there, a file that has lost records is found. Keys of the field map are those below
`steps/`; option `preset` names a dataset of Open-X. RLDS has no clock: `timestamp` is null, and `fps` what the preset or the
recipe says. Observations come before the action of their step. Whether the action of the last step is one or a dummy differs by
dataset: say `last_action`; a dummy becomes null, so that the last step only observes. An empty instruction is none; further ones
(`language_instruction_2`, `_3`) and texts that change on the way are in extras.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal

import pyarrow as pa
from pydantic import Field, model_validator

from pipelines.extras import library
from pipelines.formats.arrays.episode import episode_trajectory
from pipelines.formats.arrays.fields import Camera, Fields, replaced
from pipelines.formats.tfrecord.episode import RldsEpisode
from pipelines.formats.tfrecord.features import Shard, absent_shards, parse_features, shard_of
from pipelines.formats.tfrecord.presets import FIELDS, PRESETS
from pipelines.formats.tfrecord.records import EXTRA, parse_example, read_records
from pipelines.io.files import list_files
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject
from pipelines.sources import LocalFiles, Options, Rejected, Source, Trajectory

FEATURES, INFO = "features.json", "dataset_info.json"

_RECORDS = re.compile(r"\.tfrecord(-\d+-of-\d+)?$")
_ARRAY_RECORDS = re.compile(r"\.(array_record|riegeli)(-\d+-of-\d+)?$")
_VARIANT = re.compile(r"(.*/)?(natural_)?language_instruction_?\d+")


class RldsOptions(Options):
    """`preset`: a dataset of Open-X by name. `fields`: entries of the field map in place of the preset's.

    `last_action`: whether the last step's action is one, or a dummy.
    """

    preset: str | None = None
    fields: dict[str, Any] = Field(default_factory=dict)
    fps: float | None = Field(default=None, gt=0)
    instruction: str | None = None
    last_action: Literal["real", "dummy"] | None = None

    @model_validator(mode="after")
    def _known(self) -> RldsOptions:
        if self.preset is not None and self.preset not in PRESETS:
            raise ValueError(f"there is no preset {self.preset!r}; there are {', '.join(PRESETS)}")
        _ = self.map
        return self

    @property
    def map(self) -> Fields:
        """The field map that preset and recipe make."""
        fields = replaced(FIELDS if self.preset is None else PRESETS[self.preset], self.fields)
        return fields.model_copy(update={"fps": self.fps}) if self.fps else fields


class Rlds:
    """Reads RLDS datasets."""

    version: ClassVar[str] = "3"
    native: ClassVar[bool] = True
    options: ClassVar[type[Options]] = RldsOptions

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """A ref per TFRecord file with the features.json beside it.

        Rejects: `meta_missing`; `shard_missing` for a file that others say is there; `format_unsupported` for ArrayRecord.
        Raises Rejected (`extra_missing`).
        """
        library("google_crc32c", EXTRA, "checking TFRecord")
        files = {file.name: file for file in list_files(source.uri)}
        records = [name for name in sorted(files) if _RECORDS.search(name)]
        for name in records:
            beside = [posixpath.join(posixpath.dirname(name), meta) for meta in (FEATURES, INFO)]
            if beside[0] in files:
                yield Ref(name, (files[name], *(files[meta] for meta in beside if meta in files)))
            else:
                message = f"{name} has no {FEATURES} beside it, which has the shapes of what the records hold: copy it too"
                yield Reject("plan", source.name, name, None, "meta_missing", message)
        for name in absent_shards(records):
            message = f"{name} is not there, and the files beside it say that it should be: copy it"
            yield Reject("plan", source.name, name, name, "shard_missing", message)
        for name in sorted(files):
            if _ARRAY_RECORDS.search(name):
                message = f"{name} is no TFRecord: write the dataset with `file_format=tfrecord`"
                yield Reject("plan", source.name, name, name, "format_unsupported", message)

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """The further columns of the field map."""
        return _options(source).map.native

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterable[Trajectory | Reject]:
        """The episodes of a file, and what is wrong with those that cannot be taken. Raises Rejected (`meta_damaged`)."""
        data, meta, *info = ref.files
        features = parse_features(files[meta.name].read_bytes(), meta.name)
        shard = shard_of(data.name, files[info[0].name].read_bytes() if info else None, INFO)
        number, whole = -1, True
        for number, record in enumerate(read_records(files[data.name], data.name)):
            native_id = f"{ref.native_id}/record_{number:06d}"
            try:
                if isinstance(record, Rejected):
                    whole = whole and not (record.detail or {}).get("rest_lost")
                    raise record
                try:
                    episode = RldsEpisode(parse_example(record), features, native_id)
                except ValueError as error:
                    raise Rejected("tfrecord_damaged", f"{native_id}: {error}") from error
                yield _trajectory(episode, _options(source), shard, number, media)
            except Rejected as rejected:
                yield Reject("read", source.name, data.name, native_id, rejected.code, rejected.message, rejected.detail)
        if whole and shard.records is not None and shard.records != number + 1:
            message = f"{data.name} holds {number + 1} records, {INFO} says {shard.records}: copy both again"
            detail = {"records": number + 1, "expected": shard.records}
            yield Reject("read", source.name, data.name, ref.native_id, "length_mismatch", message, detail)


READER = Rlds


def _options(source: Source) -> RldsOptions:
    return source.options if isinstance(source.options, RldsOptions) else RldsOptions()


def _trajectory(episode: RldsEpisode, options: RldsOptions, shard: Shard, number: int, media: MediaWriter) -> Trajectory:
    fields = options.map
    if not fields.cameras:
        cameras = tuple(Camera(key=key, kind="depth" if "depth" in key else "images") for key in episode.pictures())
        fields = fields.model_copy(update={"cameras": cameras})
    if fields.action_space is None and len(fields.action) == 1:  # its source's own words, where it says any
        fields = fields.model_copy(update={"action_space": episode.described(fields.action[0])})
    attributes = episode.attributes()
    variants = [attributes[key] for key in sorted(attributes) if _VARIANT.fullmatch(key)]
    named = {"dataset": shard.dataset, "dataset_version": shard.version, "split": shard.split}
    extras = {
        "record": number,
        **{key: value for key, value in named.items() if value},
        **({"instructions": variants} if variants else {}),
        **({"texts_that_change": changes} if (changes := episode.changes()) else {}),
    }
    found = episode_trajectory(episode, fields, media, extras, {"instruction": options.instruction})
    completeness = found.header["completeness"]
    if shard.records is None:
        completeness["records_not_declared"] = f"no {INFO} says how many records the file should hold"
    if options.preset is None and shard.dataset in PRESETS and "fps" in completeness:
        completeness["fps"] += f"; the preset {shard.dataset!r} is this dataset's"
    if options.last_action is None:
        completeness["not_declared"] = "whether the last step's action is one or a dummy: say `last_action`"
    return _without_last_action(found) if options.last_action == "dummy" else found


def _without_last_action(found: Trajectory) -> Trajectory:
    """The trajectory whose last step only observes."""
    steps: dict[str, Any] = dict(found.tables["robot_steps"])  # type: ignore[arg-type]
    for name in ("action", "action_kind"):
        if steps[name] is not None:
            column = steps[name]
            steps[name] = pa.concat_arrays([column.slice(0, len(column) - 1), pa.nulls(1, column.type)])
    return replace(found, tables={**found.tables, "robot_steps": steps})
