"""Expectations with a name: each is printed, and the run goes on, so that one run shows all that is wrong."""

import sys
import time
from collections.abc import Callable


class Checks:
    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    def that(self, what: str, holds: bool, otherwise: object = "") -> None:
        """`otherwise` is what a reader needs to see when it does not hold."""
        if holds:
            self.passed += 1
            print(f"  ok      {what}")
        else:
            self.failed += 1
            print(f"  NOT OK  {what}: {otherwise}")

    def equal(self, what: str, actual: object, expected: object) -> None:
        self.that(f"{what} is {expected!r}", actual == expected, repr(actual))

    def becomes(self, what: str, look: Callable[[], object], expected: object, seconds: int = 30) -> None:
        """For what the world needs a moment for: containers that are still stopping."""
        end = time.monotonic() + seconds
        while (actual := look()) != expected and time.monotonic() < end:
            time.sleep(0.5)
        self.equal(what, actual, expected)

    def finish(self) -> None:
        """Ends the program; nothing checked is a failure as well."""
        print(f"{self.passed} held, {self.failed} did not")
        sys.exit(1 if self.failed or not self.passed else 0)
