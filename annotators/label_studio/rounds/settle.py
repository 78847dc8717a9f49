"""Which rows count, of an item about which several people had something to say."""

from __future__ import annotations

import json
from collections.abc import Container, Hashable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from schemas.layers import layer as layer_named
from schemas.tables import KINDS

from ..project import Row
from .items import Opinion
from .progress import ItemProgress


def settled_rows(one: ItemProgress) -> tuple[dict[str, Any], ...]:
    """The rows that an item adds to the history; the last state of each, superseded ones left out, is what counts.

    Nothing while it is queued, disputed, to be done again or given up: the proposals stay what they are. Agreed: the rows
    of the first opinion, and each once more for the person who said the same. Settled by somebody (adjudicator, checker, a
    later round): what people said before, then the rows of who settled it, then a rejection of every row of another
    person that this leaves out. A row of that person which says what somebody said before is that earlier row, confirmed.
    """
    if not one.settled or one.authority is None:
        return ()
    one = _with_first_links(one)
    last = one.authority
    assert last is not None
    said = [o for o in one.opinions if not o.redo and o.submission != last.submission]
    others = [o for o in said if o.submission not in one.seconded]
    final = _recognised(last, [*(row for o in reversed(others) for row in _rows(o)), *_proposals(one)])
    decided = {row[name] for row in final for name in ("annotation_id", "supersedes")}
    rows = [dict(row) for o in others for row in _rows(o) if _kept(row, o, one, last, decided)] + final
    rows += _rejections(rows, final, one, last, max(o.created_at for o in (*said, last)))
    for opinion in said:
        first = next((o for o in one.opinions if o.submission == one.seconded.get(opinion.submission)), None)
        if first is not None:
            rows += _confirmations(final if first.submission == last.submission else _rows(first), opinion)
    return tuple(rows)


def _rows(opinion: Opinion) -> Iterator[Row]:
    return (row for rows in opinion.rows.values() for row in rows)


def _proposals(one: ItemProgress) -> Iterator[Row]:
    return (row for rows in one.item.rows.values() for row in rows)


def _with_first_links(one: ItemProgress) -> ItemProgress:
    """The same with every row superseding what it superseded when somebody first said it.

    A person who turns another's correction of a row back into that row has made a row that is there already, by its id.
    Superseding what superseded it would be a circle, in which neither counts.
    """
    said = one.opinions if one.authority in one.opinions else (*one.opinions, one.authority)
    first: dict[str, str | None] = {}
    for opinion in sorted((o for o in said if o is not None), key=lambda o: (o.place.round, o.created_at, o.submission)):
        for row in _rows(opinion):
            first.setdefault(row["annotation_id"], row["supersedes"])

    def linked(opinion: Opinion) -> Opinion:
        rows = {
            layer: tuple({**row, "supersedes": first[row["annotation_id"]]} for row in of_layer)
            for layer, of_layer in opinion.rows.items()
        }
        return replace(opinion, rows=rows)

    return replace(one, opinions=tuple(map(linked, one.opinions)), authority=one.authority and linked(one.authority))


def _kept(row: Row, opinion: Opinion, one: ItemProgress, last: Opinion, decided: Container[str]) -> bool:
    """Whether a row of somebody else belongs to the history: not where an answer was mended after it was settled, and in
    the verdict view not where who settled it says nothing about the row.
    """
    if row["annotation_id"] in decided:
        return opinion.created_at <= last.created_at
    return one.complete or bool(row["producer_type"] == "human")


def _signed(row: Row, opinion: Opinion, **changes: Any) -> dict[str, Any]:
    """A row as another person confirms (or rejects) it."""
    signature = {"annotator": opinion.annotator, "submission": opinion.submission, "seconds": opinion.seconds}
    return dict(row) | signature | {"created_at": _stamp(opinion.created_at)} | changes


def _stamp(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _said_at(row: Mapping[str, Any]) -> datetime:
    """When; what a machine said came first. A row replaces only what was not said again after it."""
    return row["created_at"] or datetime.min.replace(tzinfo=UTC)


def _recognised(opinion: Opinion, earlier: Iterable[Row]) -> list[dict[str, Any]]:
    """The rows of a person who saw several versions of an item but was compared with one of them only."""
    known: dict[Hashable, Row] = {}
    for row in earlier:
        if row["status"] != "rejected":
            known.setdefault(_content(row), row)
    found: dict[str, dict[str, Any]] = {}
    corrected = {row["supersedes"] for row in _rows(opinion)}
    for row in _rows(opinion):
        own = row["producer_type"] == "human" and row["submission"] == opinion.submission and row["status"] != "rejected"
        same = known.get(_content(row)) if own else None
        if same is None or same["annotation_id"] == row["annotation_id"] or same["annotation_id"] in corrected:
            chosen = dict(row)
        else:
            status = "corrected" if same["status"] == "corrected" else "accepted"
            chosen = _signed(same, opinion, status=status, quality="primary")
        before = found.get(chosen["annotation_id"])
        if before is None or before["status"] == "rejected":
            found[chosen["annotation_id"]] = chosen
    return list(found.values())


def _rejections(
    rows: Iterable[Mapping[str, Any]], final: Iterable[Mapping[str, Any]], one: ItemProgress, last: Opinion, at: str
) -> list[dict[str, Any]]:
    """Rejections, signed `at`, of what stands in `rows` (or would come back, once what replaced it is rejected) and is not
    final; of a blind project also of the proposals, which nobody could say anything about.
    """
    latest: dict[str, Mapping[str, Any]] = {row["annotation_id"]: row for row in _proposals(one)}
    for row in sorted(rows, key=_said_at):
        latest[row["annotation_id"]] = row
    replaced = {row["annotation_id"]: row["supersedes"] for row in rows if row["supersedes"]}
    reached = {row["annotation_id"] for row in final}
    for row in final:
        newer, older = row["annotation_id"], replaced.get(row["annotation_id"]) if row["status"] != "rejected" else None
        while older in latest and older not in reached and _said_at(latest[newer]) >= _said_at(latest[older]):
            reached.add(older)
            newer, older = older, replaced.get(older)
    unseen = [row["annotation_id"] for row in _proposals(one) if one.unseen and one.item.decides(row)]
    corrected = [row["supersedes"] for row in _rows(last)]
    open_ = dict.fromkeys((*(row["annotation_id"] for row in rows), *replaced.values(), *corrected, *unseen))
    standing = [latest[i] for i in open_ if i in latest and i not in reached and latest[i]["status"] != "rejected"]
    changes = {"status": "rejected", "quality": "primary", "created_at": _stamp(at)}
    return [_signed(row, last, **changes) for row in standing]


def _confirmations(first: Iterable[Row], second: Opinion) -> Iterator[dict[str, Any]]:
    """The rows of a first opinion once more, for the second person, but for those of which this one said the opposite."""
    other = {row["annotation_id"]: row["status"] == "rejected" for row in _rows(second)}
    corrected = {row["supersedes"] for row in _rows(second) if row["supersedes"]}
    for row in first:
        rejected = row["status"] == "rejected"
        if other.get(row["annotation_id"], rejected) == rejected and not (rejected and row["annotation_id"] in corrected):
            yield _signed(row, second)


def _content(row: Row) -> Hashable:
    """What a row says, whoever says it; pixels to a tenth."""
    columns = ("layer", "start", "end", "stream", "target", *(c.name for c in KINDS[layer_named(row["layer"]).kind]))
    return json.dumps([_rounded(row.get(name)) for name in columns], sort_keys=True, default=str)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 1)
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
