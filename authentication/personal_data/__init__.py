"""What people may ask for about their data: a copy of it, and an end to it.

Imported like every app's ``personal_data``: the tables are declared, the task is on the schedule.
"""

from authentication.personal_data import tables, tasks

__all__ = ["tables", "tasks"]
