"""What the estimate of guesses promises, on values that hypothesis makes."""

import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authentication.passwords.guessing import REPEAT_BITS, SEQUENCE_BITS, guess_bits, plain
from authentication.passwords.validators import ENOUGH_BITS

WORDS = ["tangerine", "lighthouse", "kestrel", "umbrella", "gravel", "violin", "harbour", "meadow"]


@given(st.text(max_size=60), st.floats(min_value=1, max_value=100))
def test_stopping_early_changes_no_answer_below_the_limit(text, enough):
    assert guess_bits(text, enough=enough) == min(guess_bits(text), enough)


@given(st.text(max_size=40), st.lists(st.text(min_size=3, max_size=8), max_size=3))
def test_own_words_never_make_a_password_better(text, words):
    own = frozenset(map(plain, words)) - {""}

    assert guess_bits(text, own_words=own) <= guess_bits(text)


# No digits: 2000 is a year, and 20002000 is none.
@given(st.text(alphabet=string.ascii_lowercase + " -", min_size=3, max_size=30), st.integers(2, 20))
def test_repeating_a_text_adds_next_to_nothing(text, times):
    # The repetition itself, and a sequence that goes on where the text begins again.
    assert guess_bits(text * times) <= guess_bits(text) + REPEAT_BITS + SEQUENCE_BITS


@given(st.text(alphabet=string.ascii_letters, min_size=1, max_size=40))
def test_case_does_not_count(text):
    assert guess_bits(text.upper()) == guess_bits(text.lower())


@pytest.mark.parametrize(
    ("alphabet", "length", "most"),
    [
        (string.ascii_lowercase, 12, 0),
        (string.ascii_lowercase, 15, 0),
        (string.ascii_letters + "-_" + string.digits, 15, 0),
        # Half of 15 digits now and then repeat the other half.
        (string.digits, 15, 4),
    ],
)
def test_what_a_generator_makes_is_hardly_ever_called_predictable(alphabet, length, most):
    chance = random.Random(1)
    made = ["".join(chance.choices(alphabet, k=length)) for _ in range(2_000)]

    assert sum(guess_bits(text) < ENOUGH_BITS for text in made) <= most


@pytest.mark.parametrize("separator", ["", " ", "-"])
def test_four_different_words_are_enough(separator):
    chance = random.Random(2)
    phrases = [separator.join(chance.sample(WORDS, 4)) for _ in range(200)]

    assert [text for text in phrases if guess_bits(text) < ENOUGH_BITS] == []


@pytest.mark.parametrize(
    ("text", "most"),
    [
        ("", 0),
        ("a" * 500, 10),
        ("abcdefghijklmnopqrstuvwxyz", 6),
        ("zyxwvutsrq", 6),
        ("qwertzuiop", 6),
        ("13579", 6),
        ("!@#$%^&*", 6),
        ("1984", 7),
        ("password", 15),
        ("p455w0rd", 15),
    ],
)
def test_a_single_piece_costs_what_the_piece_costs(text, most):
    assert guess_bits(text) <= most
