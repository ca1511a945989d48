"""What ``make run`` runs: a development server on demo data, ready to sign in to."""

from io import StringIO
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.management.commands import runserver
from django.core.management import CommandError, call_command
from django.core.management.base import CommandParser
from django.db import connection

from core.management.base import INTERRUPTED
from core.management.base import Command as BaseCommand

HOST = "127.0.0.1"
NAME = "localhost"  # in links: passkeys do not work at a number
PAGES = {"Admin": "/admin/", "API docs": "/api/docs/", "Health": "/health/ready"}


class DemoServer(runserver.Command):
    """Django's development server with a banner of our own."""

    banner = ""

    def on_bind(self, server_port: int) -> None:
        self.stdout.write(self.banner)


class Command(BaseCommand):
    help = """Migrate, make demo data and serve it, then print where and how to sign in.

For development only: it serves one machine, with Django's own server, until it is stopped."""
    examples = (
        ("python manage.py run_demo", "at http://localhost:8000/"),
        ("python manage.py run_demo --port 8001", "at another port"),
    )
    exit_codes = {
        0: "stopped by Ctrl-C or SIGTERM while it served",
        2: "could not run, such as because DEBUG is off or the port is taken",
        INTERRUPTED: "stopped before it served",
    }
    formats = ()
    why_no_json = "it is a server, and prints the requests that it gets"
    when_stopped = "Run the same command again: it goes on where it was."
    # The commands that it calls run the checks.
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--port", type=int, default=8000, help="where it listens (default: %(default)s)"
        )

    def handle(self, *, port: int, **options: Any) -> None:
        if not settings.DEBUG:
            raise CommandError("This serves demo data for development. Unset DEBUG to run it.")
        self.stdout.write(f"Migrating {connection.settings_dict['NAME']} …")
        call_command("migrate", verbosity=0, stdout=self.stdout, stderr=self.stderr)
        self.stdout.write("Making sure of the demo data …")
        sign_in = StringIO()
        call_command("seed_demo", stdout=sign_in, stderr=self.stderr)
        server = DemoServer()
        server.banner = banner(port=port, sign_in=sign_in.getvalue())
        call_command(
            server, f"{HOST}:{port}", use_reloader=False, skip_checks=True, stdout=self.stdout
        )


def banner(*, port: int, sign_in: str) -> str:
    """Where to look and how to sign in: the last thing on the screen before the requests."""
    lines = [f"  {name:<10}http://{NAME}:{port}{path}" for name, path in PAGES.items()]
    return "\n".join(
        ["", "TruLedgr is running.", "", *lines, "", sign_in.rstrip(), "", "Ctrl-C stops it."]
    )
