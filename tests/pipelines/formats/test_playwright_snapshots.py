"""DOM snapshots put together from references."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pipelines.formats.playwright import snapshots as playwright_snapshots
from pipelines.formats.playwright.snapshots import Snapshot, Snapshots, TreeError, title_of, tree_bytes


def recorded(*htmls: Any) -> tuple[Snapshots, list[Snapshot]]:
    """Snapshots of one frame, one per call."""
    said = [
        {"callId": str(i), "phase": "before", "pageId": "p", "frameId": "f", "isMainFrame": True} for i in range(len(htmls))
    ]
    lines = [json.dumps({"snapshot": meta | {"html": html}}).encode() + b"\n" for meta, html in zip(said, htmls, strict=True)]
    store = Snapshots(b"".join(lines))
    start = 0
    for meta, line in zip(said, lines, strict=True):
        store.add(Snapshot.model_validate(meta), start, start + len(line))
        start += len(line)
    return store, [Snapshot.model_validate(meta) for meta in said]


def test_references_count_nodes_in_post_order_without_references() -> None:
    store, snapshots = recorded(
        ["HTML", {}, ["HEAD", {}, ["TITLE", {}, "Shop"]], ["BODY", {}, "a", ["P", {}, "b"]]],  # Shop TITLE HEAD a b P BODY HTML
        ["HTML", {}, [[1, 2]], ["BODY", {"class": "x"}, [[1, 5]], "c"]],  # c BODY HTML
        ["HTML", {}, [[2, 2]], [[1, 1]]],
    )

    assert store.tree(snapshots[2]) == [
        "HTML",
        {},
        ["HEAD", {}, ["TITLE", {}, "Shop"]],
        ["BODY", {"class": "x"}, ["P", {}, "b"], "c"],
    ]


def test_trees_do_not_depend_on_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    htmls = [["A", {}, "0"], *(["A", {}, [[i, 0]], str(i)] for i in range(1, 6))]
    store, snapshots = recorded(*htmls)
    at_ease = [store.tree(snapshot) for snapshot in snapshots]

    monkeypatch.setattr(playwright_snapshots, "CACHE_BYTES", 1)
    store, snapshots = recorded(*htmls)
    assert [store.tree(snapshot) for snapshot in reversed(snapshots)] == at_ease[::-1]


@pytest.mark.parametrize(
    ("html", "reason"),
    [
        ([[1, 7]], "a node that was not recorded"),
        ([[2, 0]], "a snapshot that was not recorded"),
        ([[0, 0]], "a snapshot that was not recorded"),
        ([["x", 0]], "a snapshot that was not recorded"),
        (["DIV", {}, 7], "neither text, element nor reference"),
    ],
)
def test_references_to_nothing_are_named(html: Any, reason: str) -> None:
    store, snapshots = recorded(["A", {}, "0"], html)

    with pytest.raises(TreeError, match=reason):
        store.tree(snapshots[1])


def test_tree_deeper_than_the_bound_is_named() -> None:
    deep: Any = "text"
    for _ in range(playwright_snapshots.MAX_DEPTH + 1):
        deep = ["DIV", {}, deep]
    store, snapshots = recorded(deep)

    with pytest.raises(TreeError, match="grows beyond"):
        store.tree(snapshots[0])


def test_title_is_the_one_in_the_head() -> None:
    head = ["HEAD", {}, ["META", {}], ["TITLE", {}, " Shop "]]

    assert title_of(["HTML", {}, head, ["BODY", {}, ["TITLE", {}, "of a drawing"]]]) == "Shop"
    assert title_of(["HTML", {}, ["HEAD", {}, ["TITLE", {}]], ["BODY"]]) is None
    assert title_of("") is None


def test_tree_is_written_as_json_text() -> None:
    assert tree_bytes(["P", {}, "Größe"]) == '["P",{},"Größe"]'.encode()
