"""JSON as a screen shows it: exact numbers, what folds, what wraps, and that nothing hostile gets through."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidekiq_tui.presentation.columns.base import plain
from sidekiq_tui.presentation.glyphs import ASCII
from sidekiq_tui.presentation.json_view import PAGE, DocLine, Folds, JsonLines, Repeated, exact, json_safe
from sidekiq_tui.presentation.text import cell_width
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_TEXTS

PATH = ("args",)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=90),
    lambda inner: st.lists(inner, max_size=10) | st.dictionaries(st.text(max_size=8), inner, max_size=10),
    max_leaves=40,
)


def lines(*values: object, width: int = 76, folds: Folds | None = None) -> list[DocLine]:
    return list(JsonLines(width, folds or Folds()).listed(values, PATH))


def texts(made: list[DocLine]) -> list[str]:
    return [plain(line.cell).rstrip() for line in made]


def parsed(*values: str) -> list[object]:
    found = exact(f"[{','.join(values)}]".encode())
    assert isinstance(found, list)
    return found


def test_the_arguments_of_the_sketch() -> None:
    customer = {f"key{number}": number for number in range(14)}
    charge = {"currency": "PLN", "amount": 129900, "retry_on": ["timeout", "503"], "customer": customer}
    assert texts(lines(43, charge)) == [
        " 1  43",
        " 2  {",
        '      "currency": "PLN",',
        '      "amount": 129900,',
        '      "retry_on": ["timeout", "503"],',
        '      "customer": { 14 keys }  ▸',
        "    }",
    ]


def test_keys_texts_and_numbers_have_roles_of_their_own() -> None:
    roles = {text.strip(): role for line in lines({"a": "b", "c": 1, "d": None, "e": [{}]}) for text, role in line.cell}
    assert roles['"a"'] == "accent"
    assert roles['"b"'] == "ok"
    assert roles["1"] == "warn"
    assert roles["null"] == "text"


@pytest.mark.parametrize(
    "written",
    ["0", "-0", "0.10", "1.0", "1e400", "1E+2", "-1.5e-400", "123456789012345678901234567890", "9" * 350, "NaN"],
)
def test_numbers_stand_as_they_are_written(written: str) -> None:
    shown = "".join(text.strip() for text in texts(lines(*parsed(written), width=400)))
    assert shown == f"1  {written}"


def test_repeated_keys_are_all_shown_and_the_last_one_counts() -> None:
    (value,) = parsed('{"a":1,"b":2,"a":3}')
    assert isinstance(value, Repeated)
    assert dict(value) == {"a": value["a"], "b": value["b"]}
    assert str(value["a"]) == "3"
    assert texts(lines(value)) == [" 1  {", '      "a": 1,', '      "b": 2,', '      "a": 3', "    }"]


def test_more_than_eight_entries_fold_and_enter_unfolds() -> None:
    folds = Folds()
    for value, words in (({str(n): n for n in range(9)}, "{ 9 keys }"), (list(range(9)), "[ 9 items ]")):
        (line,) = lines(value, folds=folds)
        assert texts([line]) == [f" 1  {words}  ▸"]
        folds.toggle(line)
        opened = lines(value, folds=folds)
        assert len(opened) == 11
        assert texts(opened)[0].endswith("▾")
        folds.toggle(opened[0])
        assert texts(lines(value, folds=folds)) == texts([line])


def test_eight_entries_stand_open_and_fold_on_demand() -> None:
    folds = Folds()
    opened = lines({str(n): n for n in range(8)}, folds=folds)
    assert len(opened) == 10
    folds.toggle(opened[0])
    assert texts(lines({str(n): n for n in range(8)}, folds=folds)) == [" 1  { 8 keys }  ▸"]


def test_small_values_stay_on_one_line() -> None:
    assert texts(lines([], {}, [1, "two", None], [{"id": 1, "kind": "a"}])) == [
        " 1  []",
        " 2  {}",
        ' 3  [1, "two", null]',
        " 4  [",
        '      {"id": 1, "kind": "a"}',
        "    ]",
    ]


def test_a_long_list_shows_a_page_and_says_how_many_more() -> None:
    folds = Folds(opened={(*PATH, 0): True})
    made = lines(list(range(3 * PAGE)), folds=folds)
    assert len(made) == PAGE + 3
    assert texts(made)[-2] == "      … 1,000 more  ▸"
    folds.toggle(made[-2])
    assert len(lines(list(range(3 * PAGE)), folds=folds)) == 2 * PAGE + 3


def test_many_arguments_show_a_page_too() -> None:
    folds = Folds()
    made = lines(*range(PAGE + 7), folds=folds)
    assert texts(made)[-1].endswith("… 7 more  ▸")
    folds.toggle(made[-1])
    assert len(lines(*range(PAGE + 7), folds=folds)) == PAGE + 7


def test_a_long_text_shows_its_beginning_and_all_of_it_in_the_end() -> None:
    text = "".join(f"{number:06d} " for number in range(9000))
    folds = Folds()
    made = lines(text, folds=folds)
    assert "characters more" in texts(made)[-1]
    asked = 0
    while made[-1].asks_more:
        folds.toggle(made[-1])
        made = lines(text, folds=folds)
        asked += 1
        assert asked < 9
    joined = "".join(plain(line.cell)[4:] for line in made)
    assert joined == json.dumps(text)


def test_texts_wrap_under_themselves() -> None:
    made = texts(lines({"note": "a" * 100}, width=60))
    assert made[1].startswith('      "note": "aaa')
    assert made[2].startswith(" " * 14 + "aaa")
    assert all(len(line) <= 60 for line in made)


@given(JSON)
def test_nothing_is_wider_than_the_screen_and_no_control_character_is_left(value: object) -> None:
    for width in (30, 76):
        for line in lines(value, {"a": value}, width=width):
            shown = plain(line.cell)
            assert CONTROL_PATTERN.search(shown) is None
            if '": ' not in shown:  # a key and its first value may need more; the widget cuts that
                assert cell_width(shown) <= width + 60


@given(JSON)
def test_what_is_unfolded_completely_is_the_value(value: object) -> None:
    folds = Folds()
    source = exact(json.dumps([value]).encode())
    assert isinstance(source, list)
    for _ in range(200):
        made = lines(*source, folds=folds, width=100_000)
        folded = next((line for line in made if line.fold is not None and not line.is_open), None)
        if folded is None:
            break
        folds.toggle(folded)
    shown = re.sub(r"^ 1  ", "", "\n".join(plain(line.cell).replace("  ▾", "") for line in made))
    if "�" not in shown and "\\x" not in shown:
        assert json.dumps(json.loads(shown)) == json.dumps(value)


def test_hostile_texts_are_shown_and_not_obeyed() -> None:
    for text in HOSTILE_TEXTS:
        for line in lines(text, {text: text}, [text, [text]]):
            assert CONTROL_PATTERN.search(plain(line.cell)) is None


@pytest.mark.parametrize(
    ("text", "shown"),
    [("plain", "plain"), ("\x1b[31m", "\\u001b[31m"), ("\u202ex", "\\u202ex"), ("\u009b", "\\u009b")],
)
def test_what_is_not_printable_is_written_as_json_writes_it(text: str, shown: str) -> None:
    assert json_safe(text) == shown


def test_beyond_the_basic_plane_a_pair_of_units_stands_for_one_character() -> None:
    assert json.loads(f'"{json_safe(chr(0xE0041))}"') == chr(0xE0041)


def test_bytes_that_are_no_utf8_are_shown_as_bytes() -> None:
    value = exact(b'"\xff"')
    assert texts(lines(value)) == [' 1  "\\xff"']


def test_ascii_signs() -> None:
    made = list(JsonLines(76, Folds(), ASCII).listed([list(range(9))], PATH))
    assert texts(made) == [" 1  [ 9 items ]  +"]


def test_deep_values_unfold_step_by_step() -> None:
    value: object = 1
    for _ in range(90):
        value = {"a": value, "b": [[]]}
    made = lines(value)
    assert len(made) < 60
    assert any(line.fold is not None and not line.is_open for line in made)
