"""Which trash key each deleted entry goes to."""

from __future__ import annotations

from sidekiq_tui.operations.making import TrashParts
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.trash import PART_SIZE
from tests.support.operating import DEAD, MAIL, RETRY


def test_no_part_holds_more_than_it_may_or_entries_of_two_places() -> None:
    parts = TrashParts(Keys(), "f0", {MAIL: PART_SIZE + 1, DEAD: 2})
    keys = [parts.key(MAIL) for _ in range(PART_SIZE + 1)]
    assert keys[0] == keys[PART_SIZE - 1] == Keys().trash("f0", 0)
    assert keys[PART_SIZE] == Keys().trash("f0", 1)
    assert [parts.key(DEAD), parts.key(DEAD)] == [Keys().trash("f0", 2)] * 2
    assert parts.places == [["queue", "mail", 0, PART_SIZE + 1], ["dead", None, 2, 2]]


def test_a_place_that_is_rebuilt_has_one_key_whatever_its_size() -> None:
    parts = TrashParts(Keys(), "f0", {MAIL: 5 * PART_SIZE, DEAD: 1, RETRY: 1}, rebuilt=(MAIL,))
    assert parts.whole(MAIL) == Keys().trash("f0", 0)
    assert [parts.key(DEAD), parts.key(RETRY)] == [Keys().trash("f0", 1), Keys().trash("f0", 2)]
