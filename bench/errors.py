"""Errors that the command line turns into one clear line and an exit code of the contract."""


class UsageError(ValueError):
    """What was asked for cannot be understood: exit code 2."""

    exit_code = 2


class DataUnavailable(RuntimeError):
    """Data or weights that were asked for explicitly and cannot be had here: exit code 7."""

    exit_code = 7


class InvalidSubmission(ValueError):
    """A file of samples that does not fit its dataset: exit code 6."""

    exit_code = 6
