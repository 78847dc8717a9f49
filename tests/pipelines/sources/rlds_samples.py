"""RLDS datasets as TFDS writes them, from a table of features: `features.json`, `dataset_info.json` and one TFRecord file."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CLASS = "tensorflow_datasets.core.features"

Record = Mapping[str, Sequence[Any]]


def write_rlds(folder: Path, name: str, features: Mapping[str, Any], records: Sequence[Record]) -> Path:
    """A dataset of one file. `features`: key below `steps/` → what features.json says of it; `records`: key → flat values."""
    import google_crc32c

    folder.mkdir(parents=True)
    steps = {"pythonClassName": f"{CLASS}.dataset_feature.Dataset", "sequence": {"feature": nested(features), "length": "-1"}}
    (folder / "features.json").write_text(json.dumps(nested({"steps": steps})))
    split = {"name": "train", "shardLengths": [str(len(records))], "numBytes": "1"}
    split["filepathTemplate"] = "{DATASET}-{SPLIT}.{FILEFORMAT}-{SHARD_X_OF_Y}"
    info = {"fileFormat": "tfrecord", "name": name, "version": "1.0.1", "splits": [split]}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    with (folder / f"{name}-train.tfrecord-00000-of-00001").open("wb") as file:
        for record in records:
            data = example({f"steps/{key}": values for key, values in record.items()})
            for part in (struct.pack("<Q", len(data)), data):
                crc = google_crc32c.value(part)
                file.write(part + struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF))
    return folder


def example(values: Mapping[str, Sequence[Any]]) -> bytes:
    """A tf.train.Example: bytes, floats or integers by the type of the first value."""
    from pipelines.formats.tfrecord.records import example_class

    made = example_class()()
    for key, flat in values.items():
        kind = "bytes_list" if isinstance(flat[0], bytes) else "float_list" if isinstance(flat[0], float) else "int64_list"
        getattr(made.features.feature[key], kind).value.extend(flat)
    data: bytes = made.SerializeToString()
    return data


def tensor(dtype: str, *shape: int, encoding: str = "none", said: str = "") -> dict[str, Any]:
    dimensions = {"dimensions": [str(size) for size in shape]} if shape else {}
    inside = {"shape": dimensions, "dtype": dtype, "encoding": encoding}
    return {"pythonClassName": f"{CLASS}.tensor_feature.Tensor", "tensor": inside, "description": said}


def image(height: int, width: int) -> dict[str, Any]:
    inside = {"shape": {"dimensions": [str(height), str(width), "3"]}, "dtype": "uint8", "encodingFormat": "jpeg"}
    return {"pythonClassName": f"{CLASS}.image_feature.Image", "image": inside}


def text() -> dict[str, Any]:
    return {"pythonClassName": f"{CLASS}.text_feature.Text", "text": {}}


def nested(features: Mapping[str, Any]) -> dict[str, Any]:
    """Flat keys (`observation/image`) as TFDS nests them."""
    found: dict[str, Any] = {}
    for key, said in features.items():
        first, slash, rest = key.partition("/")
        if slash:
            found.setdefault(first, {})[rest] = said
        else:
            found[first] = said
    inside = {name: said if "pythonClassName" in said else nested(said) for name, said in found.items()}
    return {"pythonClassName": f"{CLASS}.features_dict.FeaturesDict", "featuresDict": {"features": inside}}
