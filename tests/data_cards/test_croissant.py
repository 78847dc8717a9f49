"""A Croissant description from the card's facts is valid. It is made here and nowhere else: the Hub makes its own."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from .markdown import parsed

mlc = pytest.importorskip("mlcroissant")

TYPES = {"string": "sc:Text", "bool": "sc:Boolean", "image": "sc:ImageObject", "json": "sc:Text", "video": "sc:Text"}


def data_type(feature: dict[str, Any]) -> str | None:
    """The Croissant type of a column; None for lists and structs, which are left out."""
    dtype = feature.get("dtype")
    if not isinstance(dtype, str):
        return None
    if dtype.startswith(("int", "uint")):
        return "sc:Integer"
    return "sc:Float" if dtype.startswith("float") else "sc:Date" if dtype.startswith("timestamp") else TYPES[dtype]


def croissant(header: dict[str, Any], description: str, digest: str) -> dict[str, Any]:
    """The description: a set of files and a set of records per config."""
    infos = {info["config_name"]: info for info in header["dataset_info"]}
    sets, records = [], []
    for config in header["configs"]:
        name = config["config_name"]
        includes = [entry["path"] for entry in config["data_files"]]
        sets.append(
            {
                "@type": "cr:FileSet",
                "@id": f"files-{name}",
                "containedIn": {"@id": "repo"},
                "encodingFormat": "application/x-parquet",
                "includes": includes,
            }
        )
        fields = [
            {
                "@type": "cr:Field",
                "@id": f"{name}/{feature['name']}",
                "dataType": type_,
                "source": {"fileSet": {"@id": f"files-{name}"}, "extract": {"column": feature["name"]}},
            }
            for feature in infos[name]["features"]
            if (type_ := data_type(feature)) is not None
        ]
        if fields:
            records.append({"@type": "cr:RecordSet", "@id": name, "field": fields})
    repository = {
        "@type": "cr:FileObject", "@id": "repo", "contentUrl": "https://example.org/repo", "encodingFormat": "git+https",
        "sha256": digest,
    }  # fmt: skip
    return {
        "@context": mlc.Rdf().context,
        "@type": "sc:Dataset",
        "name": header["pretty_name"],
        "description": description,
        "conformsTo": "http://mlcommons.org/croissant/1.1",
        "license": header["license"],
        "url": "https://example.org/repo",
        "version": "0.1.0",
        "datePublished": "2026-01-01",
        "citeAs": "@misc{quickstart}",
        "distribution": [repository, *sets],
        "recordSet": records,
    }


def test_a_croissant_of_the_card_is_valid_and_none_is_in_the_release(first: Path, tmp_path: Path) -> None:
    release = first / "out/quickstart/release"
    card = parsed((release / "README.md").read_text())
    digest = hashlib.sha256((release / "MANIFEST.sha256").read_bytes()).hexdigest()
    description = card.page.split("\n\n")[1]
    (tmp_path / "croissant.json").write_text(json.dumps(croissant(card.header, description, digest)))
    dataset = mlc.Dataset(jsonld=tmp_path / "croissant.json")
    assert dataset.metadata.issues.errors == set()
    assert {record.uuid for record in dataset.metadata.record_sets} >= {"trajectories", "robot_steps", "motion"}
    assert [path.name for path in release.rglob("*") if path.suffix in (".json", ".jsonld")] == ["statistics.json"]


def test_the_validator_sees_a_column_of_an_unknown_set(first: Path, tmp_path: Path) -> None:
    card = parsed((first / "out/quickstart/release/README.md").read_text())
    broken = croissant(card.header, "x", "0" * 64)
    broken["recordSet"][0]["field"][0]["source"]["fileSet"]["@id"] = "files-nowhere"
    (tmp_path / "croissant.json").write_text(json.dumps(broken))
    with pytest.raises(mlc.ValidationError):
        mlc.Dataset(jsonld=tmp_path / "croissant.json")
