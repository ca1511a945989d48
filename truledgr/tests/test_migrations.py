"""Every app goes back to nothing and forward again."""

import pytest
from django.apps import apps

from truledgr.tests.killing import OWN_APPS
from truledgr.tests.scratch import report_of

pytestmark = pytest.mark.xdist_group("migrations")

LABELS = ("core", "users", "authentication", "authorization", "groups", "items")


@pytest.fixture(scope="module")
def report(tmp_path_factory, django_db_setup):
    return report_of("round_trip", tmp_path_factory)


def test_there_are_the_fifteen_tables_of_the_design_and_two_more(report):
    own = {m._meta.db_table for m in apps.get_models() if m._meta.app_label in LABELS}

    assert len(own - {"session_days", "group_invitations"}) == 15
    assert own <= set(report["tables"])


@pytest.mark.parametrize("app", OWN_APPS)
def test_an_app_goes_to_zero_and_forward_again(report, app):
    outcome = report["apps"][app]

    # Triggers are part of the schema that is compared.
    assert outcome == {"left": [], "differences": [], "flaws": []}
