"""What is removed once it is old: rules that the apps register, and ``manage.py purge`` runs.

A rule counts what it would remove and removes it, in batches that are a short transaction each::

    register(
        Rule(
            name="tokens",
            setting="tokens",
            removes="reset tokens and API tokens that are used up, expired or revoked",
            model=APIToken,
            count=count_tokens,
            remove=remove_tokens,
        )
    )
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models, router, transaction
from django.db.models import QuerySet
from django.utils import timezone

from core import audit
from core.errors import DomainError

BATCH = 1_000

Advance = Callable[[int], object]  # told how many rows went with each batch


class UnknownRuleError(DomainError):
    """No rule has that name; the message names those that there are."""

    code = "unknown_rule"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a rule would remove or has removed: rows, and those that are old but cannot go yet.

    ``notes`` say why they cannot, or what else the reader should know, a line each.
    """

    removed: int = 0
    kept: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """What goes after ``RETENTION_DAYS[setting]`` days.

    ``count(before)`` answers what ``remove(before, advance)`` would do at the same moment, and
    writes nothing. The audit event of a purge names ``model``.
    """

    name: str
    setting: str
    removes: str
    model: type[models.Model]
    count: Callable[[datetime], Outcome]
    remove: Callable[[datetime, Advance], Outcome]
    is_last: bool = False  # takes rows along that other rules would count

    @property
    def days(self) -> int:
        days: int = settings.RETENTION_DAYS[self.setting]
        return days

    def before(self) -> datetime:
        """What is older than this is removed."""
        return timezone.now() - timedelta(days=self.days)


_rules: dict[str, Rule] = {}


def register(rule: Rule) -> None:
    """Add ``rule``. Raise ``ImproperlyConfigured`` when its setting does not exist."""
    if rule.setting not in settings.RETENTION_DAYS:
        raise ImproperlyConfigured(f"{rule.name}: RETENTION_DAYS has no {rule.setting!r}.")
    _rules[rule.name] = rule


def rules() -> list[Rule]:
    """Every rule, in the order in which they run."""
    return sorted(_rules.values(), key=lambda rule: (rule.is_last, rule.name))


def rules_named(names: Iterable[str]) -> list[Rule]:
    """The rules of these names, all without any. Raise ``UnknownRuleError`` for a wrong name."""
    wanted = set(names)
    if unknown := sorted(wanted - _rules.keys()):
        known = ", ".join(rule.name for rule in rules())
        raise UnknownRuleError(f"No rule is called {', '.join(unknown)}. There are: {known}.")
    return [rule for rule in rules() if rule.name in wanted or not wanted]


def purge(rule: Rule, advance: Advance = lambda _rows: None) -> Outcome:
    """Remove what ``rule`` lets go, and record one event if that was anything.

    What was removed before an error or an interruption stays removed and is recorded too; the
    next run goes on with the rest.
    """
    before = rule.before()
    counted = 0

    def counting(rows: int) -> None:
        nonlocal counted
        counted += rows
        advance(rows)

    try:
        outcome = rule.remove(before, counting)
    finally:
        if counted:
            _record(rule, before, counted)
    return outcome


def _record(rule: Rule, before: datetime, removed: int) -> None:
    with transaction.atomic(using=router.db_for_write(rule.model)):
        audit.record(
            action="purge",
            target=rule.model(pk=rule.name),
            changes={
                "rule": (None, rule.name),
                "before": (None, audit.iso_utc(before)),
                "rows": (None, removed),
            },
        )


def rule_of_rows(
    name: str,
    *,
    setting: str,
    removes: str,
    model: type[models.Model],
    rows: Callable[[datetime], QuerySet[Any]],
) -> Rule:
    """A rule that deletes the rows of one query, in batches."""
    return Rule(
        name=name,
        setting=setting,
        removes=removes,
        model=model,
        count=lambda before: Outcome(removed=rows(before).count()),
        remove=lambda before, advance: Outcome(removed=delete_in_batches(rows(before), advance)),
    )


def delete_in_batches(rows: QuerySet[Any], advance: Advance, size: int = BATCH) -> int:
    """Delete ``rows`` with what cascades from them, ``size`` at a time; answer how many.

    Each batch is a transaction of its own. Only ``rows`` themselves are counted. An index should
    lead to them in their order.
    """
    removed = 0
    using = router.db_for_write(rows.model)
    rows = rows.using(using)
    while keys := list(rows.values_list("pk", flat=True)[:size]):
        with transaction.atomic(using=using):
            # Asked again: a row may have changed since, and then it stays.
            _total, by_label = QuerySet.delete(rows.order_by().filter(pk__in=keys))
        gone = by_label.get(rows.model._meta.label, 0)
        removed += gone
        advance(gone)
        if len(keys) < size:
            break
    return removed
