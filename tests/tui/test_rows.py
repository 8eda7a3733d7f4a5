"""The rows behind a list: pages that come and go, and records that move between two reads."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.tui.widgets.rows import PagedRows, StaticRows, displacement


def paged(size: int, *pages: int, page_size: int = 10, kept: int = 4) -> PagedRows[str]:
    rows: PagedRows[str] = PagedRows(str, page_size=page_size, kept=kept)
    for page in pages:
        first = page * page_size
        rows.put(first, [f"row {index}" for index in range(first, min(first + page_size, size))], size)
    return rows


def test_a_row_is_there_when_its_page_is() -> None:
    rows = paged(95, 0, 9)

    assert rows.get(3) == "row 3"
    assert rows.get(94) == "row 94"
    assert rows.get(95) is None
    assert rows.get(-1) is None
    assert rows.get(40) is None


def test_the_read_for_missing_rows_covers_everything_visible_in_whole_pages() -> None:
    rows = paged(95, 2)

    assert rows.missing(20, 29) is None
    assert rows.missing(25, 34) == (20, 20)
    assert rows.missing(88, 200) == (80, 20)
    assert paged(0).missing(0, 9) is None


def test_pages_read_long_ago_are_dropped() -> None:
    rows = paged(95, 0, 1, 2, 3)
    rows.get(0)
    rows.put(40, [f"row {index}" for index in range(40, 50)], 95)

    assert rows.pages == 4
    assert rows.get(0) == "row 0"
    assert rows.get(10) is None


def test_rows_are_light_while_they_weigh_a_small_part_of_what_may_be_kept() -> None:
    rows = PagedRows(str, len, page_size=2, weight_kept=16 * 6)
    rows.put(0, ["one", "two"], 8)
    assert rows.light
    rows.put(2, ["three"], 8)
    assert not rows.light


def test_pages_of_a_list_that_changed_are_void() -> None:
    rows = paged(95, 0, 1)
    rows.put(20, [f"row {index}" for index in range(20, 30)], 96)

    assert rows.size == 96
    assert rows.get(0) is None
    assert rows.get(20) == "row 20"


def test_one_read_may_hold_several_pages() -> None:
    rows: PagedRows[int] = PagedRows(lambda row: row, page_size=10)
    rows.renew(30, list(range(30, 45)), 45)

    assert [rows.get(index) for index in (30, 39, 40, 44, 45)] == [30, 39, 40, 44, None]


def test_of_identical_records_the_nearest_is_meant() -> None:
    rows = StaticRows(["a", "b", "a", "c", "a"], str)

    assert rows.index_of("a", 3) in (2, 4)
    assert rows.index_of("a", 0) == 0
    assert rows.index_of("x", 0) is None


def test_records_that_moved_say_by_how_much() -> None:
    before = {10: "a", 11: "b", 12: "c"}

    assert displacement(before, {10: "x", 11: "y", 12: "a", 13: "b"}) == 2
    assert displacement(before, {9: "b", 10: "c"}) == -2
    assert displacement(before, {10: "x", 11: "y"}) is None
    assert displacement({}, {0: "a"}) is None


def test_the_record_that_matters_decides_where_things_moved() -> None:
    before = {10: "a", 11: "b", 12: "c", 13: "d"}
    after = {10: "a", 11: "c", 12: "d"}

    assert displacement(before, after, anchor=10) == 0
    assert displacement(before, after, anchor=13) == -1
    assert displacement(before, after, anchor=11) == 0  # gone: the next one takes its place
    assert displacement(before, {20: "a"}, anchor=13) == 8  # all after it gone too: it stands after what is left


def test_identical_entries_do_not_mislead() -> None:
    before = {0: "same", 1: "same", 2: "same", 3: "one"}

    assert displacement(before, {0: "new", 1: "same", 2: "same", 3: "same", 4: "one"}) == 1


@given(st.lists(st.integers(), unique=True, min_size=5, max_size=40), st.integers(0, 4), st.integers(0, 30))
def test_any_growth_at_the_head_is_found(values: list[int], gone: int, pushed: int) -> None:
    fresh = [f"new {index}" for index in range(pushed)]
    before = dict(enumerate(map(str, values)))
    after = dict(enumerate([*fresh, *map(str, values[: len(values) - gone])]))

    assert displacement(before, after) == pushed
