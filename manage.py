#!/usr/bin/env python
"""Django's command line: `python manage.py help` lists every command."""

import os
import sys

INTERRUPTED = 130


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "truledgr.settings")
    # One thread needs no pool, which would retry for seconds where a server refuses connections.
    os.environ.setdefault("DATABASE_POOL_SIZE", "0")
    if os.environ.get("NO_COLOR"):
        os.environ.setdefault("DJANGO_COLORS", "nocolor")  # Django's own commands heed that alone
    try:
        from django.core.management import execute_from_command_line  # noqa: PLC0415 - see below

        execute_from_command_line(sys.argv)
    except KeyboardInterrupt:
        sys.stderr.write("Stopped.\n")
        sys.exit(INTERRUPTED)
    except Exception as error:  # noqa: BLE001 - Django, or what it needs, may be missing
        from truledgr.first_aid import stop  # noqa: PLC0415

        sys.exit(stop(error, sys.argv))


if __name__ == "__main__":
    main()
