"""What the clock does about accounts whose time has come."""

from __future__ import annotations

from django_tasks import task

from authentication.personal_data.closing import close_due_accounts
from core.schedule import periodic


@periodic("25 * * * *")
@task()
def close_accounts() -> None:
    """Delete and anonymise the accounts whose owners asked for it and did not change their mind."""
    close_due_accounts()
