"""ROS 1 bags (.bag), by the same topic map and rules as `pipelines.sources.mcap`. The connection's time is the log time."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar

from pipelines.extras import library
from pipelines.formats.hdf5.file import natural, padded
from pipelines.formats.ros.decode import EXTRA
from pipelines.formats.ros.episode import bag_trajectory
from pipelines.formats.ros.rosbag1 import Ros1Bag
from pipelines.io.files import list_files
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject
from pipelines.sources import LocalFiles, Options, Source, Trajectory
from pipelines.sources.mcap import BagOptions, instruction_of, topics_of


class RosBag1:
    """Reads ROS 1 bags."""

    version: ClassVar[str] = "2"
    native: ClassVar[bool] = True
    options: ClassVar[type[Options]] = BagOptions

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """A ref per .bag file, numbers in names in numeric order. Raises Rejected: `extra_missing`, `topics_missing`."""
        library("rosbags.rosbag1", EXTRA, "reading ROS 1 bags")
        topics_of(source)
        files = [file for file in list_files(source.uri) if file.name.endswith(".bag")]
        for file in sorted(files, key=lambda file: natural(file.name)):
            yield Ref(padded(posixpath.splitext(file.name)[0]), (file,))

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """The further columns of the topic map."""
        return topics_of(source).native

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterable[Trajectory | Reject]:
        """The one trajectory of a bag. Raises Rejected: see `Ros1Bag` and `bag_trajectory`."""
        bag = Ros1Bag(files.only, ref.files[0].name)
        yield bag_trajectory(bag, topics_of(source), ref.native_id, media, instruction_of(source))


READER = RosBag1
