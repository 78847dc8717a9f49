"""HDF5 files of episodes: ALOHA/ACT, robomimic, LIBERO, and any other by a field map (`pipelines.formats.hdf5.presets`).

A ref is a file, a trajectory an episode in it (`<file>/demo_000002`, numbers in six digits so that ids sort as numbers do; the
source's own name is in extras). Row t holds observation t and the action that was taken then. What the file does not hold is
null; the keys that no entry of the field map names are listed in `completeness`. One broken episode costs itself alone.
"""

from __future__ import annotations

import fnmatch
import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from pipelines.extras import library
from pipelines.formats.arrays.episode import episode_trajectory
from pipelines.formats.arrays.fields import Fields, replaced
from pipelines.formats.hdf5.file import EXTRA, Hdf5Episode, bytes_beyond_end, natural, open_hdf5, padded
from pipelines.formats.hdf5.presets import PRESETS, Preset
from pipelines.io.files import list_files
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject
from pipelines.sources import LocalFiles, Options, Rejected, Source, Trajectory

_SUFFIXES = (".hdf5", ".h5")


class Hdf5Options(Options):
    """`preset`: a layout by name; `auto` finds it by its keys, and then has no further columns but those of `fields`, since all
    files of a source have the same columns; with `generic`, `fields` is the whole map.

    `episodes`: where the episodes lie in a file (`trajectories/*`; empty: the file is one). `fields`: entries of the field map
    in place of the preset's. `fps`, `instruction`: what the source does not say. `colours`: of every camera.
    """

    preset: Literal["auto", "aloha", "robomimic", "libero", "generic"] = "auto"
    episodes: str | None = None
    fields: dict[str, Any] = Field(default_factory=dict)
    fps: float | None = Field(default=None, gt=0)
    instruction: str | None = None
    colours: Literal["rgb", "bgr"] | None = None

    @model_validator(mode="after")
    def _known_fields(self) -> Hdf5Options:
        for preset in self.presets.values():
            self.map_of(preset)
        return self

    @property
    def presets(self) -> Mapping[str, Preset]:
        """The layouts that a file may have."""
        if self.preset == "generic":
            return {"generic": Preset(self.episodes or "", (), Fields())}
        return PRESETS if self.preset == "auto" else {self.preset: PRESETS[self.preset]}

    def map_of(self, preset: Preset) -> Fields:
        """The field map of a layout with what the recipe says in place. Raises pydantic's ValidationError."""
        own = preset.fields.model_copy(update={"columns": {}}) if self.preset == "auto" else preset.fields
        fields = replaced(own, self.fields)
        if self.colours:
            fields = fields.model_copy(
                update={"cameras": tuple(camera.model_copy(update={"colours": self.colours}) for camera in fields.cameras)}
            )
        return fields.model_copy(update={"fps": self.fps}) if self.fps else fields


class Hdf5:
    """Reads HDF5 files of episodes."""

    version: ClassVar[str] = "2"
    native: ClassVar[bool] = True
    options: ClassVar[type[Options]] = Hdf5Options

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """A ref per .hdf5 or .h5 file, numbers in names in numeric order. Raises Rejected (`extra_missing`)."""
        library("h5py", EXTRA, "reading HDF5")
        files = [file for file in list_files(source.uri) if file.name.endswith(_SUFFIXES)]
        for file in sorted(files, key=lambda file: natural(file.name)):
            yield Ref(padded(posixpath.splitext(file.name)[0]), (file,))

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """The columns of the field map; of every layout that `auto` may find."""
        options = _options(source)
        found: dict[str, str] = {}
        for preset in options.presets.values():
            found |= options.map_of(preset).native
        return found

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterable[Trajectory | Reject]:
        """The episodes of a file in numeric order. Raises Rejected: see `open_hdf5`, and `layout_unknown`."""
        options = _options(source)
        beyond = bytes_beyond_end(files.only)
        with open_hdf5(files.only, ref.files[0].name) as opened:
            name, preset, places = layout_of(opened, options, ref.files[0].name)
            for place in places:
                native_id = ref.native_id if not place else f"{ref.native_id}/{padded(place.rsplit('/', 1)[-1])}"
                try:
                    found = episode(Hdf5Episode(opened, place, native_id), name, place, preset, options, opened, media)
                    if beyond:
                        found.header["completeness"]["bytes_beyond_end"] = beyond
                    yield found
                except Rejected as rejected:
                    yield Reject(
                        "read", source.name, ref.files[0].name, native_id, rejected.code, rejected.message, rejected.detail
                    )


READER = Hdf5


def layout_of(opened: Any, options: Hdf5Options, file: str) -> tuple[str, Preset, list[str]]:
    """(name, layout, places of its episodes in numeric order). Raises Rejected (`layout_unknown`)."""
    for name, preset in options.presets.items():
        places = _places(opened, options.episodes if options.episodes is not None else preset.episodes)
        if places and all(any(tell in _at(opened, place) for place in places) for tell in preset.tells):
            return name, preset, places
    keys = sorted(opened)
    hint = "this is DROID's layout, which the reader `droid` takes as a folder" if {"action", "observation"} <= set(keys) else (
        "known layouts need data/demo_* (robomimic, LIBERO) or action and observations/qpos (ALOHA); "
        "for another one give `preset: generic`, `episodes` and `fields`"
    )  # fmt: skip
    raise Rejected("layout_unknown", f"{file}: no known HDF5 episode layout: top-level keys are {keys}: {hint}", {"keys": keys})


def episode(
    arrays: Hdf5Episode, layout: str, place: str, preset: Preset, options: Hdf5Options, opened: Any, media: MediaWriter
) -> Trajectory:
    """The trajectory of one episode. Raises Rejected as `episode_trajectory`, and `length_mismatch` against `num_samples`."""
    fields = options.map_of(preset)
    extras: dict[str, Any] = {"layout": layout}
    if place:
        extras |= {"episode": place, "filters": _filters(opened, place.rsplit("/", 1)[-1])}
    said = {"instruction": options.instruction}
    trajectory = episode_trajectory(arrays, fields, media, extras, said)
    arrays.check_the_rest(set())
    steps = len(trajectory.tables["robot_steps"]["step"])  # type: ignore[call-overload]
    declared = arrays.attributes().get("num_samples")
    if declared is not None and int(declared) != steps:
        message = (
            f"{arrays.native_id}: num_samples is {declared}, its arrays hold {steps} steps: the writer broke off, or mend it"
        )
        raise Rejected("length_mismatch", message, {"rows": steps, "num_samples": int(declared)})
    encoded = any(stream["codec"] == "jpeg" for stream in trajectory.header["streams"])
    if preset.doubt and encoded and options.colours is None:
        trajectory.header["completeness"]["not_declared"] = preset.doubt
    return trajectory


def _options(source: Source) -> Hdf5Options:
    return source.options if isinstance(source.options, Hdf5Options) else Hdf5Options()


def _places(opened: Any, pattern: str) -> list[str]:
    """The groups that a pattern stands for, in numeric order; the file itself is the empty place."""
    if not pattern:
        return [""]
    above, last = posixpath.split(pattern.strip("/"))
    group = opened.get(above) if above else opened
    if group is None or not hasattr(group, "keys"):
        return []
    names = [name for name in group if fnmatch.fnmatchcase(name, last) and hasattr(group[name], "keys")]
    return [posixpath.join(above, name) for name in sorted(names, key=natural)]


def _at(opened: Any, place: str) -> Any:
    return opened[place] if place else opened


def _filters(opened: Any, name: str) -> list[str]:
    """Robomimic's `mask/<filter>` that list this episode."""
    masks = opened.get("mask")
    if masks is None or not hasattr(masks, "keys"):
        return []
    return [key for key in sorted(masks) if name.encode() in {bytes(entry) for entry in masks[key][()].ravel()}]
