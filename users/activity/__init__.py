"""What is done in sessions, noted for each request and sign-in and written in batches.

A request appends to a buffer of its process and goes on; one thread writes the buffer every
``ACTIVITY_FLUSH_SECONDS``, or sooner when ``ACTIVITY_FLUSH_ROWS`` wait. What a killed process
loses is in docs/developer/activity.md.
"""

from users.activity.buffer import flush
from users.activity.events import record_event

__all__ = ["flush", "record_event"]
