"""What a table's reader sees."""

from __future__ import annotations

import pytest

from sidekiq_tui.cli.render import Look, server_title
from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.servers.profile import Profile
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_TEXTS


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_the_title_of_a_server_is_safe(text: str) -> None:
    look = Look(tty=True, color=False, width=80, ascii=False, time_mode="relative")
    title = server_title(Profile(name=text, label=text), look)
    assert not CONTROL_PATTERN.search(title)
    assert "\n" not in title
    assert cell_width(title) < look.width
