"""docs/reference/settings.md says of every variable what the code says."""

import pytest

from truledgr.environment import Variable
from truledgr.reference.settings import KINDS, Read, default_of, row, variables_read
from truledgr.reference.variables import SECTIONS, Meaning

MEANINGS = {name: meaning for section in SECTIONS.values() for name, meaning in section.items()}


@pytest.fixture(scope="module")
def read():
    return variables_read()


def test_what_is_read_is_described_and_nothing_else(read):
    assert sorted(read) == sorted(MEANINGS)
    assert len(MEANINGS) == sum(map(len, SECTIONS.values())), "a name stands in two sections"


def test_every_kind_has_words(read):
    assert {each.production.kind for each in read.values()} <= KINDS.keys()


def test_what_is_required_in_production_is_told(read):
    shown = {row(read[name], meaning)[0] for name, meaning in MEANINGS.items()}
    bold = {name for name in shown if name.startswith("**")}

    assert bold == {"**`SECRET_KEY`**", "**`FIELD_ENCRYPTION_KEYS`**", "**`ALLOWED_HOSTS`**"}


def test_a_row_tells_type_default_and_what_is_refused(read):
    name, kind, default, says = row(read["RISK_END_SCORE"], Meaning("Ends.", refused="less"))

    assert (name, kind, default) == ("`RISK_END_SCORE`", "whole number", "`90`")
    assert says == "Ends. Refused: what is no whole number of at least 1; less."


def test_a_default_that_differs_in_development_is_told():
    form = Read(Variable("FORM", "text", "json"), Variable("FORM", "text", "text"))
    bare = Read(Variable("NAME", "text"), Variable("NAME", "text", "here"))

    assert default_of(form) == "`json`; in development `text`"
    assert default_of(bare) == "none; in development `here`"
