from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from core.partitions import MonthlyPartitions, TableBusyError, month_of, months_from
from core.tests.one_engine import on
from users.tests.activity_months import activity, months_of_activity

months = pytest.fixture(months_of_activity)
postgresql = on("postgresql")  # SQLite keeps one table


def run(*args):
    out = StringIO()
    call_command("make_partitions", *args, stdout=out)
    return out.getvalue()


@postgresql
def test_the_command_says_what_it_made_and_what_there_is(months):
    later = months_from(month_of(timezone.now()), 6)
    activity(datetime(later[5].year, later[5].month, 2, tzinfo=UTC))

    dry = run("--dry-run", "--months", "5")
    assert [f"Would make {months.name_of(m)}" for m in later[4:]] == dry.splitlines()[:2]
    assert "4 months" in dry

    first, second, sum_up = run("--months", "5").splitlines()
    assert first == f"Made {months.name_of(later[4])}"
    assert second == f"Made {months.name_of(later[5])}, 1 row moved"
    assert sum_up == (
        f"6 months: {months.name_of(later[0])} to {months.name_of(later[5])}; 0 rows in the "
        "default partition."
    )
    assert len(run().splitlines()) == 1


@pytest.mark.django_db
def test_the_command_has_nothing_to_do_on_sqlite():
    if connection.vendor == "sqlite":
        assert run() == ("Nothing to do: session_activities is one plain table in this database.\n")


@pytest.mark.django_db
@pytest.mark.parametrize("months", ["-1", "121", "x", "1.5"])
def test_the_command_refuses_a_number_of_months_that_makes_no_sense(months):
    with pytest.raises(CommandError, match="is no number from 0 to 120"):
        run(f"--months={months}")


@postgresql
def test_the_command_says_when_the_table_is_busy(months, monkeypatch):
    def busy(*_args):
        raise TableBusyError("session_activities was locked.")

    monkeypatch.setattr(MonthlyPartitions, "make", busy)

    with pytest.raises(CommandError, match="was locked"):
        run("--months", "9")
