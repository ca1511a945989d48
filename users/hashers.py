from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2idHasher(Argon2PasswordHasher):
    """Argon2id at OWASP's m=19 MiB, t=2, p=1: a tenth of the cost of Django's defaults."""

    memory_cost = 19_456
    time_cost = 2
    parallelism = 1
