"""How a column's type is spelled, and what the spelling means to Arrow, to Hugging Face and inside a shard.

A table is declared as text, one column a line: name, type, what it holds. The spelling of a type is the one of
SCHEMAS: `string`, `list<float32>`, `struct<x:int32,y:string>`, `Json`, `Image`, `Video`, `Document`, or an alias.

Three readings of one spelling:

* `Column.arrow`: the published Arrow type. `Image` and `Video` are `struct<bytes: binary, path: string>` in that
  order, since `datasets` gives any other layout back as plain dicts.
* `Column.feature`: the Hugging Face feature as the dictionary that stands in a Parquet file's metadata.
* `Column.stored`: the type inside a shard. `Image`, `Video` and `Document` are there the sha256 of bytes that lie in a
  media file: a shard carries no media. (`Document` is a long text, published as `string`.)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

MEDIA = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
PACKED = ("Image", "Video", "Document")

SCALARS: dict[str, pa.DataType] = {
    "string": pa.string(),
    "bool": pa.bool_(),
    "uint8": pa.uint8(),
    "uint16": pa.uint16(),
    "uint32": pa.uint32(),
    "int8": pa.int8(),
    "int16": pa.int16(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "float32": pa.float32(),
    "float64": pa.float64(),
}

ALIASES: dict[str, str] = {
    "Grid": "list<list<uint8>>",
    "Pair": "struct<input:Grid,output:Grid>",
    "Mask": "struct<height:int32,width:int32,counts:string>",
    "Stream": (
        "struct<name:string,kind:string,media_sha256:string,codec:string,fps:float64,width:int32,height:int32,"
        "num_frames:int32,start_time:float64,depth_unit:float64,intrinsics:list<float64>,extrinsics:list<float64>>"
    ),
    "Candidate": (
        "struct<id:string,text:string,action:string,source:string,selected:bool,rank:int32,"
        "reward_mean:float32,reward_var:float32,n:int32>"
    ),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One declared column: `name`, its spelled `type`, and `doc`, a phrase with units and frame."""

    name: str
    type: str
    doc: str = ""

    @property
    def arrow(self) -> pa.DataType:
        """The Arrow type of the published column."""
        return _parse(self.type)[0]

    @property
    def feature(self) -> Any:
        """The Hugging Face feature, as in the `huggingface` schema metadata."""
        return _parse(self.type)[1]

    @property
    def stored(self) -> pa.DataType:
        """The Arrow type inside a shard: packed columns hold a sha256."""
        return pa.string() if self.packed else self.arrow

    @property
    def packed(self) -> bool:
        """Whether the bytes lie in a media file and the shard holds their sha256."""
        return self.type in PACKED

    @property
    def media(self) -> bool:
        """Whether the published column is an `Image` or a `Video`."""
        return self.type in ("Image", "Video")


def parse_columns(text: str) -> tuple[Column, ...]:
    """Columns from a declaration: a line is `name type doc…`; a blank line or one that starts with `#` is skipped.

    Raises ValueError for a name that occurs twice or a type that is not spelled as this module knows it.
    """
    columns: list[Column] = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, type_, doc = (*line.split(maxsplit=2), "", "")[:3]
        if any(column.name == name for column in columns):
            raise ValueError(f"column {name!r} is declared twice")
        column = Column(name, type_, doc.strip())
        _parse(column.type)
        columns.append(column)
    return tuple(columns)


def _parse(spelling: str) -> tuple[pa.DataType, Any]:
    """(Arrow type, feature) of one spelled type."""
    if spelling in ALIASES:
        return _parse(ALIASES[spelling])
    if spelling in SCALARS:
        return SCALARS[spelling], {"dtype": spelling, "_type": "Value"}
    if spelling == "timestamp[us,UTC]":
        return pa.timestamp("us", tz="UTC"), {"dtype": "timestamp[us, tz=UTC]", "_type": "Value"}
    if spelling == "Json":
        return pa.json_(), {"_type": "Json"}
    if spelling == "Document":
        return pa.string(), {"dtype": "string", "_type": "Value"}
    if spelling in ("Image", "Video"):
        return MEDIA, {"_type": spelling}
    if spelling.startswith("list<") and spelling.endswith(">"):
        inner, feature = _parse(spelling[5:-1])
        return pa.list_(inner), {"feature": feature, "_type": "List"}
    if spelling.startswith("struct<") and spelling.endswith(">"):
        parts = [(name, _parse(type_)) for name, _, type_ in (p.partition(":") for p in _parts(spelling[7:-1]))]
        return pa.struct([(name, arrow) for name, (arrow, _) in parts]), {name: feature for name, (_, feature) in parts}
    known = ", ".join([*SCALARS, *ALIASES, "Json", "Image", "Video", "Document", "timestamp[us,UTC]", "list<…>", "struct<…>"])
    raise ValueError(f"type {spelling!r} is not known; write one of {known}")


def _parts(text: str) -> Iterator[str]:
    """`a:x<y,z>,b:w` cut at the commas that stand in no bracket."""
    depth = start = 0
    for i, character in enumerate(text):
        depth += (character == "<") - (character == ">")
        if character == "," and not depth:
            yield text[start:i]
            start = i + 1
    yield text[start:]
