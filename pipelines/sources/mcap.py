"""MCAP files (https://mcap.dev) with JSON, protobuf, CDR or ROS 1 messages, by a topic map (`pipelines.formats.ros.fields`).

A ref is a file, and the file one trajectory. Three clocks are known: a message's own stamp, the time it was published, the time
it was logged. Of each topic the stamp is taken where every message has one, else the log time; extras say which, and how far the
log lags behind. A step takes of each topic the last message at or before it unless the map says otherwise, so that what it
shows was there when its action was chosen; frames are the nearest within half their interval. `completeness` has, per topic,
how many samples were held, unused and missing, and how old the oldest is; and where frames were dropped.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from pipelines.extras import library
from pipelines.formats.hdf5.file import natural, padded
from pipelines.formats.mcap.file import EXTRA, McapFile
from pipelines.formats.ros.episode import bag_trajectory
from pipelines.formats.ros.fields import Topics
from pipelines.io.files import list_files
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject
from pipelines.sources import LocalFiles, Options, Rejected, Source, Trajectory


class BagOptions(Options):
    """`topics`: the topic map. `instruction`: what the bag does not say."""

    topics: Topics | None = None
    instruction: str | None = None


class Mcap:
    """Reads MCAP files."""

    version: ClassVar[str] = "2"
    native: ClassVar[bool] = True
    options: ClassVar[type[Options]] = BagOptions

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """A ref per .mcap file, numbers in names in numeric order. Raises Rejected: `extra_missing`, `topics_missing`."""
        library("mcap.reader", EXTRA, "reading MCAP")
        topics_of(source)
        files = [file for file in list_files(source.uri) if file.name.endswith(".mcap")]
        for file in sorted(files, key=lambda file: natural(file.name)):
            yield Ref(padded(posixpath.splitext(file.name)[0]), (file,))

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """The further columns of the topic map."""
        return topics_of(source).native

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterable[Trajectory | Reject]:
        """The one trajectory of a file. Raises Rejected: see `McapFile` and `bag_trajectory`."""
        bag = McapFile(files.only, ref.files[0].name)
        yield bag_trajectory(bag, topics_of(source), ref.native_id, media, instruction_of(source))


READER = Mcap


def topics_of(source: Source) -> Topics:
    """The topic map of a source. Raises Rejected (`topics_missing`)."""
    options = source.options
    if not isinstance(options, BagOptions) or options.topics is None:
        raise Rejected(
            "topics_missing",
            "a bag is read by a topic map: say under `options: {topics: …}` what a step is (`steps: /joint_states`), and "
            "which `topic:field` is state, action, camera",
        )
    return options.topics


def instruction_of(source: Source) -> str | None:
    """What the recipe says was asked."""
    return source.options.instruction if isinstance(source.options, BagOptions) else None
