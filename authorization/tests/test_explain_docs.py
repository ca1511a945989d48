"""The documented rules of access are those that are enforced (ASVS 8.1.1)."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Permission
from django.core.management import CommandError, call_command

from authorization.access_table import BEGIN, END, permission_labels, table_of
from authorization.labels import label_of
from authorization.models import Role
from authorization.system_roles import SYSTEM_ROLES

PAGE = Path("docs/developer/access.md")


def test_asvs_8_1_1_the_table_of_permissions_is_up_to_date():
    call_command("generate_access_table", "--check", verbosity=0)


@pytest.mark.django_db
def test_asvs_8_1_1_the_table_says_what_the_system_roles_hold():
    rows = [line.strip("|").split("|") for line in table_of(permission_labels()).splitlines()]
    slugs = [cell.strip() for cell in rows[0][1:]]
    told = {
        (slug, row[0].strip(" `"))
        for row in rows[2:]
        for slug, cell in zip(slugs, row[1:], strict=True)
        if cell.strip()
    }

    every = {label_of(row) for row in Permission.objects.select_related("content_type")}
    held = {
        (role.slug, label_of(permission))
        for role in Role.objects.filter(is_system=True)
        for permission in role.permissions.select_related("content_type")
    }
    assert slugs == [role.slug for role in SYSTEM_ROLES]
    assert set(permission_labels()) == every
    assert told == held


def test_every_code_of_a_reason_is_documented():
    sources = [
        "authorization/explaining.py", "authorization/role_grounds.py", "groups/grounds.py",
        "items/grounds.py",
    ]  # fmt: skip
    text = "".join(Path(source).read_text(encoding="utf-8") for source in sources)
    # A code stands before its text: translated, in a variable, or with a place in it.
    codes = set(re.findall(r"\(\s*\"(\w+)\",\s*(?:_\(|\"%|(?:text|because|row)\b)", text))
    page = PAGE.read_text(encoding="utf-8")

    assert len(codes) > 20
    assert {code for code in codes if f"`{code}`" not in page} == set()


def test_the_command_tells_a_stale_page_from_one_that_it_cannot_write(tmp_path):
    page = tmp_path / "access.md"
    with pytest.raises(CommandError) as missing:
        call_command("generate_access_table", page=page)
    page.write_text("No place for it.")
    with pytest.raises(CommandError) as unmarked:
        call_command("generate_access_table", page=page)
    page.write_text(f"# Access\n\n{BEGIN}\nold\n{END}\nThe rest.\n")
    with pytest.raises(CommandError, match="not up to date") as stale:
        call_command("generate_access_table", "--check", page=page)
    call_command("generate_access_table", page=page, verbosity=0)
    call_command("generate_access_table", "--check", page=page, verbosity=0)

    assert [e.value.returncode for e in (missing, unmarked, stale)] == [2, 2, 1]
    assert page.read_text().endswith(f"{END}\nThe rest.\n")
