import base64
import hashlib
import json
import re

import pytest

from schematools.files import is_generated
from schematools.html_page import ASSETS, SCRIPTS, STYLE, render
from schematools.json_document import document, from_document
from schematools.tests.samples import HOSTILE, QUOTED, awkward, from_database

LONGEST = 400  # lines of a script of ours
OURS = [name for name in SCRIPTS if "/vendor/" not in name]


@pytest.fixture(scope="module")
def page():
    return render(awkward(), title=f"Shop {HOSTILE}")


def embedded(page):
    text = re.search(
        r'<script type="application/json" id="schematools-data">(.*?)</script>', page, re.DOTALL
    )
    return text[1]


def hash_of(text):
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def test_the_page_is_known_as_generated_and_starts_with_the_doctype(page):
    assert is_generated(page)
    assert page.startswith("<!doctype html><!--")
    assert page.endswith("</html>\n")


def test_the_page_holds_the_whole_document(page):
    found = json.loads(embedded(page))

    assert found == json.loads(json.dumps(document(awkward(), title=f"Shop {HOSTILE}")))
    assert from_document(found) == awkward()


def test_no_text_ends_a_script_or_becomes_markup(page):
    assert not set("<>&\u2028") & set(embedded(page))
    assert page.count("</script>") == page.count("<script") == 2
    assert HOSTILE not in page
    assert QUOTED not in page
    assert "<title>Shop &lt;/script&gt;" in page


def test_the_policy_admits_the_pages_own_script_and_style_and_nothing_else(page):
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', page)[1]
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)

    assert policy.split("; ") == [
        "default-src 'none'",
        f"script-src '{hash_of(script)}'",
        f"style-src '{hash_of(style)}'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_the_page_refers_to_nothing_outside_it(page):
    head, _, _ = page.partition("<style>")
    assert re.findall(r'(?:src|href)="([^"]*)"', head) == ["data:,"]
    assert not re.search(r"<(?:script|img|link|iframe)[^>]* src=", page)
    style = (ASSETS / STYLE).read_text(encoding="utf-8")
    assert "url(" not in style
    assert "@import" not in style


def test_the_page_is_the_same_to_the_byte_every_time(page):
    assert render(awkward(), title=f"Shop {HOSTILE}") == page


def test_a_change_of_one_column_changes_few_lines(page):
    lines = embedded(page).splitlines()

    assert max(map(len, lines)) < 300
    assert '"type":"numeric(12, 2)",' in lines


def test_a_schema_read_from_a_database_is_written_too():
    found = json.loads(embedded(render(from_database(), title="Live")))

    assert found["source"] == "database"
    assert "model" not in found["tables"][0]


def test_every_script_is_listed_and_every_listed_one_is_there():
    found = {path.relative_to(ASSETS).as_posix() for path in ASSETS.rglob("*.js")}

    assert found == set(SCRIPTS)


@pytest.mark.parametrize("name", OURS)
def test_a_script_is_short_and_makes_no_markup_of_text(name):
    text = (ASSETS / name).read_text(encoding="utf-8")

    assert text.count("\n") <= LONGEST
    assert '"use strict";' in text
    for unsafe in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(", "</script", "http"):
        assert unsafe not in text.replace("http://www.w3.org/2000/svg", "")


def test_the_vendored_library_has_its_licence_and_no_source_map():
    (library,) = (ASSETS / "schematools/vendor").glob("*.js")

    assert "sourceMappingURL" not in library.read_text(encoding="utf-8")
    assert "Permission is hereby granted" in library.with_name("LICENSE").read_text(
        encoding="utf-8"
    )
    assert library.name in library.with_name("README.md").read_text(encoding="utf-8")
