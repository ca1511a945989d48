"""How unusual a sign-in, or the use of a session, is: a score from named rules."""

from users.risk.assessment import Assessment, assess
from users.risk.facts import Facts, Origin, Sighting

__all__ = ["Assessment", "Facts", "Origin", "Sighting", "assess"]
