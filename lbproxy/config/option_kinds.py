"""The kinds of values that an option can have: each reads text and writes it back.

Options, environment variables and the file all hold text, so that one reader serves the three and a value is written
the same everywhere.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from pydantic_core import CoreSchema, core_schema

from lbproxy.config.cpus import usable_cpus
from lbproxy.config.foreign_words import our_scheduler
from lbproxy.text.quoting import listed, quoted
from lbproxy.text.units import format_duration, parse_duration

T = TypeVar("T")
Words = TypeVar("Words", bound=StrEnum)


class OptionKind(ABC, Generic[T]):
    """How to read and write one kind of value. In a field's `Annotated[...]` it makes pydantic validate by `read`."""

    metavar: str
    """The value's name in help."""
    is_repeatable = False
    """The option may be given several times; `read` gets a list."""

    @abstractmethod
    def read(self, value: object) -> T:
        """Take text, or a value of the right type; raise `ValueError` with what to write instead.

        Never `TypeError`: pydantic collects `ValueError`, so that all mistakes of a file are counted.
        """

    @abstractmethod
    def show(self, value: T) -> str | int:
        """Return what `read` takes, for the effective configuration and for the default in help."""

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> CoreSchema:
        # Plain: pydantic converts nothing itself, so that file, variable and option are read by the same rules.
        return core_schema.no_info_plain_validator_function(self.read)


@dataclass(frozen=True)
class Integer(OptionKind[int]):
    """A whole number from `low` to `high`, both included."""

    low: int
    high: int
    metavar: str = "N"

    def read(self, value: object) -> int:
        """Take `12` or 12."""
        # int() alone takes spaces, underscores and digits of other scripts, and has its own error above 4300 digits.
        if isinstance(value, str) and re.fullmatch("[+-]?[0-9]{1,18}", value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError(f"{quoted(value)} is not a number; {self._advice()}")  # noqa: TRY004 - see OptionKind.read
        if not self.low <= value <= self.high:
            raise ValueError(f"{value} is out of range; {self._advice()}")
        return value

    def show(self, value: int) -> int:
        """Return the number itself."""
        return value

    def _advice(self) -> str:
        return f"write a number from {self.low} to {self.high}"


@dataclass(frozen=True)
class Workers(Integer):
    """A number of worker processes; `auto` is one for each CPU that this process may use."""

    metavar: str = "N|auto"

    def read(self, value: object) -> int:
        """Take `4`, 4 or `auto`."""
        return usable_cpus(at_most=self.high) if value == "auto" else super().read(value)

    def _advice(self) -> str:
        return f"{super()._advice()}, or auto"


@dataclass(frozen=True)
class Duration(OptionKind[float]):
    """A duration from `low` to `high` seconds, both included."""

    low: float
    high: float
    metavar: str = "DURATION"

    def read(self, value: object) -> float:
        """Take `2s`, or a number of seconds. Only a number that is not text may lack its unit: people mean ms or s."""
        seconds = parse_duration(value) if isinstance(value, str) else value
        if not isinstance(seconds, int | float) or isinstance(seconds, bool):
            raise ValueError(f"{quoted(value)} is not a duration; {self._advice()}")  # noqa: TRY004 - see OptionKind.read
        if not self.low <= seconds <= self.high:
            raise ValueError(f"{value} is out of range; {self._advice()}")
        return float(seconds)

    def show(self, value: float) -> str:
        """Return `1m30s` for 90.0."""
        return format_duration(value)

    def _advice(self) -> str:
        return f"write a duration from {format_duration(self.low)} to {format_duration(self.high)}"


@dataclass(frozen=True)
class Text(OptionKind[str]):
    """Text that matches `pattern` as a whole. The empty text is allowed and means not set."""

    pattern: str
    advice: str
    metavar: str

    def read(self, value: object) -> str:
        """Take text of the pattern, or none; else raise `ValueError` with the advice."""
        if isinstance(value, str) and (not value or re.fullmatch(self.pattern, value)):
            return value
        raise ValueError(f"{quoted(value)} {self.advice}")

    def show(self, value: str) -> str:
        """Return the text itself."""
        return value


class Choice(OptionKind[Words]):
    """One word of an enumeration."""

    def __init__(self, words: type[Words]) -> None:
        self._words = words
        self.metavar = "|".join(words)

    def read(self, value: object) -> Words:
        """Take a member or its text."""
        try:
            return self._words(value if isinstance(value, str) else "")
        except ValueError:
            ours = our_scheduler(value) if isinstance(value, str) else None
            advice = f"lbproxy calls it {ours}" if ours in list(self._words) else f"write {listed(self._words)}"
            raise ValueError(f"{quoted(value)} is unknown; {advice}") from None

    def show(self, value: Words) -> str:
        """Return the bare word."""
        return value.value


class Boolean(OptionKind[bool]):
    """On or off. On the command line the option has no value: it means on."""

    metavar = ""

    def read(self, value: object) -> bool:
        """Take `on`, `true`, `yes` and their opposites."""
        if isinstance(value, bool):
            return value
        word = value.lower() if isinstance(value, str) else ""
        if word not in {"true", "on", "yes", "false", "off", "no"}:
            raise ValueError(f"{quoted(value)} is not on or off; write on or off")
        return word in {"true", "on", "yes"}

    def show(self, value: bool) -> str:  # noqa: FBT001 - the value is what it is about
        """Return `on` or `off`."""
        return "on" if value else "off"
