"""People, their devices, their sessions and the log of what they did."""

from users.models.activity import ActivityType, SessionActivity
from users.models.device import Device, DeviceType
from users.models.session import EndReason, UserSession, UserSessionQuerySet
from users.models.session_day import SessionDay
from users.models.user import User, UserManager, UserQuerySet

__all__ = [
    "ActivityType", "Device", "DeviceType", "EndReason", "SessionActivity", "SessionDay", "User",
    "UserManager", "UserQuerySet", "UserSession", "UserSessionQuerySet",
]  # fmt: skip
