"""One MCAP file of which nothing is trusted (https://mcap.dev/spec): read from front to back, every checksum on the way checked.

Checked: each chunk's CRC, the data section's, the summary's, each attachment's, and the number of messages per channel against
the statistics. A file without an index is read the same way. One that was cut off gives what lies before the break, and that is
said with the last good time; one that is whole in length and wrong inside is rejected.
"""

from __future__ import annotations

import struct
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from pathlib import Path
from typing import Any

from pipelines.extras import library
from pipelines.formats.ros.decode import Decode, RosTypes, json_decoder, protobuf_decoder
from pipelines.formats.ros.messages import Received, Topic
from pipelines.sources import Rejected

EXTRA = "mcap"
MAGIC = b"\x89MCAP0\r\n"
FOOTER_BYTES = 1 + 8 + 20
MAX_RECORD = 1 << 30
MAX_RATIO = 200
ALWAYS_ALLOWED = 64 << 20


class McapFile:
    """See `pipelines.formats.ros.messages.Bag`. Raises Rejected: `extra_missing`, `mcap_unreadable`, `mcap_damaged`."""

    def __init__(self, path: Path, name: str) -> None:
        library("mcap.reader", EXTRA, "reading MCAP")
        self.name, self._path = name, path
        self.notes: dict[str, Any] = {}
        self.attributes: dict[str, Any] = {}
        self.topics: dict[str, Topic] = {}
        self._whole = self._check_ends()
        self._schemas: dict[int, Any] = {}
        self._channels: dict[int, Any] = {}
        self._decoders: dict[int, Decode] = {}
        self._ros: dict[int, RosTypes] = {}
        self._survey()

    def messages(self, wanted: Set[str]) -> Iterator[Received]:
        """The messages of some topics. Raises Rejected: `mcap_damaged`, `count_mismatch`, `message_unreadable`, `encoding_unknown`."""
        from mcap.records import Message

        for record in self._records():
            if isinstance(record, Message) and (channel := self._channels[record.channel_id]).topic in wanted:
                yield Received(channel.topic, record.log_time, record.publish_time, self._decoded(channel, record))
        for types in self._ros.values():
            if types.replaced:
                self.notes["definitions_replaced"] = sorted(types.replaced)

    def _survey(self) -> None:
        """Read the file once: what topics there are, how many messages, metadata, and whether all checksums hold."""
        from mcap.records import Channel, Message, Metadata, Schema, Statistics

        counts: Counter[int] = Counter()
        declared: Mapping[int, int] | None = None
        for record in self._records():
            if isinstance(record, Schema):
                self._schemas[record.id] = record
            elif isinstance(record, Channel):
                self._channels[record.id] = record
            elif isinstance(record, Message):
                if record.channel_id not in self._channels:
                    raise Rejected(
                        "mcap_damaged", f"{self.name}: a message of channel {record.channel_id}, which is not defined"
                    )
                counts[record.channel_id] += 1
            elif isinstance(record, Metadata):
                self.attributes[record.name] = dict(record.metadata)
            elif isinstance(record, Statistics):
                declared = dict(record.channel_message_counts)
        if declared is None and self._whole:
            self.notes["unindexed"] = "the file has no statistics: how many messages it should hold is not known"
        if declared is not None:
            self._check_counts(declared, counts)
        for identifier, channel in self._channels.items():
            schema = self._schemas.get(channel.schema_id)
            before = self.topics.get(channel.topic)
            total = counts[identifier] + ((before.declared or 0) if before else 0)
            self.topics[channel.topic] = Topic(schema.name if schema else "", channel.message_encoding, total)

    def _check_counts(self, declared: Mapping[int, int], counts: Mapping[int, int]) -> None:
        for identifier, count in sorted(declared.items()):
            if counts.get(identifier, 0) != count:
                topic = self._channels[identifier].topic if identifier in self._channels else f"channel {identifier}"
                message = (
                    f"{self.name}: {topic} declares {count} messages, the file holds {counts.get(identifier, 0)}: copy it again"
                )
                raise Rejected(
                    "count_mismatch", message, {"topic": topic, "declared": count, "found": counts.get(identifier, 0)}
                )

    def _decoded(self, channel: Any, record: Any) -> Any:
        if channel.id not in self._decoders:
            self._decoders[channel.id] = self._decoder(channel)
        try:
            return self._decoders[channel.id](record.data)
        except Exception as error:
            message = f"{self.name}: a message of {channel.topic} at {record.log_time} ns cannot be decoded as {channel.message_encoding}: {error}"
            raise Rejected("message_unreadable", message, {"topic": channel.topic, "log_time": record.log_time}) from error

    def _decoder(self, channel: Any) -> Decode:
        schema = self._schemas.get(channel.schema_id)
        if channel.message_encoding == "json":
            return json_decoder()
        if channel.message_encoding == "protobuf" and schema is not None:
            return protobuf_decoder(schema.name, schema.data)
        if channel.message_encoding in ("cdr", "ros1") and schema is not None:
            version = 1 if channel.message_encoding == "ros1" else 2
            types = self._ros.setdefault(version, RosTypes(version))
            name = schema.name if "/msg/" in schema.name or version == 2 else schema.name.replace("/", "/msg/")
            return types.decoder(name, schema.data.decode(errors="replace"), schema.encoding == "ros2idl")
        message = (
            f"{self.name}: {channel.topic} is encoded as {channel.message_encoding!r}; json, protobuf, cdr and ros1 are read"
        )
        raise Rejected("encoding_unknown", message, {"topic": channel.topic, "encoding": channel.message_encoding})

    def _records(self) -> Iterator[Any]:
        """All records, those of chunks in place. A break in a file that was cut off ends them."""
        from mcap.exceptions import EndOfFile
        from mcap.records import Chunk, Message
        from mcap.stream_reader import breakup_chunk

        last: int | None = None
        with self._path.open("rb") as file:
            try:
                for record in _checked_reader(file).records:
                    if isinstance(record, Chunk):
                        self._refuse_bomb(record)
                        inner = breakup_chunk(record, validate_crc=True)
                    else:
                        inner = [record]
                    for one in inner:
                        last = one.log_time if isinstance(one, Message) else last
                        yield one
            except EndOfFile as error:
                if self._whole:
                    raise Rejected(
                        "mcap_damaged", f"{self.name}: a record reaches beyond the end of the file: copy it again"
                    ) from error
                self.notes["truncated"] = {
                    "bytes": self._path.stat().st_size, "last_good_time": None if last is None else last / 1e9,
                    "note": "the file was cut off; what lies before the break was read",
                }  # fmt: skip
            except Rejected:
                raise
            except Exception as error:
                message = f"{self.name} is damaged ({type(error).__name__}: {error}), last good time {(last or 0) / 1e9:g} s: copy it again"
                raise Rejected("mcap_damaged", message) from error

    def _refuse_bomb(self, chunk: Any) -> None:
        import zstandard

        size = chunk.uncompressed_size
        if chunk.compression == "zstd":
            said = zstandard.get_frame_parameters(chunk.data[:32]).content_size
            size = size if said == zstandard.CONTENTSIZE_UNKNOWN else max(size, said)
        if size > ALWAYS_ALLOWED and size > MAX_RATIO * max(1, len(chunk.data)):
            raise Rejected("mcap_bomb", f"{self.name}: a chunk of {len(chunk.data):,} bytes would unpack to {size:,}")

    def _check_ends(self) -> bool:
        """Whether the file has its end; the summary's checksum is checked where there is one. Raises Rejected."""
        size = self._path.stat().st_size
        with self._path.open("rb") as file:
            if file.read(len(MAGIC)) != MAGIC:
                raise Rejected(
                    "mcap_unreadable", f"{self.name} does not begin as an MCAP file does: copy it again, or rename it"
                )
            if size < 2 * len(MAGIC) + FOOTER_BYTES:
                return False
            file.seek(-len(MAGIC), 2)
            if file.read() != MAGIC:
                return False
            file.seek(size - len(MAGIC) - FOOTER_BYTES)
            footer = file.read(FOOTER_BYTES)
            summary_start, _, crc = struct.unpack("<QQI", footer[9:])
            begin = summary_start or size - len(MAGIC) - FOOTER_BYTES
            if footer[0] != 2 or begin > size:
                raise Rejected("mcap_damaged", f"{self.name}: its last record is no footer: copy it again")
            file.seek(begin)
            if crc and zlib.crc32(file.read(size - begin - len(MAGIC) - 4)) != crc:
                raise Rejected("mcap_damaged", f"{self.name}: the checksum of its summary does not fit: copy it again")
        return True


def _checked_reader(file: Any) -> Any:
    """A reader of records that checks the data section's CRC, and attachments', which mcap's own skips."""
    from mcap.opcode import Opcode
    from mcap.stream_reader import CRCValidationError, StreamReader

    class Checked(StreamReader):
        def _read_record(self, opcode: int, length: int) -> Any:
            if opcode != Opcode.ATTACHMENT:
                return super()._read_record(opcode, length)
            data = self._stream.read(length)
            (crc,) = struct.unpack("<I", data[-4:])
            if crc and zlib.crc32(data[:-4]) != crc:
                raise CRCValidationError(crc, zlib.crc32(data[:-4]), None)  # type: ignore[arg-type]
            return None

    return Checked(file, emit_chunks=True, validate_crcs=True, record_size_limit=MAX_RECORD)
