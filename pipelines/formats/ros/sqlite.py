"""The sqlite3 storage of ROS 2 bags (.db3): rows of topic, time and CDR bytes. SQLite keeps no checksum of them; its own check runs.

A row has one time, when the bag received the message: it is the log time.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Set
from contextlib import closing
from pathlib import Path
from typing import Any

from pipelines.formats.ros.decode import Decode, RosTypes
from pipelines.formats.ros.messages import Received, Topic
from pipelines.sources import Rejected


class SqliteBag:
    """See `pipelines.formats.ros.messages.Bag`. Raises Rejected: `extra_missing`, `bag_damaged`, `encoding_unknown`."""

    def __init__(self, path: Path, name: str) -> None:
        self.name, self._path = name, path
        self.notes: dict[str, Any] = {}
        self.attributes: dict[str, Any] = {}
        self._types = RosTypes()
        self._ids: dict[int, str] = {}
        self._definitions: dict[str, tuple[str, str]] = {}
        self.topics: Mapping[str, Topic] = self._survey()

    def messages(self, wanted: Set[str]) -> Iterator[Received]:
        """The messages of some topics in order of time. Raises Rejected: `bag_damaged`, `message_unreadable`, `encoding_unknown`."""
        decoders: dict[str, Decode] = {}
        query = "SELECT topic_id, timestamp, data FROM messages ORDER BY timestamp, id"
        for topic_id, timestamp, data in self._rows(query):
            topic = self._ids.get(topic_id)
            if topic is None:
                raise Rejected("bag_damaged", f"{self.name}: a message of topic {topic_id}, which is not listed")
            if topic not in wanted:
                continue
            if topic not in decoders:
                decoders[topic] = self._decoder(topic)
            try:
                yield Received(topic, int(timestamp), None, decoders[topic](data))
            except Exception as error:
                message = f"{self.name}: a message of {topic} at {timestamp} ns cannot be decoded as {self.topics[topic].type}: {error}"
                raise Rejected("message_unreadable", message, {"topic": topic, "log_time": int(timestamp)}) from error
        if self._types.replaced:
            self.notes["definitions_replaced"] = sorted(self._types.replaced)

    def _survey(self) -> dict[str, Topic]:
        self._check_size()
        checked = [row[0] for row in self._rows("PRAGMA integrity_check(1)")]  # indexes too: messages are read by one
        if checked != ["ok"]:
            raise Rejected("bag_damaged", f"{self.name}: SQLite finds it damaged ({checked[0]}): copy it again")
        counts = dict(self._rows("SELECT topic_id, COUNT(*) FROM messages GROUP BY topic_id"))
        tables = {row[0] for row in self._rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if "message_definitions" in tables:
            for name, encoding, text in self._rows(
                "SELECT topic_type, encoding, encoded_message_definition FROM message_definitions"
            ):
                self._definitions[name] = (str(encoding), str(text))
        found: dict[str, Topic] = {}
        for identifier, name, kind, serialization in self._rows("SELECT id, name, type, serialization_format FROM topics"):
            self._ids[identifier] = name
            found[name] = Topic(kind, serialization, counts.get(identifier, 0))
        return found

    def _check_size(self) -> None:
        """Hold the file's size against what its header states; the statement holds where both counters agree (sqlite.org/fileformat2).

        Raises Rejected (`bag_damaged`) for a file that is too short; one that is longer is read, and that is noted.
        """
        size = self._path.stat().st_size
        with self._path.open("rb") as file:
            head = file.read(100)
        page, pages = int.from_bytes(head[16:18], "big"), int.from_bytes(head[28:32], "big")
        stated = (65536 if page == 1 else page) * pages
        if len(head) < 100 or head[24:28] != head[92:96] or not stated or size == stated:
            return
        if size < stated:
            raise Rejected("bag_damaged", f"{self.name} has {size:,} bytes, its header states {stated:,}: copy it again")
        self.notes["bytes_beyond_end"] = size - stated

    def _decoder(self, topic: str) -> Decode:
        said = self.topics[topic]
        if said.encoding != "cdr":
            raise Rejected("encoding_unknown", f"{self.name}: {topic} is serialized as {said.encoding!r}; cdr is read")
        encoding, text = self._definitions.get(said.type, ("", ""))
        return self._types.decoder(said.type, text or None, encoding == "ros2idl")

    def _rows(self, query: str) -> Iterator[tuple[Any, ...]]:
        try:
            with closing(sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
                yield from database.execute(query)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise Rejected("bag_damaged", f"{self.name} cannot be read as a bag of ROS 2 ({error}): copy it again") from error
