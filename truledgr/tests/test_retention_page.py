"""docs/developer/retention.md says of every log, rule and job what the code says."""

import re
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.db.models import PROTECT, RESTRICT

from core.retention import rules
from core.schedule import jobs
from core.soft_delete import pointing_at
from groups.models import Group
from truledgr.environment import Environment
from users.models import User

PAGE = Path(settings.BASE_DIR, "docs", "developer", "retention.md")
SETTINGS = Path(settings.BASE_DIR, "truledgr", "settings.py")


def rows(heading):
    """The cells of the first table under a heading, the row of names left out."""
    _, _, rest = PAGE.read_text().partition(f"\n## {heading}\n")
    assert rest, f"no heading {heading!r}"
    section = rest.partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


def bare(cell):
    return cell.strip("` |")


def variables():
    """{key of RETENTION_DAYS: (environment variable, default)}, as the settings have it."""
    found = re.findall(
        r'"(\w+)": env\.number\("(RETAIN_\w+_DAYS)", default=(\d+)', SETTINGS.read_text()
    )
    return {key: (variable, int(default)) for key, variable, default in found}


def test_asvs_16_1_1_every_rule_is_in_the_table_with_its_setting_and_days():
    documented = {bare(row[0]): (bare(row[1]), int(row[2])) for row in rows("The rules")}

    assert documented == {rule.name: variables()[rule.setting] for rule in rules()}


def test_asvs_16_1_1_every_number_of_days_belongs_to_a_rule():
    assert {rule.setting for rule in rules()} == set(settings.RETENTION_DAYS) == set(variables())


@pytest.mark.parametrize("row", rows("The logs"), ids=lambda row: bare(row[0]))
def test_asvs_16_1_1_every_log_says_what_is_in_it_for_whom_how_long_and_what_removes_it(row):
    tables = {model._meta.db_table for model in apps.get_models()}
    log, *says = row

    assert len(says) == 4
    assert all(says)
    assert bare(log) in tables or log == "standard output"
    removes = set(re.findall(r"purge (\w+)", says[3]))
    assert removes <= {rule.name for rule in rules()}
    named = set(re.findall(r"RETAIN_\w+", says[2]))
    assert named <= {variable for variable, _ in variables().values()}
    if named:
        settings_of = {rule.name: rule.setting for rule in rules()}
        assert named == {variables()[settings_of[name]][0] for name in removes}


def test_asvs_16_1_1_every_table_that_a_rule_empties_is_among_the_logs():
    logs = {bare(row[0]) for row in rows("The logs")}
    emptied = {rule.model._meta.db_table for rule in rules() if rule.name != "deleted"}

    assert emptied <= logs
    assert {"audit_events", "password_reset_tokens", "devices"} <= logs


def test_asvs_16_1_1_permissions_that_the_table_names_exist():
    for name in re.findall(r"`(\w+\.view_\w+)`", PAGE.read_text()):
        app, _, codename = name.partition(".")
        granted = {
            permission
            for model in apps.get_app_config(app).get_models()
            for permission in (
                *(f"{verb}_{model._meta.model_name}" for verb in model._meta.default_permissions),
                *(codename for codename, _ in model._meta.permissions),
            )
        }
        assert codename in granted, name


def test_every_job_is_in_the_table_with_its_hours():
    documented = {bare(row[0]): bare(row[1]) for row in rows("The schedule")}

    assert documented == {job.name: job.cron for job in jobs()}


def test_the_lines_for_cron_are_those_of_the_schedule():
    lines = re.findall(r"^(\S+ \S+ \S+ \S+ \S+)\s+manage.py run_schedule --once (\w+)$",
                       PAGE.read_text(), re.MULTILINE)  # fmt: skip

    assert {name: cron for cron, name in lines} == {job.name: job.cron for job in jobs()}


def test_the_owner_of_a_group_is_the_only_key_that_protects_users():
    protecting = [
        key for key in pointing_at(User) if key.remote_field.on_delete in (PROTECT, RESTRICT)
    ]

    assert protecting == [Group._meta.get_field("owner")]


def test_a_number_of_days_is_at_least_one():
    for variable, _ in variables().values():
        env = Environment({variable: "0"})
        env.number(variable, default=1, minimum=1)
        with pytest.raises(Exception, match=variable):
            env.check()
