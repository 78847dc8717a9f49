"""ROS 1 bags (.bag, format 2.0). The format has no checksum of its own; packed chunks are checked by bz2 and lz4."""

from __future__ import annotations

from collections.abc import Iterator, Set
from pathlib import Path
from typing import Any

from pipelines.extras import library
from pipelines.formats.ros.decode import EXTRA, Decode, RosTypes
from pipelines.formats.ros.messages import Received, Topic
from pipelines.sources import Rejected


class Ros1Bag:
    """See `pipelines.formats.ros.messages.Bag`. Raises Rejected: `extra_missing`, `bag_damaged` (also for one without an index)."""

    def __init__(self, path: Path, name: str) -> None:
        self._module = library("rosbags.rosbag1", EXTRA, "reading ROS 1 bags")
        self.name, self._path = name, path
        self.notes: dict[str, Any] = {}
        self.attributes: dict[str, Any] = {}
        self._types = RosTypes(1)
        self.topics: dict[str, Topic] = {}
        with self._opened() as reader:
            for topic, info in reader.topics.items():
                self.topics[topic] = Topic(info.msgtype or "", "ros1", info.msgcount)

    def messages(self, wanted: Set[str]) -> Iterator[Received]:
        """The messages of some topics in order of time; the connection's time is the log time.

        Raises Rejected: `bag_damaged`, `count_mismatch`, `message_unreadable`.
        """
        decoders: dict[int, Decode] = {}
        counts = dict.fromkeys(self.topics, 0)
        with self._opened() as reader:
            for connection, timestamp, data in self._guarded(reader.messages()):
                counts[connection.topic] += 1
                if connection.topic not in wanted:
                    continue
                if connection.id not in decoders:
                    decoders[connection.id] = self._types.decoder(connection.msgtype, connection.msgdef.data)
                try:
                    yield Received(connection.topic, int(timestamp), None, decoders[connection.id](bytes(data)))
                except Exception as error:
                    message = f"{self.name}: a message of {connection.topic} at {timestamp} ns cannot be decoded: {error}"
                    raise Rejected("message_unreadable", message, {"topic": connection.topic}) from error
        for topic, count in counts.items():
            if count != self.topics[topic].declared:
                message = f"{self.name}: {topic} declares {self.topics[topic].declared} messages, the reader returned {count}"
                raise Rejected("count_mismatch", message, {"topic": topic})

    def _opened(self) -> Any:
        try:
            reader = self._module.Reader(self._path)
            reader.open()
        except Exception as error:
            message = (
                f"{self.name} cannot be read as a ROS 1 bag ({error}): copy it again, or make its index with `rosbag reindex`"
            )
            raise Rejected("bag_damaged", message) from error
        return _Closing(reader)

    def _guarded(self, messages: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from messages
        except Rejected:
            raise
        except Exception as error:
            raise Rejected("bag_damaged", f"{self.name} is damaged ({type(error).__name__}: {error}): copy it again") from error


class _Closing:
    """An open reader that is closed at the end of a `with`."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def __enter__(self) -> Any:
        return self._reader

    def __exit__(self, *_: object) -> None:
        self._reader.close()
