"""What the review was worth, on a few items whose numbers can be counted by hand."""

from __future__ import annotations

import pytest

from annotators.label_studio.rounds.acceptance import clopper_pearson
from annotators.label_studio.rounds.judged import judged
from annotators.label_studio.rounds.progress import progress
from annotators.label_studio.rounds.quality import Quality
from annotators.label_studio.rounds.report import PEOPLE, Fate, Report, report

from .rows import accepted, added, corrected, item, opinion, rejected, rules, skill, subtask

OVERLAP = Quality(overlap=1.0)


def clip(key: str, name: str, start: int, end: int, label: str = "pick", producer: str = "model.x") -> dict:
    return skill(f"{key}-{name}", start, end, label, producer=producer, trajectory_id=key)


A = {key: clip(key, "a", 0, 50) for key in "uvwx"}
B = {key: clip(key, "b", 50, 100, "place") for key in "uvwx"}
ITEMS = [item(key, A[key], B[key]) for key in "uvwx"]


def made(*opinions: object, quality: Quality = OVERLAP, gold: tuple[dict, ...] = (), **how: object) -> Report:
    known = progress(rules(quality), ITEMS, opinions)  # type: ignore[arg-type]
    return report(rules(quality), known, opinions, gold, **how)  # type: ignore[arg-type]


U = [opinion("u", who, accepted(A["u"]), accepted(B["u"]), purpose=p, at=i, seconds=10.0 * (i + 1))
     for i, (who, p) in enumerate((("ann", "first"), ("bob", "second")))]  # fmt: skip
V = [
    opinion("v", "ann", corrected(A["v"], "v-ann", end=30), rejected(B["v"]), added(clip("v", "new", 30, 100)), at=10, seconds=None),
    opinion("v", "bob", accepted(A["v"]), accepted(B["v"]), purpose="second", at=11, seconds=40.0),
    opinion("v", "cat", corrected(A["v"], "v-cat", end=30), rejected(B["v"]), added(clip("v", "cat", 30, 100)), purpose="adjudication", at=12),
]  # fmt: skip
W = [opinion("w", "ann", accepted(A["w"]), accepted(B["w"]), at=20, seconds=700.0)]


def test_fates_of_proposals() -> None:
    assert made(*U, *V, *W).fates == (
        Fate("primitive_skill", "model.x", accepted=4, corrected=1, rejected=1, added=1, pending=2),
    )


def test_added_rows_have_no_producer_where_there_are_several() -> None:
    items = [item("u", A["u"] | {"producer": "model.y"}), *ITEMS[1:]]
    found = report(rules(), progress(rules(), items, V), V)
    assert {(f.producer, f.added) for f in found.fates} == {("model.x", 0), ("model.y", 0), (PEOPLE, 1)}


def test_proposals_against_people_and_gold() -> None:
    found = {
        (s.against, s.measure): s
        for s in made(*U, *V, gold=(clip("v", "g", 0, 30), clip("v", "h", 30, 100, "place"))).proposals
    }
    people = found["people", "boundary_f1"]
    assert (people.items, people.n) == (2, 4)
    assert people.value == pytest.approx(0.5)  # u agrees (2 boundaries), v does not (2)
    assert people.agreed == 0.5
    assert people.tolerance == "0.5 s = 5 steps"
    kappa = found["people", "label_kappa"]
    # u: 100 steps alike, 50 pick and 50 place; v: pick/pick 50, place/pick 50. observed .75, chance .5 * .75 + .5 * .25
    assert kappa.value == pytest.approx(0.5)
    assert found["gold", "label_kappa"].value == pytest.approx(0.6)  # .8 observed, .5 * .3 + .5 * .7 by chance
    assert found["gold", "boundary_f1"].items == 1  # there is gold for v alone


def test_agreement_time_and_blindness() -> None:
    found = made(*U, *V, cap=600.0)
    scores = {(s.layer, s.measure): (s.value, s.agreed, s.n) for s in found.agreement}
    assert scores["primitive_skill", "boundary_f1"] == (0.5, 0.5, 4)
    assert scores["subtask", "boundary_f1"] == (1.0, 1.0, 0)  # both say that there is none
    times = {t.purpose: t for t in found.times}
    assert (times["first"].submissions, times["first"].measured, times["first"].median) == (2, 1, 10.0)
    assert (times["second"].median, times["second"].total) == (30.0, 60.0)
    assert made(*W, cap=600.0).times[0].capped == 1
    assert found.blind == ""
    assert made(*U, quality=Quality(overlap=1.0, blind=True)).blind == "the second opinion saw none"


def test_who_was_right() -> None:
    known = progress(rules(OVERLAP), ITEMS, [*U, *V, *W])
    verdicts = [(v.key, v.opinion.annotator, v.right) for v in judged(rules(OVERLAP), known)]
    # u: both agreed; v: the adjudicator agrees with ann; w waits for its second opinion
    assert verdicts == [("u", "ann", True), ("u", "bob", True), ("v", "ann", True), ("v", "bob", False)]
    found = made(*U, *V, *W)
    assert [(p.annotator, p.submissions, p.right.count, p.right.n) for p in found.people] == [
        ("ann", 3, 2, 2),
        ("bob", 2, 1, 2),
        ("cat", 1, 0, 0),
    ]
    assert found.people[1].right == clopper_pearson(1, 2)


def test_drift_in_windows() -> None:
    keys = [f"d{i:02d}" for i in range(25)]
    items = [item(key, clip(key, "a", 0, 50)) for key in keys]
    said = []
    for i, key in enumerate(keys):
        right = accepted(clip(key, "a", 0, 50))
        wrong = corrected(right, f"{key}-bob", end=90)
        said += [
            opinion(key, "ann", right, at=i),
            opinion(key, "bob", right if i < 15 else wrong, purpose="second", at=i),
            opinion(key, "cat", right, purpose="adjudication", at=100 + i),
        ]
    found = report(rules(OVERLAP), progress(rules(OVERLAP), items, said), said, window=10)
    bob = [w for w in found.drift if w.annotator == "bob"]
    assert [(w.first, w.last, w.right.count) for w in bob] == [(1, 10, 10), (11, 25, 5)]


def test_nothing_was_measured() -> None:
    found = made(opinion("u", "ann", accepted(A["u"]), seconds=None))
    assert (found.times[0].median, found.times[0].p90, found.times[0].total) == (None, None, None)
    assert made().times == ()
    assert made().fates == (Fate("primitive_skill", "model.x", pending=8),)


def test_texts_count_too() -> None:
    text = subtask("s", 0, 100, "reach the cup")
    items = [item("u", text)]
    said = [opinion("u", "ann", corrected(text, "s-ann", text="reach the plate"))]
    found = {s.measure: s.value for s in report(rules(), progress(rules(), items, said), said).proposals}
    assert found["text_similarity"] == pytest.approx(2 / 3)
