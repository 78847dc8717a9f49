"""What a recipe asks of a project's quality: overlap, thresholds of agreement, acceptance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from .items import Extent
from .measures import KIND_MEASURES, MEASURES

_STRICT = ConfigDict(extra="forbid", frozen=True)
ROUNDS = 3
Share = Annotated[float, Field(ge=0, le=1)]


class Tolerance(BaseModel):
    """How far apart two boundaries may be and still be the same one.

    `seconds` counts where steps have a time, `steps` where they have none; never less than one picture.
    """

    model_config = _STRICT
    seconds: Annotated[float, Field(ge=0)] = 0.5
    steps: Annotated[float, Field(ge=0)] = 1

    def within(self, extent: Extent) -> float:
        """The tolerance in steps."""
        steps = self.steps if not extent.seconds_per_step else self.seconds / extent.seconds_per_step
        return max(steps, extent.steps_per_picture if extent.steps_per_picture > 1 else 0.0)

    def stated(self, extent: Extent) -> str:
        """In words, in both units where both are known: "0.5 s = 5 steps"."""
        steps = self.within(extent)
        if not extent.seconds_per_step:
            return f"{steps:.3g} steps"
        return f"{steps * extent.seconds_per_step:.3g} s = {steps:.3g} steps"


class Acceptance(BaseModel):
    """Acceptance sampling: `sample` items of each batch are checked, the share of right ones must reach `bar`.

    A batch below it goes to another round, `max_rounds` rounds in all; what is left then is `hard`.
    """

    model_config = _STRICT
    sample: Annotated[int, Field(ge=1)]
    bar: Share
    max_rounds: Annotated[int, Field(ge=1)] = ROUNDS


class Quality(BaseModel):
    """How a project's rounds run.

    `overlap`: share of the items that a second person is asked about. `blind`: the second person sees no proposals.
    `agreement`: kind → threshold of its main measure, or measure → threshold; what is not named has the default of
    `MEASURES`. `acceptance`: None = nothing is sampled. `skips`: so many people skip an item before nobody is asked again.
    """

    model_config = _STRICT
    overlap: Share = 0.0
    blind: bool = False
    agreement: dict[str, dict[str, float]] = {}
    tolerance: Tolerance = Tolerance()
    acceptance: Acceptance | None = None
    skips: Annotated[int, Field(ge=1)] = 2

    @field_validator("agreement", mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        """A bare number is the threshold of the kind's main measure. Kinds and measures must exist."""
        if not isinstance(value, Mapping):
            return value
        found = {}
        for kind, given in value.items():
            if kind not in KIND_MEASURES:
                raise _wrong(f"no kind {kind!r}; there are {', '.join(KIND_MEASURES)}")
            main = KIND_MEASURES[kind][0]
            found[kind] = given if isinstance(given, Mapping) else {main: given}
            for measure, threshold in found[kind].items():
                known = dict.fromkeys((*KIND_MEASURES[kind], "verdict_kappa"))
                if measure not in known:
                    raise _wrong(f"{kind} has no measure {measure!r}; it has {', '.join(known)}")
                _in_range(measure, threshold)
        return found

    def threshold(self, kind: str, measure: str) -> float:
        """What a measure of a kind must reach (a distance: must not exceed)."""
        return self.agreement.get(kind, {}).get(measure, MEASURES[measure].threshold)

    @property
    def rounds(self) -> int:
        """How many rounds there are at most, also for items to be done again where nothing is sampled."""
        return self.acceptance.max_rounds if self.acceptance else ROUNDS


def _in_range(measure: str, threshold: Any) -> None:
    if isinstance(threshold, bool) or not isinstance(threshold, int | float):
        raise _wrong(f"the threshold of {measure} is {threshold!r}, should be a number")
    if not 0 <= threshold <= (1 if MEASURES[measure].higher else float("inf")):
        top = "between 0 and 1" if MEASURES[measure].higher else f"0 or more, in {MEASURES[measure].unit}"
        raise _wrong(f"the threshold of {measure} is {threshold:g}, should be {top}")


def _wrong(sentence: str) -> PydanticCustomError:
    return PydanticCustomError("agreement", "{sentence}", {"sentence": sentence})
