"""The recorded versions, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sidekiq_tui.sidekiq.database import Database
from tests.conformance.values import VERSIONS, Recording
from tests.conftest import LoadDump


@pytest.fixture(params=VERSIONS)
def recording(
    request: pytest.FixtureRequest,
    db: Database,
    load_dump: LoadDump,
    expected: Callable[[str], dict[str, Any]],
) -> Recording:
    """A recorded version, loaded into the server."""
    load_dump(request.param)
    return Recording(request.param, expected(request.param), db)
