"""Zarr replay buffers of diffusion policy and UMI: all episodes along the first axis of each array, borders in `meta/episode_ends`.

A ref is a store: a folder (v2 or v3) or a `.zip`; a trajectory is an episode of it, `<store>/episode_000003`. What a buffer
does not hold (times, mostly) is null. Keys are those below `data/`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from pipelines.extras import library
from pipelines.formats.arrays.episode import episode_trajectory
from pipelines.formats.arrays.fields import Fields, replaced
from pipelines.formats.zarr.episode import ZarrEpisode, episode_borders
from pipelines.formats.zarr.presets import PRESETS
from pipelines.formats.zarr.store import EXTRA, ZarrStore, open_zarr
from pipelines.io.files import list_files
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject
from pipelines.sources import LocalFiles, Options, Rejected, Source, Trajectory

_ENDS = ("meta/episode_ends/.zarray", "meta/episode_ends/zarr.json")


class ZarrOptions(Options):
    """`preset`: a layout by name, found by its keys with `auto`, or `generic` (then `fields` is the whole map).

    `fields`: entries of the field map in place of the preset's. `fps`, `instruction`: what a buffer does not say.
    """

    preset: Literal["auto", "umi", "diffusion_policy", "generic"] = "auto"
    fields: dict[str, Any] = Field(default_factory=dict)
    fps: float | None = Field(default=None, gt=0)
    instruction: str | None = None

    @model_validator(mode="after")
    def _known_fields(self) -> ZarrOptions:
        for _, fields in self.presets.values():
            replaced(fields, self.fields)
        return self

    @property
    def presets(self) -> Mapping[str, tuple[tuple[str, ...], Fields]]:
        """The layouts that a buffer may have: name → (keys that tell it, map)."""
        if self.preset == "generic":
            return {"generic": ((), Fields())}
        return PRESETS if self.preset == "auto" else {self.preset: ((), PRESETS[self.preset][1])}

    def map_of(self, store: ZarrStore) -> tuple[str, Fields]:
        """(layout, field map) of a store. Raises Rejected (`layout_unknown`)."""
        for name, (tells, fields) in self.presets.items():
            if all(f"data/{key}" in store.arrays for key in tells):
                found = replaced(fields, self.fields)
                return name, found.model_copy(update={"fps": self.fps}) if self.fps else found
        keys = [key for key in store.arrays if key.startswith("data/")]
        message = f"{store.name}: no known replay buffer: its arrays are {keys}: give `preset: generic` and `fields`"
        raise Rejected("layout_unknown", message, {"keys": keys})


class ZarrBuffer:
    """Reads Zarr replay buffers."""

    version: ClassVar[str] = "2"
    native: ClassVar[bool] = True
    options: ClassVar[type[Options]] = ZarrOptions

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """A ref per store of the listing. Raises Rejected (`extra_missing`)."""
        library("zarr", EXTRA, "reading Zarr")
        files = list_files(source.uri)
        roots = sorted({file.name.removesuffix(end) for file in files for end in _ENDS if f"/{file.name}".endswith(f"/{end}")})
        top = posixpath.basename(source.uri.rstrip("/"))
        for root in roots:
            own = tuple(file for file in files if file.name.startswith(root))
            yield Ref(_named(root.rstrip("/") or top), own, selector=root)
        for file in files:
            if file.name.endswith(".zip"):
                yield Ref(_named(file.name.removesuffix(".zip")), (file,))

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """The further columns of the recipe's field map."""
        return replaced(Fields(), {"columns": _options(source).fields.get("columns", {})}).native

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterable[Trajectory | Reject]:
        """The episodes of a store. Raises Rejected: see `open_zarr`, `episode_borders`, and `layout_unknown`."""
        options = _options(source)
        keys = {file.name.removeprefix(ref.selector): files[file.name] for file in ref.files}
        with open_zarr(keys, ref.native_id) as store:
            borders = episode_borders(store)
            name, fields = options.map_of(store)
            absent, strays = store.absent_chunks(), store.without_array()
            store.check_the_rest(set())
            place = ref.selector.rstrip("/") or (ref.files[0].name if len(ref.files) == 1 else ref.native_id)
            said = {"instruction": options.instruction, "source_uri": place}
            for number, (start, stop) in enumerate(borders):
                native_id = f"{ref.native_id}/episode_{number:06d}"
                try:
                    arrays = ZarrEpisode(store, start, stop, native_id)
                    extras = {"layout": name, "episode": number, "rows": [start, stop]}
                    found = episode_trajectory(arrays, fields, media, extras, said)
                    if absent:
                        found.header["completeness"]["chunks_absent"] = absent
                    if strays:
                        found.header["completeness"]["files_without_array"] = {"count": len(strays), "first": strays[0]}
                    yield found
                except Rejected as rejected:
                    yield Reject("read", source.name, place, native_id, rejected.code, rejected.message, rejected.detail)


READER = ZarrBuffer


def _options(source: Source) -> ZarrOptions:
    return source.options if isinstance(source.options, ZarrOptions) else ZarrOptions()


def _named(path: str) -> str:
    """A store's name without what only says that it is one."""
    return path.removesuffix(".zarr")
