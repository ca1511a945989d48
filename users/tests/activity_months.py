"""The months that the activity is kept by, and rows of it."""

from users.models import ActivityType, SessionActivity
from users.partitions import activity_partitions


def months_of_activity(db):
    return activity_partitions()


def activity(moment, **values):
    return SessionActivity.objects.create(
        activity_type=ActivityType.REQUEST, occurred_at=moment, **values
    )
