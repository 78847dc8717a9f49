"""The tables of a report, in words: for the terminal and for the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from annotators.label_studio.rounds.acceptance import Interval
from annotators.label_studio.rounds.measures import MEASURES
from annotators.label_studio.rounds.report import Fate, Report, Score

NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Table:
    """A table: `head` and `rows` of texts, the first `words` columns are words, the rest numbers. `note` is a sentence."""

    title: str
    note: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1


def tables(report: Report) -> tuple[Table, ...]:
    """The tables of one project, those without a row left out."""
    made = (_states(report), _fates(report), _proposals(report), _agreement(report), _batches(report), _times(report))
    return tuple(table for table in (*made, _people(report), _drift(report)) if table.rows)


def print_report(reports: Iterable[Report], console: Console) -> None:
    """All tables of all projects, to a terminal. Texts stay texts."""
    for report in reports:
        console.print(Text(f"\n{report.project}", style="bold"))
        for table in tables(report):
            drawn = RichTable(title=Text(table.title), title_justify="left")
            for i, name in enumerate(table.head):
                drawn.add_column(Text(name), justify="left" if i < table.words else "right")
            for row in table.rows:
                drawn.add_row(*map(Text, row))
            console.print(drawn)
            console.print(Text(table.note, style="dim"))


def percent(share: float | None) -> str:
    """A share for people."""
    return "–" if share is None else f"{share:.0%}"


def within(interval: Interval) -> str:
    """A share with its interval: "90% (68% to 99%), 18 of 20"."""
    if interval.share is None:
        return "–"
    return f"{interval.share:.0%} ({interval.low:.0%} to {interval.high:.0%}), {interval.count} of {interval.n}"


def duration(seconds: float | None) -> str:
    """Seconds for people."""
    if seconds is None:
        return NOT_MEASURED
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _states(report: Report) -> Table:
    head, counts = tuple(report.states), tuple(str(n) for n in report.states.values())
    total = sum(report.states.values())
    return Table("Items", f"{total} items, each in one state", head, (counts,) if head else (), words=0)


def _fates(report: Report) -> Table:
    rows = tuple(
        (f.layer, f.producer, *map(str, (f.accepted, f.corrected, f.rejected, f.added, f.pending)), percent(_kept(f)))
        for f in report.fates
    )
    note = "Added: rows that nobody proposed. Pending: people have not settled it. As it was: accepted, of what is settled."
    head = ("layer", "producer", "accepted", "corrected", "rejected", "added", "pending", "as it was")
    return Table("What became of the proposals", note, head, rows, words=2)


def _kept(fate: Fate) -> float | None:
    settled = fate.accepted + fate.corrected + fate.rejected
    return fate.accepted / settled if settled else None


def _proposals(report: Report) -> Table:
    rows = tuple((s.layer, s.producer, s.against, *_score(s)) for s in report.proposals)
    note = "Against people: what was settled in the end, by people who saw the proposals. Against gold: rows known to be right."
    return Table("How good the proposals were", note, ("layer", "producer", "against", *_SCORE), rows, words=6)


def _agreement(report: Report) -> Table:
    rows = tuple((s.layer, *_score(s), percent(s.agreed)) for s in report.agreement)
    seen = report.blind or "both people saw the proposals, which makes them agree more"
    note = f"Between two people's opinions of the same items; {seen}. Agreed: items that meet the threshold."
    return Table("How people agreed", note, ("layer", *_SCORE, "agreed"), rows, words=4)


_SCORE = ("measure", "value", "tolerance", "compared", "items")


def _score(score: Score) -> tuple[str, ...]:
    return score.measure, value(score), score.tolerance or "–", str(score.n), str(score.items)


def value(score: Score) -> str:
    """The value of a measure with its unit where it has one."""
    if score.n == 0:
        return "nothing there"
    unit = MEASURES[score.measure].unit
    if unit == "metres":
        return f"{score.value:.3f} m"
    if score.pixels is not None:
        return f"{score.pixels:.1f} px ({score.value:.1%} of the diagonal)"
    alpha = f", alpha {score.alpha:.2f}" if score.alpha is not None else ""
    return f"{score.value:.2f}{alpha}"


def _batches(report: Report) -> Table:
    rows = tuple(
        (b.batch or "all", str(b.round), b.decision or "open", str(len(b.keys)), str(len(b.sample)), within(b.right))
        for b in report.batches
    )
    bar = "" if report.bar is None else f"The bar is {report.bar:.0%} right. "
    note = f"{bar}In brackets the 95% Clopper–Pearson interval of the whole batch's share."
    return Table("Acceptance", note, ("batch", "round", "decision", "items", "sampled", "right in the sample"), rows, words=3)


def _times(report: Report) -> Table:
    rows = tuple(
        (
            t.purpose,
            str(t.submissions),
            str(t.skipped),
            duration(t.median),
            duration(t.p90),
            duration(t.total),
            f"{t.measured} of {t.submissions}",
        )
        for t in report.times
    )
    cap = (
        ""
        if report.cap is None
        else f", at most {duration(report.cap)} each ({sum(t.capped for t in report.times)} were longer)"
    )
    note = f"From opening a task to submitting it, idle time included{cap}; each submission counts once."
    return Table("Time per submission", note, ("for", "submissions", "skipped", "median", "90%", "in all", "measured"), rows)


def _people(report: Report) -> Table:
    rows = tuple((p.annotator, str(p.submissions), within(p.right), duration(p.seconds)) for p in report.people)
    note = "Right: of the first and second opinions that somebody else settled, those that agree with it. Best first."
    return Table("Annotators", note, ("annotator", "submissions", "right", "median time"), rows)


def _drift(report: Report) -> Table:
    rows = tuple(
        (w.annotator, f"{w.first} to {w.last}", w.since[:10], w.until[:10], within(w.right), duration(w.seconds))
        for w in report.drift
    )
    note = "Judged opinions in order of time, in windows."
    return Table("Drift", note, ("annotator", "opinions", "from", "to", "right", "median time"), rows, words=4)


def headline(reports: Sequence[Report]) -> Iterator[tuple[str, str]]:
    """(number, what it is) for the top of the page."""
    items = sum(n for r in reports for n in r.states.values())
    final = sum(n for r in reports for state, n in r.states.items() if state == "accepted")
    settled = sum(f.accepted + f.corrected + f.rejected for r in reports for f in r.fates)
    accepted = sum(f.accepted for r in reports for f in r.fates)
    measured = [t.total for r in reports for t in r.times if t.total is not None]
    yield f"{final} of {items}", "items accepted"
    yield (percent(accepted / settled) if settled else "–"), f"of {settled} settled proposals were right as they were"
    yield str(sum(t.submissions for r in reports for t in r.times)), "submissions"
    yield (duration(sum(measured)) if measured else NOT_MEASURED), "of people's time"
