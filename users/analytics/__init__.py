"""What is to be known of sign-ins and sessions, by day: see docs/developer/analytics.md.

``counting`` reads the rows themselves, ``roll_ups`` keeps what they say of days that are over,
``answers`` puts both together for a range of days.
"""
