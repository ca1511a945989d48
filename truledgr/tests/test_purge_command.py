"""What `manage.py purge` and its task say, run and refuse."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError

from authentication.models import PasswordResetToken
from core import retention
from core.retention import Rule, rules, rules_named
from core.tasks import PurgeIncompleteError
from core.tasks import purge as purge_task
from truledgr.tests.purging import (
    NAMES,
    left,
    limit_of_a_rule,
    resets_around,
    run,
    sessions_around,
    table,
)
from users.models import UserSession

limit = pytest.fixture(limit_of_a_rule)
pytestmark = pytest.mark.django_db


def test_the_table_names_every_rule_its_days_and_what_it_removes(settings):
    lines = run("--dry-run").splitlines()

    assert lines[0].split() == ["rule", "days", "would", "remove", "kept", "what"]
    assert lines[-1] == "Nothing is past its days."
    assert [line.split()[0] for line in lines[1:-1]] == NAMES
    for rule, line in zip(rules(), lines[1:-1], strict=True):
        assert f" {settings.RETENTION_DAYS[rule.setting]} " in line
        assert line.endswith(rule.removes)


def test_a_wrong_rule_removes_nothing_and_names_the_known(limit):
    goes, stays = resets_around(limit("tokens"))

    with pytest.raises(CommandError, match=f"No rule is called nix. There are: {', '.join(NAMES)}"):
        run("tokens", "nix")
    assert PasswordResetToken.objects.count() == len(goes) + len(stays)


def test_only_the_named_rules_run(limit):
    sessions, _ = sessions_around(limit("sessions"))
    resets_around(limit("tokens"))

    assert set(table(run("tokens", "tasks"))) == {"tokens", "tasks"}
    assert {row.pk for row in sessions} <= left(UserSession)


def test_the_task_runs_every_rule_and_fails_when_one_did(limit, monkeypatch, caplog):
    goes, _stays = resets_around(limit("tokens"))

    def broken(*_args):
        raise OSError("disk")

    (rule,) = rules_named(["analytics"])
    monkeypatch.setitem(
        retention._rules,
        "analytics",
        Rule(**{**{name: getattr(rule, name) for name in rule.__slots__}, "remove": broken}),
    )

    with pytest.raises(PurgeIncompleteError, match="analytics"):
        purge_task.call()

    assert "The rule analytics failed" in caplog.text
    assert not left(PasswordResetToken) & {row.pk for row in goes}


def test_a_rule_without_its_setting_is_refused():
    with pytest.raises(ImproperlyConfigured, match="RETENTION_DAYS has no 'nix'"):
        retention.register(Rule("nix", "nix", "", UserSession, lambda _: None, lambda *_: None))
