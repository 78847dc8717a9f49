"""ROS 2 bags: a folder with `metadata.yaml` and its .db3 or .mcap files, or a .db3 alone; by the topic map of `pipelines.sources.mcap`.

The files of a split bag are read one after another as one trajectory. The messages that are read must be as many as
metadata.yaml declares, per topic. A .db3 has one time per message, when the bag received it: that is the log time.
"""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any, ClassVar

import yaml

from pipelines.extras import library
from pipelines.formats.hdf5.file import natural, padded
from pipelines.formats.mcap.file import McapFile
from pipelines.formats.ros.decode import EXTRA
from pipelines.formats.ros.episode import bag_trajectory
from pipelines.formats.ros.messages import Bag, Received, Topic
from pipelines.formats.ros.sqlite import SqliteBag
from pipelines.io.files import list_files, read_file
from pipelines.io.media import MediaWriter
from pipelines.shard import Ref, Reject, SourceFile
from pipelines.sources import LocalFiles, Options, Rejected, Source, Trajectory
from pipelines.sources.mcap import BagOptions, instruction_of, topics_of

METADATA = "metadata.yaml"


class RosBag2:
    """Reads ROS 2 bags of both storages."""

    version: ClassVar[str] = "2"
    native: ClassVar[bool] = True
    options: ClassVar[type[Options]] = BagOptions

    def plan(self, source: Source) -> Iterator[Ref | Reject]:
        """A ref per bag: each metadata.yaml with the files that it lists, then each .db3 that no metadata.yaml lists.

        Rejects: `bag_files_missing`, `metadata_damaged`, `bag_compressed`. Raises Rejected: `extra_missing`, `topics_missing`.
        """
        library("rosbags.typesys", EXTRA, "reading ROS 2 bags")
        topics_of(source)
        files = {file.name: file for file in list_files(source.uri)}
        taken: set[str] = set()
        for name in sorted((n for n in files if posixpath.basename(n) == METADATA), key=natural):
            folder = posixpath.dirname(name)
            try:
                own = _listed(files, name)
            except Rejected as rejected:
                yield Reject("plan", source.name, name, folder or None, rejected.code, rejected.message, rejected.detail)
                continue
            taken |= {file.name for file in own}
            native_id = folder or posixpath.basename(source.uri.rstrip("/"))
            yield Ref(padded(native_id), (files[name], *own))
        for name in sorted((n for n in files if n.endswith(".db3") and n not in taken), key=natural):
            yield Ref(padded(name.removesuffix(".db3")), (files[name],))

    def native_columns(self, source: Source) -> Mapping[str, str]:
        """The further columns of the topic map."""
        return topics_of(source).native

    def read(self, source: Source, ref: Ref, files: LocalFiles, media: MediaWriter) -> Iterable[Trajectory | Reject]:
        """The one trajectory of a bag. Raises Rejected: `count_mismatch`, and see `SqliteBag`, `McapFile`, `bag_trajectory`."""
        bags: list[Bag] = []
        declared: dict[str, int] = {}
        for file in ref.files:
            if posixpath.basename(file.name) == METADATA:
                declared = _counts(_information(files[file.name].read_bytes(), file.name))
            else:
                bags.append((McapFile if file.name.endswith(".mcap") else SqliteBag)(files[file.name], file.name))
        bag = _Joined(bags, declared, ref.native_id)
        yield bag_trajectory(bag, topics_of(source), ref.native_id, media, instruction_of(source))


READER = RosBag2


class _Joined:
    """The files of one bag one after another. See `pipelines.formats.ros.messages.Bag`."""

    def __init__(self, bags: list[Bag], declared: Mapping[str, int], name: str) -> None:
        self.name, self._bags = name, bags
        self.notes: dict[str, Any] = {}
        self.attributes: dict[str, Any] = {}
        counts: Counter[str] = Counter()
        kinds: dict[str, Topic] = {}
        for bag in bags:
            self.attributes |= bag.attributes
            for topic, said in bag.topics.items():
                counts[topic] += said.declared or 0
                kinds[topic] = said
        for topic, count in sorted(declared.items()):
            if counts[topic] != count:
                message = f"{name}: metadata.yaml declares {count} messages of {topic}, its files hold {counts[topic]}: copy them again"
                raise Rejected("count_mismatch", message, {"topic": topic, "declared": count, "found": counts[topic]})
        self.topics: Mapping[str, Topic] = {t: Topic(k.type, k.encoding, counts[t]) for t, k in kinds.items()}

    def messages(self, wanted: Set[str]) -> Iterator[Received]:
        """The messages of all files. Raises Rejected (`count_mismatch`) where fewer or more came than were counted."""
        came: Counter[str] = Counter()
        for bag in self._bags:
            for received in bag.messages(wanted):
                came[received.topic] += 1
                yield received
            self.notes |= bag.notes
        for topic in sorted(wanted & self.topics.keys()):
            if came[topic] != self.topics[topic].declared:
                message = (
                    f"{self.name}: {topic} declares {self.topics[topic].declared} messages, the reader returned {came[topic]}"
                )
                raise Rejected("count_mismatch", message, {"topic": topic})


def _listed(files: Mapping[str, SourceFile], metadata: str) -> list[SourceFile]:
    """The files that a metadata.yaml lists, in its order. Raises Rejected."""
    said = _information(read_file(files[metadata]), metadata)
    if said.get("compression_mode"):
        message = f"{metadata}: the bag is compressed by {said.get('compression_format')!r}: unpack it with `ros2 bag convert`"
        raise Rejected("bag_compressed", message)
    names = said.get("relative_file_paths")
    if not isinstance(names, list) or not names or not all(isinstance(name, str) for name in names):
        raise Rejected("metadata_damaged", f"{metadata} lists no files: make it anew with `ros2 bag reindex`")
    folder = posixpath.dirname(metadata)
    paths = [posixpath.normpath(posixpath.join(folder, name)) for name in names]
    missing = [path for path in paths if path not in files]
    if missing:
        raise Rejected("bag_files_missing", f"{metadata} lists {missing[0]}, which is not there: copy it", {"missing": missing})
    return [files[path] for path in paths]


def _information(data: bytes, name: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(data)["rosbag2_bagfile_information"]
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, RecursionError) as error:
        raise Rejected(
            "metadata_damaged", f"{name} is no metadata of a ROS 2 bag ({error}): make it anew with `ros2 bag reindex`"
        ) from error
    if not isinstance(found, dict):
        raise Rejected("metadata_damaged", f"{name} is no metadata of a ROS 2 bag: make it anew with `ros2 bag reindex`")
    return found


def _counts(said: Mapping[str, Any]) -> dict[str, int]:
    """Messages per topic as metadata.yaml declares them."""
    try:
        return {
            str(entry["topic_metadata"]["name"]): int(entry["message_count"])
            for entry in said.get("topics_with_message_count") or []
        }
    except (KeyError, TypeError, ValueError) as error:
        raise Rejected("metadata_damaged", f"metadata.yaml: its counts of messages cannot be read ({error})") from error
