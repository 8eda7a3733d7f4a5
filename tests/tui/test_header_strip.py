"""The first line: what shrinks, what goes, and that nothing slides."""

from __future__ import annotations

import pytest

from sidekiq_tui.presentation.text import cell_width
from sidekiq_tui.servers.health import State
from sidekiq_tui.tui.widgets.header_strip import Corner, ServerTab, Strip, strip_spans

STATES: tuple[State, ...] = ("ok", "ok", "warn", "offline", "ok", "ok", "bad", "ok")
NAMES = ("prod", "staging", "shop-eu", "dev", "billing", "billing-stg", "mail", "analytics")
LABELS = ("production", "staging", "production", "development", "production", "staging", "production", "batch")
TABS = tuple(
    ServerTab(str(index + 1), name, state, label)
    for index, (name, state, label) in enumerate(zip(NAMES, STATES, LABELS, strict=True))
)
CORNER = Corner(label="production", access="operate", redis="redis 7.2", rtt="rtt 1ms", age="1s ago")


def line(strip: Strip, width: int, ascii: bool = False) -> str:
    return "".join(span.text for span in strip_spans(strip, width, ascii))


def test_all_servers_by_name_where_there_is_room() -> None:
    shown = line(Strip(TABS, None, Corner(age="1s ago")), 120)
    assert shown.startswith(
        "  1 ● prod  2 ● staging  3 ▲ shop-eu  4 ○ dev  5 ● billing  6 ● billing-stg  7 ✗ mail  8 ● analytics  0 all "
    )
    assert shown.endswith(" 1s ago ")


def test_healthy_servers_shrink_before_the_corner_and_sick_ones() -> None:
    assert line(Strip(TABS, 0, CORNER), 120) == (
        "  1 ● prod  2●  3 ▲ shop-eu  4 ○ dev  5●  6●  7 ✗ mail  8●  0 all "
        "PRODUCTION · operate · redis 7.2 ·   rtt 1ms · 1s ago "
    )


def test_eighty_columns_keep_label_access_and_age() -> None:
    shown = line(Strip(TABS, 0, CORNER), 80)
    assert shown.startswith("  1 ● prod  2●  3▲  4○  5●  6●  7✗  8●  0 all ")
    assert shown.endswith("PRODUCTION · operate · 1s ago ")


def test_sixty_columns_keep_the_marks_and_the_age() -> None:
    shown = line(Strip(TABS, None, Corner(age="1s ago")), 60)
    assert shown.startswith("  1●  2●  3▲  4○  5●  6●  7✗  8●  0 all ")
    assert shown.endswith(" 1s ago ")


@pytest.mark.parametrize("width", range(60, 200))
@pytest.mark.parametrize("active", [None, 0, 3, 7])
def test_exactly_as_wide_as_the_terminal(width: int, active: int | None) -> None:
    corner = CORNER if active is not None else Corner(age="1s ago")
    assert cell_width(line(Strip(TABS, active, corner), width)) == width


@pytest.mark.parametrize(("cells", "ages"), [(6, ("0s ago", "1s ago", "9s ago")), (7, ("2s ago", "59s ago"))])
def test_a_growing_age_moves_nothing_else(cells: int, ages: tuple[str, ...]) -> None:
    lines = [line(Strip(TABS, 0, Corner("production", False, "operate", "", "", age, cells)), 80) for age in ages]
    assert len({shown.rstrip()[: -len(age)].rstrip() for shown, age in zip(lines, ages, strict=True)}) == 1
    assert len({cell_width(shown) for shown in lines}) == 1


def test_a_changing_round_trip_moves_nothing_else() -> None:
    shown = {
        line(Strip(TABS, 0, Corner("production", False, "operate", "", rtt, "1s ago")), 120)
        for rtt in ("rtt 1ms", "rtt 38ms", "rtt 200ms", "rtt 1.2s")
    }
    assert len({text.index("PRODUCTION") for text in shown}) == 1
    assert len({text.index("ago") for text in shown}) == 1


def test_many_servers_scroll_round_the_one_in_view() -> None:
    tabs = tuple(ServerTab(str(n) if n < 10 else "", f"server-{n}", "ok", None) for n in range(1, 51))
    shown = line(Strip(tabs, 30, CORNER), 80)
    assert "● server-31 " in shown
    assert "‹" in shown
    assert "›" in shown
    assert " 0 all " in shown
    assert cell_width(shown) == 80
    first = line(Strip(tabs, 0, CORNER), 80)
    assert "‹" not in first
    assert "›" in first


def test_insecure_tls_is_marked_at_every_width() -> None:
    corner = Corner("production", True, "operate", "redis 7.2", "rtt 1ms", "1s ago")
    assert "▲ insecure TLS" in line(Strip(TABS, 0, corner), 120)
    for width in (60, 70, 80):
        assert "▲" in line(Strip(TABS[:1], 0, corner), width)


def test_ascii_has_no_other_signs() -> None:
    shown = line(Strip(TABS, 0, CORNER), 120, ascii=True)
    assert shown.isascii()
    assert "1 o prod" in shown
    assert "7 x mail" in shown


def test_the_ground_is_the_tint_of_the_label() -> None:
    assert Strip(TABS, 0).ground == "tint:production"
    assert Strip(TABS, None).ground == "panel"


def test_hostile_names_and_labels_are_made_safe() -> None:
    tab = ServerTab("1", "a\x1b]52;c;eA==\x07b\u202e", "ok", "prod\x1b[2J\nuction")
    shown = line(Strip((tab,), 0, Corner(label=tab.label, age="1s ago")), 100)
    assert shown.isprintable()
    assert cell_width(shown) == 100
