import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from truledgr.reference.markdown import sentence, table
from truledgr.reference.pages import PAGES


def generated(directory, *arguments):
    out = StringIO()
    call_command("generate_reference", "--output", str(directory), *arguments, stdout=out)
    return out.getvalue()


def test_pages_are_written_and_stale_ones_named(tmp_path):
    assert generated(tmp_path / "new").count("is written") == len(PAGES)
    assert generated(tmp_path / "new", "--check") == "The reference is up to date.\n"

    (tmp_path / "new/settings.md").write_text("# Mine\n")
    with pytest.raises(CommandError) as refusal:
        generated(tmp_path / "new", "--check", "--format", "json")

    assert refusal.value.returncode == 1
    assert (tmp_path / "new/settings.md").read_text() == "# Mine\n"
    assert json.loads(generated(tmp_path / "new", "--format", "json")) == {
        "written": ["settings.md"]
    }


def test_cells_stay_in_their_row():
    assert table(("a",), [("one | two\nthree",)]) == "| a |\n|---|\n| one \\| two three |"


@pytest.mark.parametrize(
    ("text", "expected"), [("do it", "Do it."), ("Do it!", "Do it!"), ("", "")]
)
def test_what_is_said_is_a_sentence(text, expected):
    assert sentence(text) == expected
