"""People, as staff see them: importing the modules registers their pages."""

from users.admin import activity, devices, people, sessions
from users.admin.people import UserAdmin

__all__ = ["UserAdmin", "activity", "devices", "people", "sessions"]
