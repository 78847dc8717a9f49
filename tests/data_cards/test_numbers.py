"""Every number on a generated card, counted again from the shards."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from statistics import median_low
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from schemas.layers import layer

from .markdown import Card, parsed
from .recount import Chunks, Shards

KNOWN = {
    ("version", "licence", "review", "private data"),
    ("domain", "trajectories", "steps"),
    ("config", "rows", "splits"),
    ("config of annotations", "rows", "splits"),
    ("read", "data", "of everything"),
    ("column", "type", "holds"),
    ("layer", "kind", "rows"),
    ("producer", "version", "type", "parameters"),
    ("layer", "proposed by", "proposals"),
    ("project", "layers", "items by state"),
    ("agreement on", "of", "measure"),
    ("acceptance of", "round", "items"),
    ("source", "where", "read by"),
    ("refused at", "source", "reason"),
    ("domain", "train"),
    ("config", "rows in 0.1.0", "rows in 0.2.0"),
}
"""The tables that a test here recounts. A new table on the card needs its recount first."""


@pytest.fixture(scope="module", params=["first", "second"])
def release(request: pytest.FixtureRequest) -> Path:
    folder: Path = request.getfixturevalue(request.param)
    return folder / "out/quickstart/release"


@pytest.fixture(scope="module")
def card(release: Path) -> Card:
    return parsed((release / "README.md").read_text())


@pytest.fixture(scope="module")
def shards(release: Path) -> Shards:
    return Shards(release)


def counted(words: Mapping[str, int]) -> str:
    return ", ".join(f"{word} {n}" for word, n in words.items() if n) or "–"


def sized(number: int) -> str:
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= unit:
            return f"{number / unit:.2f} {name}"
    return f"{number} bytes"


def share(part: int, whole: int) -> str:
    return "–" if not whole else f"{100 * part / whole:.1f} %".replace(".0 %", " %")


def test_no_table_of_the_card_is_without_its_recount(card: Card) -> None:
    unknown = [names for _, names, _ in card.tables if not any(names[: len(known)] == known for known in KNOWN)]
    assert unknown == []


def test_the_first_sentence(card: Card, shards: Shards) -> None:
    rows = len(shards.current())
    steps = sum(row["num_steps"] for row in shards.trajectories)
    layers = len(shards.layers)
    said = f"{len(shards.trajectories)} recorded trajectories with {steps} steps and {rows} annotations in {layers} layers"
    assert said in card.page


def test_domains(card: Card, shards: Shards) -> None:
    table = {row["domain"]: row for row in card.table("domain", "trajectories", "steps")}
    assert table.keys() == shards.domains.keys()
    for domain, row in table.items():
        own = shards.domains[domain]
        assert int(row["trajectories"]) == len(own)
        assert int(row["steps"]) == sum(r["num_steps"] for r in own)
        assert [float(n) for n in row["steps each: least, median, most"].split(", ")] == list(shards.lengths(domain))
        seconds = sum(r["duration"] for r in own if r["duration"] is not None)
        unit = {"s": 1, "min": 60, "h": 3600}[row["recorded"].split()[1]]
        assert float(row["recorded"].split()[0]) == pytest.approx(seconds / unit, abs=0.051)
        assert int(row["tasks"]) == len({r["task_id"] for r in own} - {None})
        assert row["outcome"] == counted({w: shards.outcomes(domain)[w] for w in ("success", "failure", "unknown")})
        agents = Counter(r["agent_type"] or "not recorded" for r in own)
        devices = Counter(r["embodiment"] for r in own if r["embodiment"])
        assert row["who acted"] == counted(agents) + (f" ({counted(devices)})" if devices else "")


def test_configs_and_dataset_info(card: Card, shards: Shards) -> None:
    table = {row["config"]: row for row in card.table("config", "rows", "splits")}
    table |= {row["config of annotations"]: row for row in card.table("config of annotations", "rows", "splits")}
    infos = {info["config_name"]: info for info in card.header["dataset_info"]}
    patterns = {config["config_name"]: config["data_files"] for config in card.header["configs"]}
    assert table.keys() == infos.keys() == patterns.keys()
    for name, entries in patterns.items():
        files = {e["split"]: [pq.ParquetFile(path).metadata for path in shards.matching(e["path"])] for e in entries}
        paths = [path for e in entries for path in shards.matching(e["path"])]
        rows = {split: sum(m.num_rows for m in of_split) for split, of_split in files.items()}
        size = {
            split: sum(m.row_group(i).total_byte_size for m in of_split for i in range(m.num_row_groups))
            for split, of_split in files.items()
        }
        assert table[name]["splits"] == counted(rows)
        assert int(table[name]["rows"]) == sum(rows.values())
        assert int(table[name]["files"]) == len(paths)
        on_disk = sum(path.stat().st_size for path in paths)
        assert table[name]["size"] == sized(on_disk)
        info = infos[name]
        assert {s["name"]: s["num_examples"] for s in info["splits"]} == rows
        assert {s["name"]: s["num_bytes"] for s in info["splits"]} == size
        assert (info["download_size"], info["dataset_size"]) == (on_disk, sum(size.values()))


def test_what_reading_a_part_costs(card: Card, shards: Shards) -> None:
    """Counted by DuckDB's reader of footers, and by the ids that row groups really hold."""
    chunks = Chunks(shards)
    labels = [name for name in shards.names if name.split("/")[-2] in shards.layers]
    by_layer = {layer: [name for name in labels if name.split("/")[-2] == layer] for layer in shards.layers}
    largest = max((layer for layer in by_layer if by_layer[layer]), key=lambda layer: chunks.bytes(by_layer[layer]))
    steps = [name for name in shards.names if name.split("/")[0] in ("robot_steps", "arc_steps", "gui_steps")]
    headers = [name for name in shards.names if name.split("/")[0] == "trajectories"]
    expected = {
        "labels alone, all layers": (chunks.bytes(labels), labels),
        f"one layer (the largest: `{largest}`)": (chunks.bytes(by_layer[largest]), by_layer[largest]),
        "`trajectories`": (chunks.bytes(headers), headers),
        "all steps without media (`robot_steps`, `arc_steps`, `gui_steps`)": (
            chunks.bytes(steps) - chunks.bytes(steps, ["screenshot"]), steps,
        ),
        "everything": (chunks.bytes(shards.names), shards.names),
    }  # fmt: skip
    for domain, state in {"robot": "state", "arc": "grid_before", "gui": "screenshot"}.items():
        own = [name for name in steps if name.startswith(domain)]
        tasks = {row["task_id"] for row in shards.domains[domain]} - {None}
        costs = [
            chunks.bytes(own, ["trajectory_id", "step", state], {r["trajectory_id"] for r in shards.domains[domain] if r["task_id"] == task})
            for task in tasks
        ]  # fmt: skip
        which = f"the median of {len(tasks)}" if len(tasks) > 1 else "the only one"
        size = median_low(costs) + chunks.bytes(headers, ["trajectory_id", "task_id"])
        expected[f"`{state}` of one task of {domain} ({which})"] = (size, headers + own)
    table = {row["read"]: row for row in card.table("read", "data", "of everything")}
    assert table.keys() == expected.keys()
    for what, (size, files) in expected.items():
        assert table[what]["data"] == sized(size)
        assert table[what]["of everything"] == share(size, expected["everything"][0])
        assert table[what]["plus file footers"] == sized(sum(chunks.footer(name) for name in files))
        assert int(table[what]["files"]) == len(files)
    on_disk = sum((shards.root / name).stat().st_size for name in shards.names)
    both = expected["everything"][0] + sum(chunks.footer(name) for name in shards.names)
    assert 0.8 * on_disk < both < on_disk  # the rest are indexes of pages


def test_layers(card: Card, shards: Shards) -> None:
    table = {row["layer"]: row for row in card.table("layer", "kind", "rows")}
    assert list(table) == shards.layers
    for name, row in table.items():
        own = shards.layer(name)
        of = len(shards.domains[layer(name).domain])
        assert int(row["rows"]) == len(own)
        about = {r["trajectory_id"] for r in own} - {None}  # a layer over tasks is about none
        assert row["trajectories"] == f"{len(about)} of {of}"
        assert row["made by"] == ", ".join(sorted({r["producer"] for r in own}))
        assert row["confirmed"] == share(sum(r["quality"] == "primary" for r in own), len(own))
        assert int(row["by people"]) == sum(r["annotator"] is not None for r in own)


def test_review_and_faults(card: Card, shards: Shards, release: Path) -> None:
    reviewed = any(row["annotator"] for row in shards.history)
    rows = [row for row in shards.current() if row["annotator"] is not None]
    assert ("Nobody has reviewed" in card.page) is not reviewed
    assert ("**Not reviewed**" in card.page) is not reviewed
    unconfirmed = sum(row["quality"] != "primary" for row in shards.current())
    total = len(shards.current())
    assert f"{unconfirmed} of {total} annotations ({share(unconfirmed, total)}) are proposals that no person" in card.page
    if not reviewed:
        return
    assert f"made {len(rows)} of {total} annotations ({share(len(rows), total)})" in card.page
    work = {row["submission"]: row["seconds"] for row in shards.history if row["submission"]}
    timed = [seconds for seconds in work.values() if seconds is not None]
    annotators = len({row["annotator"] for row in shards.history} - {None})
    said = f"{annotators} people, {len(work)} submissions, {sum(timed):.1f} s of work in the {len(timed)} that were timed."
    assert said in card.page
    found = {(r["layer"], r["proposed by"]): r for r in card.table("layer", "proposed by", "proposals")}
    expected = {
        (layer, f"{producer} {version}"): fates
        for layer in shards.layers
        for (producer, version), fates in shards.fates(layer).items()
    }
    assert found.keys() == expected.keys()
    for key, row in found.items():
        fates = expected[key]
        done = fates["accepted"] + fates["corrected"] + fates["rejected"]
        assert int(row["proposals"]) == sum(fates.values())
        assert row["reviewed"] == share(done, sum(fates.values()))
        assert [int(row[w]) for w in ("accepted", "corrected", "rejected")] == [
            fates["accepted"], fates["corrected"], fates["rejected"],
        ]  # fmt: skip
        fault = f"- {key[0]} by {key[1]}: of {done} proposals that people looked at, {fates['corrected']} had to be corrected"
        assert (fault in card.page) is bool(fates["corrected"] or fates["rejected"])
    added = Counter(
        r["layer"] for r in shards.states.values()
        if r["producer_type"] == "human" and r["supersedes"] is None and r["status"] != "rejected"
    )  # fmt: skip
    assert f"added by people: {counted(added)}." in card.page
    assert found["replay", "arc.replay 2"]["reviewed"] == "0 %"  # an oracle stands for it, and no person looked
    assert expected["subtask", "robot.clips 1"] == {"accepted": 1, "corrected": 1, "rejected": 1, "proposed": 3}


def test_what_review_measured(card: Card, shards: Shards) -> None:
    if not any(row["annotator"] for row in shards.history):
        return
    people, machine = card.table("agreement on", "of", "measure")
    assert (people["of"], people["value"], people["over"], people["items"]) == ("people with each other", "0.875", "16", "4")
    assert people["items that agree"] == "100 % (at least 0.8)"
    assert (machine["of"], machine["value"]) == ("robot.clips with people", "0.750")
    (batch,) = card.table("acceptance of", "round", "items")
    assert (batch["items"], batch["right in the sample"], batch["decision"]) == ("3", "1 of 2", "again")
    assert batch["share (95 % interval)"] == "50 % (1.3 % to 98.7 %)"
    assert card.table("project", "layers", "items by state")[0]["items by state"] == "accepted 2"


def test_sources_refused_and_producers(card: Card, shards: Shards) -> None:
    taken = Counter(row["source_name"] for row in shards.trajectories)
    refused = Counter(row["source_name"] for row in shards.rows("rejects") if row["stage"] in ("plan", "read", "check"))
    for row in card.table("source", "where", "read by"):
        name = row["source"]
        assert int(row["trajectories"]) == taken[name]
        assert row["refused"] == f"{refused[name]} ({share(refused[name], refused[name] + taken[name])})"
        licences = {f"`{t['license']}`" for t in shards.trajectories if t["source_name"] == name}
        assert licences == ({row["licence"]} if taken[name] else set())
    reasons = Counter((r["stage"], r["source_name"], r["code"]) for r in shards.rows("rejects"))
    said = {(r["refused at"], r["source"], r["reason"]): int(r["how often"]) for r in card.table("refused at", "source")}
    assert said == reasons
    assert sum(reasons.values()) > 0
    runs = sorted((r["producer"], r["producer_version"], r["producer_type"]) for r in shards.rows("runs"))
    assert sorted((r["producer"], r["version"], r["type"]) for r in card.table("producer", "version", "type")) == runs
    given = Counter(
        ", ".join(f"{k} {json.dumps(v)}" for k, v in json.loads(r["parameters"] or "{}").items()) or "–"
        for r in shards.rows("runs")
    )
    assert Counter(r["parameters"] for r in card.table("producer", "version", "type")) == given


def test_splits_and_limits(card: Card, shards: Shards) -> None:
    (table,) = [rows for heading, names, rows in card.tables if heading == "Splits"]
    (names,) = [names for heading, names, _ in card.tables if heading == "Splits"]
    for domain, *cells in table:
        for split, cell in zip(names[1:], cells, strict=True):
            own = [row for row in shards.domains[domain] if row["split"] == split]
            steps = sum(row["num_steps"] for row in own)
            assert cell == (f"{len(own)} trajectories, {steps} steps" if own else "–")
    unknown = sum(row["success"] is None for row in shards.trajectories)
    assert f"- trajectories whose outcome is not recorded: {unknown}." in card.page
    steps = shards.rows("gui_steps", "screenshot", "text")
    shown = sum(row["screenshot"] is not None for row in steps)
    typed = sum(bool(row["text"]) for row in steps)
    videos, trees = len(shards.rows("videos", "stream")), len(shards.rows("gui_trees", "step"))
    exposed = f"screenshots {shown}, typed texts {typed}, parts of videos {videos}, DOM or accessibility trees {trees}."
    assert f"What may hold some: {exposed}" in card.page
    for domain, own in shards.domains.items():
        tasks = len({row["task_id"] for row in own})
        assert re.search(rf"{domain}: {len(own)} trajector(y|ies) of {tasks} tasks?\b", card.page)


def test_changes(first: Path, second: Path) -> None:
    old, new = (parsed((f / "out/quickstart/release/README.md").read_text()) for f in (first, second))
    assert "0.1.0 is the first version." in old.page
    assert "first version" not in new.page
    before, after = (_rows(card) for card in (old, new))
    said = {row["config"]: (row["rows in 0.1.0"], row["rows in 0.2.0"]) for row in new.table("config", "rows in 0.1.0")}
    names = before.keys() | after.keys()
    expected = {n: (before.get(n, "–"), after.get(n, "–")) for n in names if before.get(n) != after.get(n)}
    assert said == {name: tuple(map(str, counts)) for name, counts in expected.items()}
    digests = [_digests(f / "out/quickstart/release") for f in (first, second)]
    kept, fresh, gone = digests[0] & digests[1], digests[1] - digests[0], digests[0] - digests[1]
    assert f"{len(fresh)} new files, {len(kept)} unchanged, {len(gone)} gone." in new.page
    assert "Layers removed: noop." in new.page


def _rows(card: Card) -> dict[str, Any]:
    return {i["config_name"]: sum(s["num_examples"] for s in i["splits"]) for i in card.header["dataset_info"]}


def _digests(release: Path) -> set[str]:
    lines = (release / "MANIFEST.sha256").read_text().splitlines()
    return {line.split("  ")[0] for line in lines if line.endswith(".parquet")}


def test_the_head_of_the_card(card: Card, shards: Shards) -> None:
    header = card.header
    reviewed = any(row["annotator"] for row in shards.history)
    creators = ["machine-generated"]
    assert header["annotations_creators"] == (["expert-generated", *creators] if reviewed else creators)
    assert header["source_datasets"] == ["original"]
    assert header["language"] == ["en"]
    assert header["size_categories"] == ["n<1K"]
    assert set(header["task_categories"]) == {"robotics", "reinforcement-learning", "image-text-to-text"}
    assert yaml.safe_load(yaml.safe_dump(header)) == header
    assert ("Cube, 2026" in card.page) is reviewed
