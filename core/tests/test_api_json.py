import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError, UnsupportedMediaType, ValidationError

from core.api.parsers import StrictJSONParser
from core.json_values import DEEPEST, flaw_of, printable

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**99) + 1, 10**100 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(
            st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


def parsed(body, media_type="application/json"):
    return StrictJSONParser().parse(io.BytesIO(body), media_type)


@given(JSON_VALUES)
def test_whatever_json_can_say_is_read_as_it_is(value):
    assert parsed(json.dumps({"it": value}).encode()) == {"it": value}


@given(st.binary())
def test_any_bytes_are_read_or_refused(body):
    try:
        value = parsed(body)
    except (ParseError, ValidationError):
        return
    assert flaw_of(value) is None


@pytest.mark.parametrize(
    ("media_type", "is_read"),
    [
        ("application/json", True),
        ("application/json; charset=UTF-8", True),
        ("application/json; charset=utf-16", False),
        ('application/json; charset="x', False),
    ],
)
def test_json_is_utf_8(media_type, is_read):
    if is_read:
        assert parsed(b"{}", media_type) == {}
    else:
        with pytest.raises(UnsupportedMediaType, match="UTF-8"):
            parsed(b"{}", media_type)


@pytest.mark.parametrize("open_close", ["[]", "{}"])
def test_depth_is_bounded_whatever_it_is_made_of(open_close):
    def nested(depth):
        value = [] if open_close == "[]" else {}
        for _ in range(depth - 1):
            value = [value] if open_close == "[]" else {"a": value}
        return value

    assert flaw_of(nested(DEEPEST)) is None
    assert "Nested deeper" in flaw_of(nested(DEEPEST + 1))
    assert "Nested deeper" in flaw_of(nested(100_000))


@pytest.mark.parametrize(
    ("text", "shown"),
    [("name", "name"), ("x" * 101, "x" * 100 + "…"), ("\ud800", "\\ud800"), ("\0", "\\x00")],
)
def test_what_an_answer_quotes_is_short_and_printable(text, shown):
    assert printable(text) == shown
