"""Somebody who acts on the worker's own server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.operating import Operator


@pytest.fixture
async def anna(redis_url: str, tmp_path: Path) -> AsyncIterator[Operator]:
    operator = Operator(redis_url, tmp_path / "state")
    yield operator
    await operator.close()
