"""docs/reference/audit-actions.md has every action that the code records, and no other."""

import ast

from core.security_events import Kind
from truledgr.reference.actions import SECTIONS
from truledgr.tests.reference.recorded import actions_in, recorded_actions

SOURCE = """
def save(what, action="kept"):
    record(action="made" if what else "changed")

def _note(action, who): ...

_note("noted", 1)
parser.add_argument("--list", action="store_true")
record(action=other)
"""


def test_every_recorded_action_is_described_once():
    described = [action for section in SECTIONS.values() for action in section]

    assert sorted([*described, *(kind.value for kind in Kind)]) == sorted(recorded_actions())


def test_actions_are_found_where_they_are_given():
    assert actions_in(ast.parse(SOURCE), "core.audit") == {"made", "changed", "noted"}
