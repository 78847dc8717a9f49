"""What can go wrong with a Label Studio, as one error that holds no secret."""

from __future__ import annotations


class LabelStudioError(Exception):
    """A call failed. `str()` is a sentence for people.

    `status`: of HTTP; None where no answer came. `unreachable`: no connection, or it broke, or took too long: whether the
    server did what it was asked to is not known. `retry_after`: seconds that the server asked to wait.
    """

    def __init__(
        self, sentence: str, status: int | None = None, *, unreachable: bool = False, retry_after: float | None = None
    ) -> None:
        super().__init__(sentence)
        self.status = status
        self.unreachable = unreachable
        self.retry_after = retry_after

    @property
    def unknown_outcome(self) -> bool:
        """Whether the server may have done what it was asked to, all the same: look before asking again."""
        return self.unreachable or (self.status is not None and self.status >= 500)
