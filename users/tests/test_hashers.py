"""The hasher itself: the test run's settings have a faster one."""

import time
import unicodedata

import pytest
from django.contrib.auth.hashers import check_password, make_password
from hypothesis import given, settings
from hypothesis import strategies as st

from users.hashers import LONGEST_NORMALISED, Argon2idHasher, normalised
from users.models import User

SALT = "a-salt-of-22-character"
OURS = ["users.hashers.Argon2idHasher"]
OLD, NEW = "an older pepper of many characters", "a newer pepper of many characters"


@pytest.fixture
def hasher():
    return Argon2idHasher()


def test_nist_3_1_1_2_a_row_holds_salted_argon2id_at_owasp_costs(hasher):
    encoded = hasher.encode("correct horse battery", hasher.salt())

    assert encoded.startswith("argon2$argon2id$v=19$m=19456,t=2,p=1$")
    assert len(hasher.decode(encoded)["salt"]) * 5 >= 32
    assert hasher.encode("correct horse battery", hasher.salt()) != encoded


def test_nist_3_1_1_2_a_password_is_the_same_composed_and_decomposed(hasher):
    composed, decomposed = (
        unicodedata.normalize(form, "crème brûlée é") for form in ("NFC", "NFD")
    )

    assert composed != decomposed
    assert hasher.verify(decomposed, hasher.encode(composed, SALT))
    assert hasher.verify(composed, hasher.encode(decomposed, SALT))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("full\N{NO-BREAK SPACE}stop", "full stop"),
        ("\N{FULLWIDTH LATIN SMALL LETTER A}bc", "abc"),
        ("\N{LATIN SMALL LIGATURE FI}sh", "fish"),
        ("\N{IDEOGRAPHIC SPACE}x", " x"),
        ("\N{ANGSTROM SIGN}", "\N{LATIN CAPITAL LETTER A WITH RING ABOVE}"),
    ],
)
def test_what_keyboards_write_differently_is_one_password(hasher, one, other):
    assert hasher.verify(other, hasher.encode(one, SALT))


@pytest.mark.parametrize(
    "wrong", ["Spaces at both ends", " spaces at both ends ", " Spaces at both ends"]
)
def test_asvs_6_2_8_case_and_spaces_at_the_ends_count(hasher, wrong):
    encoded = hasher.encode(" Spaces at both ends ", SALT)

    assert hasher.verify(" Spaces at both ends ", encoded)
    assert not hasher.verify(wrong, encoded)


def test_asvs_6_2_9_all_of_a_long_password_counts(hasher):
    password = "x" * 127

    assert not hasher.verify(password + "z", hasher.encode(password + "y", SALT))


@given(st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_ascii_is_left_as_it_is(text):
    assert normalised(text) == text


@given(st.text(max_size=80))
def test_normalising_twice_changes_nothing_more(text):
    assert normalised(normalised(text)) == normalised(text)


@pytest.mark.parametrize("text", ["\ud800", "x\udfff", "\0", "", "\ud83d\ude00"])
def test_no_text_makes_the_hasher_raise(hasher, text):
    encoded = hasher.encode(text, SALT)

    assert hasher.verify(text, encoded)
    assert not hasher.verify(text + "x", encoded)


def test_a_long_row_of_combining_marks_costs_no_time():
    marks = "a" + "\u0301\u0323" * 500_000

    started = time.perf_counter()
    text = normalised(marks)

    assert text == marks
    assert time.perf_counter() - started < 2
    assert len(normalised("\ufdfa" * LONGEST_NORMALISED)) == 18 * LONGEST_NORMALISED


def test_a_pepper_is_needed_to_verify(hasher, settings, caplog):
    settings.PASSWORD_PEPPERS = [NEW]
    encoded = hasher.encode("correct horse battery", SALT)

    assert encoded.startswith("argon2$argon2id$")
    assert len(encoded) <= User._meta.get_field("password").max_length
    assert hasher.verify("correct horse battery", encoded)
    assert not hasher.verify("correct horse batterY", encoded)
    assert not hasher.must_update(encoded)

    settings.PASSWORD_PEPPERS = [OLD]
    assert not hasher.verify("correct horse battery", encoded)
    assert "not configured" in caplog.text
    assert NEW not in caplog.text
    # Nor does the part before the mark match by itself.
    assert not hasher.verify("correct horse battery", encoded.rpartition("$k=")[0])


@pytest.mark.parametrize("before", [[], [OLD]], ids=["none", "another"])
def test_a_new_pepper_is_put_in_at_the_next_sign_in(settings, before):
    settings.PASSWORD_HASHERS = OURS
    settings.PASSWORD_PEPPERS = before
    encoded = make_password("correct horse battery")
    settings.PASSWORD_PEPPERS = [NEW, *before]
    saved = []

    def save(password):
        saved.append(make_password(password))

    assert not check_password("wrong horse battery", encoded, setter=save)
    assert saved == []
    assert check_password("correct horse battery", encoded, setter=save)
    assert len(saved) == 1

    settings.PASSWORD_PEPPERS = [NEW]
    assert check_password("correct horse battery", saved[0], setter=save)
    assert len(saved) == 1


def test_without_peppers_again_hashes_are_made_anew_while_the_key_is_known(hasher, settings):
    settings.PASSWORD_PEPPERS = [OLD]
    peppered = hasher.encode("correct horse battery", SALT)
    settings.PASSWORD_PEPPERS = []

    assert hasher.must_update(peppered)
    assert not hasher.verify("correct horse battery", peppered)


def test_the_admin_shows_a_peppered_hash(hasher, settings):
    settings.PASSWORD_PEPPERS = [NEW]

    summary = hasher.safe_summary(hasher.encode("correct horse battery", SALT))

    assert "argon2id" in summary.values()
    assert NEW not in str(summary)


@given(first=st.text(max_size=20), second=st.text(max_size=20))
@settings(max_examples=15, deadline=None)
def test_two_passwords_match_exactly_when_they_normalise_alike(first, second):
    hasher = Argon2idHasher()

    assert hasher.verify(second, hasher.encode(first, SALT)) == (
        normalised(first) == normalised(second)
    )
