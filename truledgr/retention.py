"""How long is kept what belongs to no single app: deleted rows of all of them, finished tasks."""

from __future__ import annotations

from django_tasks_db.models import DBTaskResult

from core.deleted_rows import count_deleted, remove_deleted
from core.retention import Rule, register, rule_of_rows
from users.models import User

register(
    Rule(
        name="deleted",
        setting="deleted",
        removes="deleted users, groups, items and roles, for good",
        model=User,
        count=count_deleted,
        remove=remove_deleted,
        is_last=True,
    )
)
register(
    rule_of_rows(
        "tasks",
        setting="tasks",
        removes="tasks that have run or failed",
        model=DBTaskResult,
        rows=lambda before: (
            DBTaskResult.objects.finished().filter(finished_at__lt=before).order_by("pk")
        ),
    )
)
