"""Which clock a topic's times are of, and what a step takes of a topic that has its own rate."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.formats.ros.fields import Clock, Policy

Times = npt.NDArray[np.int64]

LATE = 1.5
"""An interval of more than this many medians is a gap in which messages were dropped."""

_WORDS = {"stamp": "message stamp", "log": "log time", "publish": "publish time"}


def clock_times(
    log: list[int], publish: list[int | None], stamps: list[int | None], wanted: Clock | None
) -> tuple[Times, dict[str, Any]]:
    """A topic's times in ns, and what to say of them: the clock used, how far log time lags behind it, where it goes back.

    Without a wish the message's own stamp is taken where every message has one and they are not all zero, else log time.
    Raises ValueError where the wanted clock is not recorded.
    """
    stamped = all(stamp is not None for stamp in stamps) and any(stamps)
    used: Clock = wanted or ("stamp" if stamped else "log")
    clocks: dict[Clock, list[Any]] = {"stamp": [*stamps], "log": [*log], "publish": [*publish]}
    chosen = clocks[used]
    if any(time is None for time in chosen) or (used == "stamp" and not stamped):
        raise ValueError(f"{_WORDS[used]} is not recorded with every message")
    times = np.asarray(chosen, np.int64)
    said: dict[str, Any] = {"clock": _WORDS[used], "messages": len(times)}
    lag = (np.asarray(log, np.int64) - times) / 1e9
    if len(lag) and np.abs(lag).max() > 0:
        said["log_time_after_it"] = {
            "least": round(float(lag.min()), 6), "median": round(float(np.median(lag)), 6), "most": round(float(lag.max()), 6),
        }  # fmt: skip
    back = np.flatnonzero(np.diff(times) < 0)
    if len(back):
        at = int(back[0]) + 1
        said["goes_back"] = {"count": len(back), "first_message": at, "by": round(float(times[at - 1] - times[at]) / 1e9, 6)}
    return times, said


def taken(steps: Times, times: Times, policy: Policy, max_age: float | None) -> tuple[npt.NDArray[np.int64], dict[str, Any]]:
    """For each step the index of the message that it takes, -1 for none; and figures. Both times ascend, ns of one clock."""
    if not len(times):
        return np.full(len(steps), -1), {"messages": 0, "steps_without": len(steps)}
    before = np.searchsorted(times, steps, side="right") - 1
    after = np.searchsorted(times, steps, side="left")
    if policy == "hold":
        found = before
    elif policy == "next":
        found = np.where(after < len(times), after, -1)
    else:
        low, high = np.clip(before, 0, None), np.clip(after, None, len(times) - 1)
        found = np.where(np.abs(steps - times[low]) <= np.abs(times[high] - steps), low, high)
    ages = np.abs(steps - times[np.clip(found, 0, None)]) / 1e9
    if max_age is not None:
        found = np.where(ages <= max_age, found, -1)
    there = found >= 0
    used, counts = np.unique(found[there], return_counts=True)
    said = {
        "policy": policy,
        "max_age": max_age,
        "largest_age": round(float(ages[there].max()), 6) if there.any() else None,
        "steps_without": int((~there).sum()),
        "steps_held": int((counts - 1).sum()),
        "messages_unused": int(len(times) - len(used)),
    }
    return found.astype(np.int64), said


def gaps(times: Times, start: int) -> dict[str, Any]:
    """Dropped and doubled messages of a topic of a steady rate: where its interval is far above the median, or zero.

    `start`: ns that stands for 0 s. Nothing where there are fewer than 3.
    """
    intervals = np.diff(times)
    if len(intervals) < 2:
        return {}
    median = float(np.median(intervals))
    said: dict[str, Any] = {}
    late = np.flatnonzero(intervals > LATE * median) if median > 0 else np.array([], np.int64)
    if len(late):
        lost = [round(float(intervals[i]) / median) - 1 for i in late]
        places = [
            {"after_frame": int(i), "at": round(float(times[i] - start) / 1e9, 6), "missing": n}
            for i, n in zip(late[:20], lost, strict=False)
        ]
        said["dropped"] = {"count": sum(lost), "gaps": places}
    if (intervals == 0).any():
        said["doubled"] = {"count": int((intervals == 0).sum()), "first_frame": int(np.flatnonzero(intervals == 0)[0]) + 1}
    return said


def offset_to_steps(times: Times, steps: Times) -> float | None:
    """Median seconds by which a topic's messages come after the step nearest to each; None where there are none."""
    if not len(times) or not len(steps):
        return None
    right = np.clip(np.searchsorted(steps, times), 0, len(steps) - 1)
    left = np.clip(right - 1, 0, None)
    offsets = np.where(np.abs(times - steps[left]) <= np.abs(times - steps[right]), times - steps[left], times - steps[right])
    return round(float(np.median(offsets)) / 1e9, 6)
