"""What people may choose: every rule by the codes that clients see."""

import gzip
import time
from pathlib import Path

import pytest
from django.contrib.auth import password_validation
from django.contrib.auth.password_validation import get_password_validators, validate_password
from django.core.exceptions import ValidationError

from authentication.models import TOTPDevice
from authentication.passwords.blocklists import BREACHED, COMMON, open_list
from authentication.passwords.validators import (
    LONGEST,
    SHORTEST,
    SHORTEST_WITH_SECOND_FACTOR,
    has_second_factor,
)
from users.models import User
from users.tests.factories import UserFactory

MODULE = "authentication.passwords.validators"
NAMES = [
    "LengthValidator", "CommonPasswordValidator", "BreachedPasswordValidator", "OwnWordsValidator",
]  # fmt: skip
VALIDATORS = get_password_validators([{"NAME": f"{MODULE}.{name}"} for name in NAMES])
GOOD = "kestrel dives at noon"


def refusals(password, user=None):
    """The codes of all refusals, in order; none when it is accepted."""
    try:
        validate_password(password, user=user, password_validators=VALIDATORS)
    except ValidationError as error:
        return [one.code for one in error.error_list]
    return []


@pytest.fixture
def alice():
    return User(
        username="alice.liddell",
        email="alice.liddell@wonderland.example.org",
        first_name="Alice",
        last_name="Liddell",
    )


@pytest.fixture
def with_factor(db):
    user = UserFactory()
    TOTPDevice.objects.create(user=user, name="phone", confirmed=True)
    return user


# --- Length ---------------------------------------------------------------------------------

TEXT = "vw kp ht zq mj fy rb"


@pytest.mark.parametrize(
    ("length", "expected"),
    [(7, ["password_too_short"]), (14, ["password_too_short"]), (15, []), (16, [])],
)
def test_asvs_6_2_1_without_a_second_factor_fifteen_characters_are_needed(length, expected):
    assert refusals(TEXT[:length]) == expected


@pytest.mark.parametrize(("length", "expected"), [(11, ["password_too_short"]), (12, []), (15, [])])
def test_asvs_6_2_1_with_a_second_factor_twelve_are_enough(with_factor, length, expected):
    assert refusals(TEXT[:length], with_factor) == expected


def test_asvs_6_2_1_a_factor_that_is_not_confirmed_does_not_count(db):
    user = UserFactory()
    TOTPDevice.objects.create(user=user, name="phone", confirmed=False)

    assert refusals(TEXT[:14], user) == ["password_too_short"]


def test_asvs_6_2_1_somebody_not_saved_has_no_second_factor(django_assert_num_queries, db):
    with django_assert_num_queries(0):
        assert not has_second_factor(User(username="new"))
        assert not has_second_factor(None)
        assert refusals(TEXT[:14], User(username="new")) == ["password_too_short"]


def test_a_long_password_asks_no_database(with_factor, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert refusals(GOOD, with_factor) == []


@pytest.mark.parametrize(
    "password",
    [
        pytest.param("e\u0301" * 8, id="sixteen code points that are eight letters"),
        pytest.param("\ufdfa", id="one code point that NFKC makes eighteen of"),
        pytest.param("\U0001f600\U0001f680\U0001f3b2" * 4, id="emoji are one each"),
    ],
)
def test_nist_3_1_1_2_code_points_are_counted_before_and_after_normalising(password):
    assert refusals(password)[0] == "password_too_short"


@pytest.mark.parametrize(
    "password",
    [
        "kestrel dives at noon, otters sleep till dusk. And 9 herons wait",
        "the lighthouse keeper counted all passing ships until fog came, then made tea at 11pm",
        "allinlowercasebutrarelyfoundtogether",
        "  spaces at both ends of it  ",
        "tanz 🦊 mit 🐧 im 🌧 regen",
        "只有我自己知道的一句很长的密码",
        "одинокий фонарь над рекой",
        "0918 2736 4518 7263 90",
    ],
)
def test_asvs_6_2_5_6_2_8_6_2_9_any_composition_and_length_is_accepted(password):
    assert refusals(password) == []


@pytest.mark.parametrize("length", [64, 128, 256, LONGEST])
def test_asvs_6_2_9_long_ones_are_accepted_up_to_the_limit(length):
    password = "".join(chr(97 + (n * n * 7 + n // 3) % 26) for n in range(length))

    assert refusals(password) == []
    if length == LONGEST:
        assert refusals(password + "x") == ["password_too_long"]


def test_a_lone_surrogate_is_no_character():
    assert refusals("kestrel dives \ud800 at noon") == ["password_not_text"]


@pytest.mark.parametrize(
    "password",
    ["a" * 2_000_000, "\u0301\u0323" * 500_000, "password" * 128, "ab" * 512, "alice" * 204],
    ids=["letters", "marks", "words", "pairs", "names"],
)
def test_no_input_is_expensive_to_refuse(alice, password):
    refusals(GOOD, alice)

    started = time.perf_counter()
    assert refusals(password, alice) != []

    assert time.perf_counter() - started < 1


# --- Common and breached ----------------------------------------------------------------------

# Of 12 characters and more, from Django's own list, which the shipped ones are not made from.
DJANGOS = Path(password_validation.__file__).with_name("common-passwords.txt.gz")


def djangos(shortest):
    with gzip.open(DJANGOS, "rt", encoding="utf-8") as lines:
        return [p for p in map(str.strip, lines) if len(p) >= shortest]


def test_asvs_6_2_4_every_long_one_of_another_list_is_refused(with_factor):
    expected = {"password_too_common", "password_breached"}

    assert len(djangos(SHORTEST)) > 40
    assert len(djangos(SHORTEST_WITH_SECOND_FACTOR)) > 150
    assert [p for p in djangos(SHORTEST) if not expected & set(refusals(p))] == []
    short = djangos(SHORTEST_WITH_SECOND_FACTOR)
    assert [p for p in short if not expected & set(refusals(p, with_factor))] == []


def test_asvs_6_2_4_the_lists_hold_more_than_three_thousand_of_each_length():
    assert len(open_list(COMMON)) > 40_000
    assert len(open_list(BREACHED)) > 300_000


@pytest.mark.parametrize(
    "password",
    [
        "mailcreated5240", "Mailcreated5240", "MAILCREATED5240", "momsanaladventure!!",
        "passwordpassword", "1qaz2wsx3edc4rfv", "q1w2e3r4t5y6u7i8", "123456789987654321",
        "qwerty123456789", "\uff51werty123456789",
    ],
)  # fmt: skip
def test_asvs_6_2_4_listed_ones_are_refused_whatever_their_case(password):
    assert refusals(password)[0] == "password_too_common"


@pytest.mark.parametrize(
    "password",
    [
        "Password123456!", "P@ssw0rd-P@ssw0rd", "aaaaaaaaaaaaaaa", "123456789012345",
        "qwertyuiopasdfg", "azertyuiopqsdfgh", "zxcvbnm,./asdfghjkl", "abcdefghijklmno",
        "drowssap123456789", "p\u00e4ssw\u00f6rd12345678", "Sunshine2024!!!!",
        "letmein letmein letmein", "abc123abc123abc123", "monkeydragon12345",
    ],
)  # fmt: skip
def test_asvs_6_2_4_what_is_as_easily_guessed_is_refused(password):
    assert "password_too_common" in refusals(password)


@pytest.mark.parametrize("password", ["correcthorsebatterystaple", "liverpoolarethebest"])
def test_asvs_6_2_12_breached_ones_are_refused(password):
    assert refusals(password) == ["password_breached"]


@pytest.mark.parametrize(
    ("password", "reason"), [("mailcreated5240", "listed"), ("Password123456!", "predictable")]
)
def test_nist_3_1_1_2_the_reason_is_given(password, reason):
    with pytest.raises(ValidationError) as refused:
        validate_password(password, password_validators=VALIDATORS)

    error = refused.value.error_list[0]
    assert error.params["reason"] == reason
    assert password not in " ".join(error.messages)


@pytest.mark.parametrize("word", ["password", "monkey", "dragon", "qwerty", "123456"])
def test_nist_3_1_1_2_no_password_is_refused_for_a_word_in_it(word):
    assert refusals(f"{word} juggles seven teal umbrellas") == []


# --- The user's own words ----------------------------------------------------------------------


@pytest.mark.parametrize(
    "password",
    [
        "truledgr-truledgr-1", "TruLedgr TruLedgr!", "tru1edgr2024tru1edgr", "rgdelurt1234567",
        "alice.liddell@wonderland.example.org", "alice.liddell.1865", "AliceLiddell1865!",
        "Liddell, Alice 7", "\u00e1lice-liddell-01", "wonderland2024!!", "ecila lleddil 12",
        "alicealicealice1",
    ],
)  # fmt: skip
def test_asvs_6_2_11_what_is_mostly_own_words_is_refused(alice, password):
    assert "password_too_similar" in refusals(password, alice)


@pytest.mark.parametrize(
    "password", ["alice falls down rabbit holes", "truledgr keeps my kestrel", "liddell vw kp ht z"]
)
def test_asvs_6_2_11_a_pass_phrase_with_a_name_in_it_is_accepted(alice, password):
    assert refusals(password, alice) == []


def test_asvs_6_2_11_own_words_are_those_of_this_user(alice):
    assert refusals("wonderland vwkpht", alice) == ["password_too_similar"]
    assert refusals("wonderland vwkpht", User(username="bob")) == []


def test_asvs_6_1_2_the_site_names_its_own_words(settings):
    assert refusals("zymurgyhall-zymurgyhall") == []

    settings.PASSWORD_CONTEXT_WORDS = ["Zymurgyhall"]

    assert refusals("zymurgyhall-zymurgyhall") == ["password_too_similar"]


@pytest.mark.parametrize("name", ["", "x", "al"])
def test_short_and_missing_names_refuse_nothing(name):
    user = User(username=name, email="", first_name=name, last_name=name)

    assert refusals(GOOD, user) == []
    assert refusals("al xq al vw al kp al", user) == refusals("al xq al vw al kp al")


# --- All of them -------------------------------------------------------------------------------


def test_every_refusal_is_told_at_once(alice):
    assert refusals("alice1234567", alice) == [
        "password_too_short",
        "password_too_common",
        "password_too_similar",
    ]


@pytest.mark.parametrize("validator", VALIDATORS, ids=NAMES)
def test_every_validator_says_what_it_wants(validator):
    assert validator.get_help_text().endswith(".")


def test_asvs_6_2_5_no_hint_asks_for_kinds_of_characters():
    texts = " ".join(validator.get_help_text() for validator in VALIDATORS).lower()

    assert not [word for word in ("uppercase", "digit", "symbol", "special") if word in texts]
