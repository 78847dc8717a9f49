"""The errors that end a run, each a sentence with the place and the remedy. What is wrong with *data* is a `Reject`."""

from __future__ import annotations


class CairnError(Exception):
    """A run cannot go on. `exit_code` is what the command returns: 1 data, 2 usage or configuration."""

    exit_code = 1


class ConfigurationError(CairnError):
    """The recipe, an option or the environment is at fault."""

    exit_code = 2


class DataError(CairnError):
    """The data broke a rule or a ratio."""

    exit_code = 1


class RunError(CairnError):
    """The run itself broke: a worker died, or nothing came for longer than patience."""

    exit_code = 1
