import pytest

from authentication import secrets


def test_a_token_is_recognisable_and_never_the_same():
    tokens = {secrets.new_api_token() for _ in range(100)}

    assert len(tokens) == 100
    assert all(token.startswith("tl_pat_") and secrets.is_well_formed(token) for token in tokens)


def test_a_typo_is_told_without_a_look_up():
    token = secrets.new_api_token()
    flipped = token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]

    assert not secrets.is_well_formed(flipped)


@pytest.mark.parametrize(
    "text", ["", "tl_pat_", "tl_pat_" + "0" * 46, "tl_pat_" + "é" * 46, "x" * 53, "tl_pat_" * 100]
)
def test_anything_else_is_not_a_token(text):
    assert not secrets.is_well_formed(text)


def test_backup_codes_have_eighty_bits_in_four_groups():
    codes = {secrets.new_backup_code() for _ in range(200)}

    assert len(codes) == 200
    assert all([len(part) for part in code.split("-")] == [4, 4, 4, 4] for code in codes)


def test_a_totp_secret_has_a_hundred_and_sixty_bits():
    assert len(secrets.totp_key(secrets.new_totp_secret())) == 20
