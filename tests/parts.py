"""Parts that some tests need and not every machine has: programs, environments, images."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def skip_without(part: object) -> NoReturn:
    """Skip the test, saying what is missing and how it is made.

    With TANDEM_REQUIRE_CLUSTER=1 the test fails: where all parts must be there, a skip would hide
    that one is not.
    """
    if os.environ.get("TANDEM_REQUIRE_CLUSTER") == "1":
        pytest.fail(f"TANDEM_REQUIRE_CLUSTER=1 takes no skip: {part}", pytrace=False)
    pytest.skip(str(part))
