"""How a command-line argument is recognized in every spelling that argparse takes.

An engine hands in the flags that the operator sets; `owned_by` says which of them an argument
would set. It errs to the strict side: an abbreviation that could mean an owned flag is one, even
where argparse would call it ambiguous.
"""

from collections.abc import Iterable
from dataclasses import dataclass

REFERENCE = "$("
"""How the reference to a variable of the container begins, which the kubelet replaces."""


@dataclass(frozen=True)
class OwnedFlag:
    """A long option without its dashes, and what to do instead of setting it.

    A family owns every option that begins with its name. `short` lists spellings with one dash.
    """

    name: str
    remedy: str
    short: tuple[str, ...] = ()
    family: bool = False


def owned_by(argument: str, table: Iterable[OwnedFlag]) -> OwnedFlag | None:
    """The owned flag that `argument` would set, if any.

    Seen through: `--flag=value`, `--flag.key value`, underscores for dashes, unique beginnings of
    a name, `--no-flag`, short options and their beginnings.
    """
    option = argument.partition("=")[0].partition(".")[0]
    if option.startswith("--"):
        name = option[2:].replace("_", "-")
        return next((flag for flag in table if _sets(name, flag)), None)
    if option.startswith("-") and len(option) > 1:
        return next((flag for flag in table if _sets_short(option, flag)), None)
    return None


def is_open(argument: str) -> bool:
    """Whether the kubelet could make any option of it: `$(NAME)` stands before an `=`."""
    return REFERENCE in argument.partition("=")[0]


def _sets(name: str, flag: OwnedFlag) -> bool:
    if not name:
        return False
    for long in (flag.name, f"no-{flag.name}"):
        if name == long or long.startswith(name):
            return True
        if flag.family and name.startswith(long):
            return True
    return False


def _sets_short(option: str, flag: OwnedFlag) -> bool:
    for short in flag.short:
        if short.startswith(option):
            return True
        if len(short) == 2 and option.startswith(short):
            return True
    return False


def value_of(arguments: tuple[str, ...], name: str, least: str | None = None) -> str | None:
    """The value that the last `--name value` or `--name=value` gives.

    `least` is the shortest beginning of the name that the parser takes for it; None: none is.
    """
    last = None
    for index, argument in enumerate(arguments):
        option, separator, value = argument.partition("=")
        spelled = option.replace("_", "-").removeprefix("--")
        if not option.startswith("--") or not (
            spelled == name or (least and spelled.startswith(least) and name.startswith(spelled))
        ):
            continue
        if separator:
            last = value
        elif index + 1 < len(arguments):
            last = arguments[index + 1]
    return last


def is_on(arguments: tuple[str, ...], name: str) -> bool | None:
    """What the last `--name` or `--no-name` says; None where there is neither."""
    last = None
    for argument in arguments:
        spelled = argument.replace("_", "-")
        if spelled in (f"--{name}", f"--no-{name}"):
            last = spelled == f"--{name}"
    return last
