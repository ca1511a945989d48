"""A process that is killed or stopped half way leaves the database consistent, and can go on."""

import pytest

from authorization.system_roles import SYSTEM_ROLES
from truledgr.tests.killing import TREE
from truledgr.tests.scratch import report_of

pytestmark = pytest.mark.xdist_group("killed")


@pytest.fixture(scope="module")
def report(tmp_path_factory, django_db_setup):
    return report_of("kill", tmp_path_factory)


def test_a_tree_delete_is_all_or_nothing_wherever_it_is_killed(report):
    kills = report["deletes"]["kills"]

    assert len(kills) == 5
    for kill in kills:
        assert kill == {
            "is_killed": True, "groups": 0, "items": 0, "deletions": 0, "events": 0, "flaws": [],
        }  # fmt: skip


def test_a_tree_delete_that_was_killed_can_be_done_again(report):
    end = report["deletes"]["end"]

    assert end == {"groups": 1, "items": TREE, "deletions": 1, "events": TREE + 1, "flaws": []}


def test_a_killed_seed_leaves_nothing_half_made(report):
    kills = report["seeds"]["kills"]

    assert len(kills) >= 5
    for kill in kills:
        assert kill["flaws"] == []
        assert kill["other"] == []


def test_running_a_killed_seed_again_finishes_it_once(report):
    seeds = report["seeds"]

    assert seeds["differences"] == {}
    assert seeds["added_again"] == {}
    assert seeds["flaws"] == []


def test_running_killed_migrations_again_ends_in_the_same_schema(report):
    migrations = report["migrations"]

    assert migrations["kills"] >= 10
    assert migrations["is_same_schema"]
    assert migrations["unapplied"] == []
    assert migrations["flaws"] == []
    assert migrations["system_roles"] == len(SYSTEM_ROLES)
    assert migrations["permissions"] > 50


def test_commands_that_are_stopped_say_so_in_a_line_and_leave_nothing_half_made(report):
    stops = report["migrations"]["stops"] + report["seeds"]["stops"]

    assert [code for code, _said in stops] == [130, 130, 130]
    for _code, said in stops:
        assert said.count("\n") == 1
        assert said.startswith("Stopped. ")
    assert report["seeds"]["flaws_of_stops"] == []
