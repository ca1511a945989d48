"""People whose accounts are closed, and what is left of them in the database."""

from datetime import timedelta

from django.contrib.auth.hashers import make_password
from django.db import connection
from django.utils import timezone

from truledgr.tests.dump import as_bytes
from truledgr.tests.person_with_everything import Person
from users.models import User
from users.tests.factories import UserFactory

DAY = timedelta(days=1)


def supporter():
    return UserFactory(username="supporter", is_staff=True, password=make_password(None))


def annika(staff):
    return Person("annika", ip="198.51.100.17", staff=staff)


def bobolink(staff):
    return Person("bobolink", ip="203.0.113.18", staff=staff)


def make_due(user):
    User.objects.filter(pk=user.pk).update(deletion_due_at=timezone.now() - DAY)


def fresh(user):
    return User.objects.get(pk=user.pk)


def rows_but_the_trail():
    """Each value of each table other than the audit trail, with where it stands."""
    found = []
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            if table.startswith("audit_events") or table == "django_migrations":
                continue
            cursor.execute(f'SELECT * FROM "{table}"')
            names = [column[0] for column in cursor.description]
            for row in cursor.fetchall():
                found += [
                    (f"{table}.{name}", as_bytes(value))
                    for name, value in zip(names, row, strict=True)
                ]
    return found


def places_of(words):
    """Where the words stand, in whatever case, encrypted mails apart."""
    values = [(place, value.lower()) for place, value in rows_but_the_trail()]
    return {
        (kind, place)
        for kind, word in words.items()
        for place, value in values
        if word.lower().encode() in value
    }
