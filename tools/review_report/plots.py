"""The pictures of a report, as PNG. Colours that colour-blind people tell apart (M. Okabe, K. Ito, 2002)."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Sequence

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from annotators.label_studio.rounds.measures import MEASURES
from annotators.label_studio.rounds.report import Report, Score, Window

GREEN, ORANGE, RED, BLUE, GREY, PURPLE = "#009e73", "#e69f00", "#d55e00", "#0072b2", "#9a9a9a", "#cc79a7"
FATES = {"accepted": GREEN, "corrected": ORANGE, "rejected": RED, "added": BLUE, "pending": "#d0d0d0"}
DECISIONS = {"accept": (GREEN, "accepted", "o"), "again": (ORANGE, "sent back", "s"), "give up": (RED, "given up", "X")}
INK = "#222222"
WIDTH, DPI = 8.4, 150
MAX_BATCHES = 60
"""More are drawn as the last ones: the table has them all."""


def plots(report: Report) -> dict[str, bytes]:
    """Name → PNG; a picture of which there is nothing to show is left out."""
    with matplotlib.rc_context({"text.parse_math": False}):  # a dollar in a name is a dollar
        return {name: _png(figure) for name, figure in _drawn(report).items() if figure is not None}


def _drawn(report: Report) -> dict[str, Figure | None]:
    return {
        "fates": _fates(report),
        "proposals": _scores(report.proposals, "How close the proposals came"),
        "agreement": _scores(report.agreement, "How far two people agreed"),
        "acceptance": _acceptance(report),
        "time": _times(report),
        "drift": _drift(report),
    }


def _png(figure: Figure) -> bytes:
    FigureCanvasAgg(figure)
    out = io.BytesIO()
    figure.savefig(out, format="png", dpi=DPI, metadata={"Software": None})
    return out.getvalue()


def _figure(height: float, title: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained", facecolor="white")
    axes = figure.add_subplot()
    _plain(axes)
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold", color=INK)
    return figure, axes


def _plain(axes: Axes) -> None:
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(GREY)
    axes.tick_params(axis="both", length=0, labelsize=9, labelcolor=INK)
    axes.set_axisbelow(True)


def _names(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.4, -0.6)


def _fates(report: Report) -> Figure | None:
    if not report.fates:
        return None
    figure, axes = _figure(1.35 + 0.42 * len(report.fates), "What became of the proposals")
    axes.xaxis.grid(visible=True, color="#e6e6e6")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    total = max(sum(getattr(fate, name) for name in FATES) for fate in report.fates)
    for name, colour in FATES.items():
        counts = [getattr(fate, name) for fate in report.fates]
        if not any(counts):
            continue
        before = [sum(getattr(fate, n) for n in list(FATES)[: list(FATES).index(name)]) for fate in report.fates]
        axes.barh(range(len(counts)), counts, left=before, color=colour, label=name, height=0.62, edgecolor="white")
        for y, (count, left) in enumerate(zip(counts, before, strict=True)):
            if count > 0.035 * total:
                ink = INK if name in ("corrected", "pending") else "white"
                axes.text(left + count / 2, y, str(count), ha="center", va="center", fontsize=8.5, color=ink)
    _names(axes, [f"{fate.layer}\n{fate.producer}" for fate in report.fates])
    axes.set_xlabel("rows", fontsize=9, color=INK)
    axes.legend(
        ncols=5, frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(0, -0.32 / (0.5 + 0.42 * len(report.fates)))
    )
    return figure


def _scores(scores: Sequence[Score], title: str) -> Figure | None:
    """Shares and kappas on one axis from 0 to 1 with their thresholds; distances stand in the table."""
    kept = [score for score in scores if MEASURES[score.measure].unit in ("share", "kappa", "tau") and score.n]
    if not kept:
        return None
    figure, axes = _figure(1.15 + 0.36 * len(kept), title)
    axes.xaxis.grid(visible=True, color="#e6e6e6")
    low = min(0.0, *(score.value for score in kept))
    for y, score in enumerate(kept):
        good = score.value >= score.threshold
        axes.hlines(y, low, score.value, color="#c8c8c8", linewidth=2)
        axes.plot(score.value, y, "o" if good else "X", color=GREEN if good else RED, markersize=9)
        axes.plot([score.threshold] * 2, [y - 0.32, y + 0.32], color=INK, linewidth=1.6)
        axes.text(1.03, y, f"{score.value:.2f}", va="center", fontsize=9, color=INK)
    _names(axes, [_name(score) for score in kept])
    axes.set_xlim(low - 0.02, 1.1)
    axes.set_xticks([x / 10 for x in range(int(low * 10), 11, 2)])
    axes.set_xlabel("1 is perfect; the upright line is the threshold, ● meets it, ✖ does not", fontsize=9, color=INK)
    return figure


def _name(score: Score) -> str:
    measure = score.measure.replace("_", " ").replace("f1", "F1").replace("iou", "IoU")
    return (
        f"{score.layer} · {measure}"
        if score.against == "each other"
        else f"{score.layer} · {measure}\n{score.producer} against {score.against}"
    )


def _acceptance(report: Report) -> Figure | None:
    batches = [batch for batch in report.batches if batch.decision is not None and batch.right.n][-MAX_BATCHES:]
    if not batches:
        return None
    figure, axes = _figure(1.3 + 0.26 * len(batches), "Batches: right in the sample, with the 95% interval")
    axes.xaxis.grid(visible=True, color="#e6e6e6")
    shown = set()
    for y, batch in enumerate(batches):
        assert batch.decision is not None
        assert batch.right.share is not None
        colour, label, marker = DECISIONS[batch.decision]
        axes.hlines(y, batch.right.low, batch.right.high, color=colour, linewidth=2.2, alpha=0.55)
        axes.plot(
            batch.right.share, y, marker, color=colour, markersize=8, label=None if label in shown else label, linestyle=""
        )
        shown.add(label)
    if report.bar is not None:
        axes.axvline(report.bar, color=INK, linewidth=1.2, linestyle="--", label=f"bar {report.bar:.0%}")
    _names(axes, [f"{batch.batch or 'all'}, round {batch.round}" for batch in batches])
    axes.set_xlim(min(0.5, *(batch.right.low for batch in batches)) - 0.02, 1.01)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    axes.legend(frameon=False, fontsize=9, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure


def _times(report: Report) -> Figure | None:
    measured = [time for time in report.times if time.median is not None]
    if not measured:
        return None
    figure, axes = _figure(1.15 + 0.42 * len(measured), "Seconds per submission: median, and nine of ten below the line's end")
    axes.xaxis.grid(visible=True, color="#e6e6e6")
    for y, time in enumerate(measured):
        assert time.median is not None
        assert time.p90 is not None
        axes.hlines(y, time.median, time.p90, color=BLUE, linewidth=2.2, alpha=0.55)
        axes.plot(time.median, y, "o", color=BLUE, markersize=9)
        axes.plot(time.p90, y, "|", color=BLUE, markersize=11)
        axes.annotate(f"{time.median:.0f} s", (time.median, y), (0, 8), textcoords="offset points", ha="center", fontsize=8.5)
    _names(axes, [f"{time.purpose} ({time.measured})" for time in measured])
    axes.set_ylim(len(measured) - 0.4, -0.75)
    axes.set_xlim(left=0)
    axes.set_xlabel("seconds, idle time included", fontsize=9, color=INK)
    return figure


def _drift(report: Report) -> Figure | None:
    """One small picture per annotator, all on the same axes, so that a fall is seen and people can be compared."""
    people: dict[str, list[Window]] = defaultdict(list)
    for window in report.drift:
        people[window.annotator].append(window)
    if not people:
        return None
    columns = len(people) if len(people) <= 5 else 4
    rows = -(-len(people) // columns)
    figure = Figure(figsize=(WIDTH, 0.5 + 2.0 * rows), layout="constrained", facecolor="white")
    figure.suptitle(
        "Drift: share right, in order of time, with the 95% interval",
        x=0.01,
        ha="left",
        fontsize=11,
        fontweight="bold",
        color=INK,
    )
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
    for axes in grid[len(people) :]:
        axes.set_visible(False)
    for axes, (name, windows) in zip(grid, people.items(), strict=False):
        _plain(axes)
        axes.yaxis.grid(visible=True, color="#e6e6e6")
        middle = [(window.first + window.last) / 2 for window in windows]
        shares = [window.right.share or 0.0 for window in windows]
        axes.vlines(
            middle, [w.right.low for w in windows], [w.right.high for w in windows], color=BLUE, linewidth=2.2, alpha=0.4
        )
        axes.plot(middle, shares, "o-", color=BLUE, markersize=5, linewidth=1.6)
        axes.set_title(name, fontsize=9.5, loc="left", color=INK)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_ylim(0, 1.04)
        axes.set_xlim(0, max(window.last for window in report.drift) + 1)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=4))
    for axes in grid[max(len(people) - columns, 0) : len(people)]:
        axes.set_xlabel("opinions", fontsize=9, color=INK)
        axes.tick_params(labelbottom=True)
    return figure
