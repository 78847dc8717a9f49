"""From what people saved to states, open tasks and rows that count."""

from __future__ import annotations

import random
from typing import Any

import pytest

from annotators.label_studio.project import Project
from annotators.label_studio.rounds.items import PURPOSES, Opinion, place_of, project_for, task_uid
from annotators.label_studio.rounds.plan import next_round, open_tasks
from annotators.label_studio.rounds.progress import ItemProgress, Progress, progress
from annotators.label_studio.rounds.quality import Quality
from annotators.label_studio.rounds.round import READY
from annotators.label_studio.rounds.settle import settled_rows
from annotators.label_studio.rounds.states import FINAL, fold
from schemas.stored_rows import state_tables

from .rows import LANGUAGE, accepted, added, corrected, item, opinion, rejected, rules, skill

P = skill("p", 0, 50)
Q = skill("q", 50, 100, "place")
ITEM = item("t", P, Q)
AGREE = opinion("t", "ann", accepted(P), accepted(Q))
OVERLAP = Quality(overlap=1.0)


def run(quality: Quality, *opinions: Opinion) -> ItemProgress:
    return progress(rules(quality), [ITEM], opinions).items["t"]


def asked(quality: Quality, *opinions: Opinion) -> set[tuple[str, int]]:
    return {(push.purpose, push.round) for push in next_round(rules(quality), [ITEM], opinions)}


def statuses(one: ItemProgress) -> dict[str, str]:
    return {row["annotation_id"]: row["status"] for row in settled_rows(one)}


def test_uids_say_where_a_task_belongs() -> None:
    for purpose in ("first", "second", "adjudication", "acceptance"):
        uid = task_uid("demo", "a.b", purpose, 2, "source/episode/3#10-20")
        assert place_of(uid) == place_of(uid).__class__("demo", "a.b", purpose, 2, "source/episode/3#10-20")
    assert task_uid("demo", "language", "second", 1, "t") == "demo/language.second/1/t"
    with pytest.raises(ValueError, match="should be <recipe>/<project>/<round>/<trajectory>"):
        place_of("demo/language/t")


def test_only_the_second_opinion_is_blind() -> None:
    assert [project_for(LANGUAGE, p, blind=True).blind for p in ("first", "second", "adjudication")] == [False, True, False]
    assert project_for(LANGUAGE, "second").name == "language.second"


def test_nothing_was_said() -> None:
    assert run(Quality()).state == "queued"
    assert asked(Quality()) == {("first", 1)}
    assert asked(OVERLAP) == {("first", 1), ("second", 1)}
    assert settled_rows(run(Quality())) == ()


def test_one_opinion() -> None:
    one = run(Quality(), AGREE)
    assert (one.state, one.waiting) == ("labelled", ())
    assert statuses(one) == {"p": "accepted", "q": "accepted"}
    assert run(OVERLAP, AGREE).waiting == ("second",)


def test_two_confirmations_are_two_rows() -> None:
    second = opinion("t", "bob", accepted(P), accepted(Q), purpose="second", at=5, seconds=7.0)
    one = run(OVERLAP, AGREE, second)
    assert one.state == "agreed"
    assert [(r["annotation_id"], r["annotator"], r["status"]) for r in settled_rows(one)] == [
        ("p", "ann", "accepted"),
        ("q", "ann", "accepted"),
        ("p", "bob", "accepted"),
        ("q", "bob", "accepted"),
    ]


def test_agreed_rows_are_those_of_the_first() -> None:
    first = opinion("t", "ann", corrected(P, "p-ann", end=52), corrected(Q, "q-ann", start=52))
    second = opinion("t", "bob", corrected(P, "p-bob", end=53), corrected(Q, "q-bob", start=53), purpose="second", at=5)
    one = run(OVERLAP, first, second)
    assert one.state == "agreed"
    rows = settled_rows(one)
    assert {r["annotation_id"] for r in rows} == {"p-ann", "q-ann"}
    assert [r["annotator"] for r in rows] == ["ann", "ann", "bob", "bob"]


FAR = opinion("t", "bob", corrected(P, "p-bob", end=70), corrected(Q, "q-bob", start=70), purpose="second", at=5)


def test_a_dispute_has_no_rows_until_it_is_settled() -> None:
    one = run(OVERLAP, AGREE, FAR)
    assert one.state == "disputed"
    assert "boundary_f1 is 0.00, should be 0.8" in one.why
    assert settled_rows(one) == ()
    assert asked(OVERLAP, AGREE, FAR) == {("adjudication", 1)}


def test_the_adjudicator_sees_both_in_random_order() -> None:
    keys = [f"t{i}" for i in range(40)]
    said = [opinion(k, who, accepted(P) if who == "ann" else corrected(P, f"x{k}", end=90), purpose=p)
            for k in keys for who, p in (("ann", "first"), ("bob", "second"))]  # fmt: skip
    pushes = next_round(rules(OVERLAP), [item(k, P) for k in keys], said)
    assert {push.purpose for push in pushes} == {"adjudication"}
    firsts = [push.shown[0].annotator for push in pushes]
    assert {len(push.shown) for push in pushes} == {2}
    assert 8 <= firsts.count("ann") <= 32  # four standard deviations about 20
    assert [push.key for push in pushes] != keys
    assert sorted(push.order for push in pushes) == list(range(40))


def test_the_adjudicator_decides_and_the_loser_is_rejected() -> None:
    judge = opinion("t", "cat", accepted(P), accepted(Q), purpose="adjudication", at=9)
    one = run(OVERLAP, AGREE, FAR, judge)
    assert one.state == "adjudicated"
    rows = settled_rows(one)
    assert statuses(one) == {"p": "accepted", "q": "accepted", "p-bob": "rejected", "q-bob": "rejected"}
    assert {r["annotator"] for r in rows if r["status"] == "rejected"} == {"cat"}
    assert [r["annotator"] for r in rows if r["annotation_id"] == "p"] == ["ann", "cat"]


def test_who_is_compared_with_one_opinion_and_picks_the_other_confirms_it() -> None:
    like_bob = [added(P | {"end": 70, "annotation_id": "p-cat"}), added(Q | {"start": 70, "annotation_id": "q-cat"})]
    judge = opinion("t", "cat", rejected(P), rejected(Q), *like_bob, purpose="adjudication", at=9)
    found = statuses(run(OVERLAP, AGREE, FAR, judge))
    assert found == {"p": "rejected", "q": "rejected", "p-bob": "corrected", "q-bob": "corrected"}


def test_a_rejected_correction_does_not_bring_the_proposal_back() -> None:
    first = opinion("t", "ann", corrected(P, "p-ann", end=30), accepted(Q))
    second = opinion("t", "bob", corrected(P, "p-bob", end=90), accepted(Q), purpose="second", at=5)
    judge = opinion("t", "cat", rejected(first.rows["primitive_skill"][0]), accepted(Q), purpose="adjudication", at=9)
    assert statuses(run(OVERLAP, first, second, judge)) == {
        "p": "rejected",
        "p-ann": "rejected",
        "p-bob": "rejected",
        "q": "accepted",
    }


def test_an_answer_mended_after_the_dispute_was_settled_does_not_win() -> None:
    late = opinion("t", "ann", corrected(P, "p-late", end=10), rejected(Q), at=30)
    judge = opinion("t", "cat", accepted(P), accepted(Q), purpose="adjudication", at=9)
    one = run(OVERLAP, late, FAR, judge)
    assert one.state == "adjudicated"
    assert {r["annotation_id"]: r["status"] for r in sorted(settled_rows(one), key=lambda r: str(r["created_at"]))}[
        "q"
    ] == "accepted"
    assert statuses(one)["p-late"] == "rejected"


def test_one_person_is_no_second_opinion() -> None:
    again = opinion("t", "ann", accepted(P), accepted(Q), purpose="second", at=5)
    known = progress(rules(OVERLAP), [ITEM], [AGREE, again])
    assert known.items["t"].state == "disputed"
    assert [f.code for f in known.findings] == ["second_opinion_own"]


def test_two_people_at_once_on_one_task_are_two_opinions() -> None:
    assert run(Quality(), AGREE, opinion("t", "bob", accepted(P), accepted(Q), at=5)).state == "agreed"


def test_the_newest_answer_of_a_person_counts() -> None:
    changed = opinion("t", "ann", rejected(P), accepted(Q), at=20)
    assert statuses(run(Quality(), AGREE, changed)) == {"p": "rejected", "q": "accepted"}


def test_a_skip_asserts_nothing() -> None:
    skips = [opinion("t", who, skipped=True, at=i) for i, who in enumerate("ab")]
    assert run(Quality(), skips[0]).state == "queued"
    assert run(Quality(), *skips).state == "hard"
    assert run(Quality(), *skips, opinion("t", "cat", accepted(P), at=9)).state == "labelled"
    seconds = [opinion("t", who, skipped=True, purpose="second", at=i) for i, who in enumerate("ab")]
    assert run(OVERLAP, AGREE, *seconds).state == "disputed"
    judge = opinion("t", "cat", skipped=True, purpose="adjudication", at=9)
    assert run(OVERLAP, AGREE, FAR, judge).state == "hard"


def test_a_finding_means_another_round_and_three_are_enough() -> None:
    twice = [opinion("t", "ann", redo="two texts", round_=r, at=r) for r in (1, 2, 3)]
    one = run(Quality(), twice[0])
    assert (one.state, one.round, one.waiting, one.why) == ("queued", 2, ("first",), "two texts")
    one = run(Quality(), *twice)
    assert (one.state, one.why) == ("hard", "not right after 3 rounds: two texts")
    assert settled_rows(one) == ()


def test_items_have_one_key() -> None:
    with pytest.raises(ValueError, match="two items are called 't'"):
        progress(rules(), [ITEM, ITEM], [])


ACCEPT = Quality.model_validate({"acceptance": {"sample": 4, "bar": 0.75, "max_rounds": 2}})
KEYS = [f"k{i:02d}" for i in range(10)]


def batch(*checks: Opinion, without: tuple[str, ...] = (), more: tuple[Opinion, ...] = ()) -> Progress:
    said = [opinion(key, "ann", accepted(P)) for key in KEYS if key not in without]
    return progress(rules(ACCEPT), [item(key, P, batch="b") for key in KEYS], [*said, *checks, *more])


def check(key: str, right: bool, round_: int = 1, **how: Any) -> Opinion:
    said = accepted(P) if right else corrected(P, f"c-{key}", end=90)
    return opinion(key, "cat", said, purpose="acceptance", round_=round_, at=50, **how)


def drawn(known: Progress) -> tuple[str, ...]:
    return known.batches[-1].sample


def test_the_sample_waits_for_the_whole_batch() -> None:
    assert batch(without=("k03",)).batches == ()
    known = batch()
    (outcome,) = known.batches
    assert (len(outcome.keys), len(outcome.sample), outcome.decision) == (10, 4, None)
    pushes = open_tasks(rules(ACCEPT), known)
    assert {push.purpose for push in pushes} == {"acceptance"}
    assert {push.key for push in pushes} == set(outcome.sample)
    assert {push.shown[0].annotator for push in pushes} == {"ann"}


def test_a_batch_that_meets_the_bar_is_accepted() -> None:
    sample = drawn(batch())
    known = batch(check(sample[0], right=False), *(check(key, right=True) for key in sample[1:]))
    assert known.counts == {"accepted": 10}
    assert (known.batches[0].right.count, known.batches[0].right.n, known.batches[0].decision) == (3, 4, "accept")
    assert statuses(known.items[sample[0]]) == {"p": "accepted", f"c-{sample[0]}": "corrected"}
    assert [r["annotator"] for r in settled_rows(known.items[sample[1]])] == ["ann", "cat"]


def sent_back() -> list[Opinion]:
    sample = drawn(batch())
    return [check(key, right=i > 1) for i, key in enumerate(sample)]


def test_a_batch_below_the_bar_goes_to_another_round() -> None:
    known = batch(*sent_back())
    assert known.counts == {"accepted": 4, "queued": 6}
    assert known.batches[0].decision == "again"
    waiting = [one for one in known.items.values() if one.waiting]
    assert {(one.round, one.why) for one in waiting} == {(2, "2 of 4 sampled items were right, the bar is 0.75")}
    assert all(settled_rows(one) == () for one in waiting)
    push = open_tasks(rules(ACCEPT), known)[0]
    assert (push.purpose, push.uid[:16], push.shown[0].annotator) == ("first", "demo/language/2/", "ann")


def test_below_the_bar_in_the_last_round_is_hard() -> None:
    checks = sent_back()
    rest = [key for key in KEYS if key not in drawn(batch())]
    again = tuple(opinion(key, "bob", accepted(P), round_=2, at=60) for key in rest)
    second = batch(*checks, more=again)
    assert [b.round for b in second.batches] == [1, 2]
    assert set(second.batches[1].keys) == set(rest)
    bad = [check(key, right=False, round_=2) for key in drawn(second)]
    known = batch(*checks, *bad, more=again)
    assert known.counts == {"accepted": 8, "hard": 2}
    assert known.batches[1].decision == "give up"


def test_what_went_on_to_a_later_round_stays_there() -> None:
    checks = sent_back()
    rest = [key for key in KEYS if key not in drawn(batch())]
    again = (opinion(rest[0], "bob", accepted(P), round_=2, at=60),)
    mended = [check(key, right=True) for key in drawn(batch())]
    assert batch(*checks, more=again).items[rest[0]].state == batch(*mended, more=again).items[rest[0]].state == "labelled"
    assert batch(*mended, more=again).batches[0].decision == "again"


def test_what_a_checker_cannot_judge_is_not_right() -> None:
    sample = drawn(batch())
    skip = opinion(sample[0], "cat", purpose="acceptance", at=50, skipped=True)
    known = batch(skip, *(check(key, right=True) for key in sample[1:]))
    assert known.items[sample[0]].state == "hard"
    assert (known.batches[0].right.count, known.batches[0].right.n) == (3, 4)


def test_checking_ones_own_work_is_said() -> None:
    sample = drawn(batch())
    own = opinion(sample[0], "ann", accepted(P), purpose="acceptance", at=50)
    assert [f.code for f in batch(own).findings] == ["checked_own"]


def test_priority_decides_the_order_of_correction() -> None:
    items = [item(key, P) for key in KEYS]
    uncertain = [
        i.__class__(i.key, i.extent, priority=p / 10, rows=i.rows) for p, i in zip(range(10, 0, -1), items, strict=True)
    ]
    pushes = next_round(rules(), uncertain, [])
    assert [push.key for push in pushes] == KEYS[::-1]
    assert [push.score for push in pushes] == sorted(push.score for push in pushes)
    assert {push.shown[0].annotator for push in pushes} == {None}


def test_who_is_blind_sees_nothing() -> None:
    blind = Quality(overlap=1.0, blind=True)
    shown = {push.purpose: push.shown for push in next_round(rules(blind), [ITEM], [])}
    assert shown["second"] == ()
    assert len(shown["first"]) == 1
    nobody = Project("language", "robot_language", ("primitive_skill",), blind=True)
    assert all(push.shown == () for push in next_round(rules(OVERLAP, nobody), [ITEM], []))


def test_silence_in_the_verdict_view_says_nothing() -> None:
    verdicts = Project("language", "verdict", ("primitive_skill",))
    second = opinion("t", "bob", rejected(P), accepted(Q), purpose="second", at=5)
    judge = opinion("t", "cat", rejected(P), purpose="adjudication", at=9)  # Q was unclear
    one = progress(rules(OVERLAP, verdicts), [ITEM], [AGREE, second, judge]).items["t"]
    assert one.state == "adjudicated"
    assert statuses(one) == {"p": "rejected"}


def test_what_nobody_saw_is_replaced_in_a_blind_project() -> None:
    blind = Project("language", "robot_language", ("primitive_skill",), blind=True)
    said = opinion("t", "ann", added(P | {"annotation_id": "p-ann"}), added(skill("new", 50, 80)))
    one = progress(rules(Quality(), blind), [ITEM], [said]).items["t"]
    # the first says what was proposed, and so confirms it; the second proposal is not what the person sees there
    assert statuses(one) == {"p": "accepted", "new": "accepted", "q": "rejected"}


def test_a_proposal_that_the_adjudicator_did_not_choose_is_rejected() -> None:
    blind_second = opinion("t", "bob", added(skill("b1", 0, 80)), purpose="second", at=5)
    judge = opinion("t", "cat", accepted(skill("b1", 0, 80)) | {"producer_type": "human"}, purpose="adjudication", at=9)
    assert statuses(run(OVERLAP, AGREE, blind_second, judge)) == {"p": "rejected", "q": "rejected", "b1": "accepted"}


@pytest.mark.parametrize("seed", range(150))
def test_any_ledger_has_states_whatever_people_did_and_in_whatever_order_it_is_read(seed: int) -> None:
    dice = random.Random(seed)
    keys = [f"k{i}" for i in range(6)]
    items = [item(key, P, Q, batch=dice.choice("ab")) for key in keys]
    acceptance = {"sample": 2, "bar": 0.6, "max_rounds": 3} if dice.random() < 0.7 else None
    quality = Quality.model_validate({"overlap": dice.choice([0, 0.5, 1]), "acceptance": acceptance})
    said = []
    for at in range(dice.randrange(60)):
        rows = dice.choice(
            [
                (accepted(P), accepted(Q)),
                (corrected(P, f"x{at}", end=dice.randrange(5, 50)), rejected(Q)),
                (rejected(P), rejected(Q)),
            ]
        )
        what = dice.random()
        said.append(
            opinion(
                dice.choice(keys),
                dice.choice("vwxyz"),
                *(rows if what < 0.8 else ()),
                purpose=dice.choice(PURPOSES),
                round_=dice.choice([1, 1, 1, 2, 3]),
                at=at,
                skipped=what >= 0.9,
                redo="two texts" if 0.8 <= what < 0.9 else "",
            )
        )
    known = progress(rules(quality), items, said)
    assert known.items.keys() == set(keys)
    for one in known.items.values():
        assert fold(one.events) == one.state
        assert 1 <= one.round <= 3
        assert not (one.waiting and one.state in FINAL)
        assert one.waiting or one.state in {*FINAL, *READY}
        state_tables([dict(row) for rows in one.item.rows.values() for row in rows] + list(settled_rows(one)))
    dice.shuffle(said)
    again = progress(rules(quality), items[::-1], said)
    assert {k: (o.state, o.events, o.waiting) for k, o in again.items.items()} == {
        k: (o.state, o.events, o.waiting) for k, o in known.items.items()
    }


def test_who_corrects_a_correction_back_has_made_the_first_one_again() -> None:
    """Ids follow from content: the same person saying the same thing again is the same row."""
    a = corrected(P, "a", end=30)
    c = corrected(a, "c", end=40)
    said = (
        opinion("t", "ann", a, accepted(Q)),
        opinion("t", "cat", c, accepted(Q), round_=2, at=10),
        opinion("t", "ann", corrected(c, "a", end=30), accepted(Q), round_=3, at=20),
        opinion("t", "dan", accepted(corrected(c, "a", end=30)), accepted(Q), round_=3, at=30, purpose="acceptance"),
    )
    for n in (3, 4):
        one = ItemProgress(ITEM, "accepted", 3, authority=said[n - 1], opinions=said[:n])
        rows = settled_rows(one)
        assert {r["annotation_id"]: r["supersedes"] for r in rows} == {"a": "p", "c": "a", "q": None}
        assert statuses(one) == {"a": "corrected" if n == 3 else "accepted", "c": "rejected", "q": "accepted"}


def test_an_agreed_opinion_that_says_what_was_proposed_is_confirmed_as_the_proposal() -> None:
    wrong = opinion("t", "cat", corrected(P, "p-cat", label="pour"), accepted(Q))
    seen = corrected(P, "p-cat", label="pour")
    back = [corrected(seen, f"p-{who}", label="pick") for who in ("bob", "eve")]
    first = opinion("t", "bob", back[0], accepted(Q), round_=2, at=10)
    second = opinion("t", "eve", back[1], accepted(Q), round_=2, at=20, purpose="second")
    seconded = {second.submission: first.submission}
    one = ItemProgress(ITEM, "agreed", 2, authority=first, opinions=(wrong, first, second), seconded=seconded)
    assert statuses(one) == {"p": "accepted", "q": "accepted", "p-cat": "rejected"}
    assert [r["annotator"] for r in settled_rows(one) if r["annotation_id"] == "p"] == ["bob", "eve"]


def test_a_region_dragged_over_one_that_was_deleted_is_that_one() -> None:
    over = corrected(P, "p-ann", start=50, end=100, label="place")
    one = run(Quality(), opinion("t", "ann", over, rejected(Q)))
    assert statuses(one) == {"q": "accepted", "p": "rejected"}


def test_two_regions_that_changed_places_are_two_corrections() -> None:
    there, here = corrected(P, "p-ann", start=50, end=100, label="place"), corrected(Q, "q-ann", start=0, end=50, label="pick")
    assert statuses(run(Quality(), opinion("t", "ann", there, here))) == {"p-ann": "corrected", "q-ann": "corrected"}
