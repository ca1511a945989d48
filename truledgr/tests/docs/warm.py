"""``manage.py`` in forks of a process that has loaded the project already.

    python -m truledgr.tests.docs.warm SOCKET

Starting Python and Django takes longer than most commands of the documents. ``SHIM`` is what stands
for ``python`` there. What another start would make different (settings, changed code) gets one.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import traceback
from pathlib import Path

CODE = ["git", "status", "--porcelain", "--", "*.py"]
AGAIN = b"again"  # start a process of its own

SHIM = """#!{python} -IS
import json, os, socket, sys

if sys.argv[1:2] == ["manage.py"]:
    with socket.socket(socket.AF_UNIX) as server:
        server.connect("{socket}")
        given = dict(arguments=sys.argv[1:], environment=dict(os.environ), at=os.getcwd())
        socket.send_fds(server, [b"."], [0, 1, 2])
        server.sendall(json.dumps(given).encode() + b"\\n")
        answer = server.recv(16)
    if answer != b"again":
        sys.exit(int(answer or 1))
os.execv("{python}", ["{python}", *sys.argv[1:]])
"""


def main(path):
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "truledgr.settings")
    import django  # noqa: PLC0415

    django.setup()
    import drf_spectacular.generators  # noqa: F401, PLC0415

    import truledgr.urls  # noqa: F401, PLC0415

    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for them
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()
        while True:
            client, _address = server.accept()
            if not os.fork():
                server.close()
                serve(client)
            client.close()


def serve(client):
    """Be the command that ``client`` asks for, in a fork; this ends as it does."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    _mark, files, _flags, _address = socket.recv_fds(client, 1, 3)
    with client.makefile("rb") as orders:
        given = json.loads(orders.readline())
    if is_another(given["environment"]):
        client.sendall(AGAIN)
        os._exit(0)
    for standard, file in enumerate(files):
        os.dup2(file, standard)
        os.close(file)
    os.environ.clear()
    os.environ.update(given["environment"])
    os.chdir(given["at"])
    code = run(given["arguments"])
    client.sendall(str(code).encode())
    os._exit(0)


def is_another(environment):
    """Whether the settings or the code would be others than were loaded here."""
    from truledgr.settings import env  # noqa: PLC0415

    return any(environment.get(name) != os.environ.get(name) for name in env.variables) or bool(
        subprocess.run(CODE, capture_output=True, check=False).stdout
    )


def run(arguments):
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    sys.argv = arguments
    try:
        execute_from_command_line(arguments)
    except SystemExit as end:
        if isinstance(end.code, str):
            sys.stderr.write(f"{end.code}\n")
            return 1
        return end.code or 0
    except Exception:  # noqa: BLE001 (as Python itself would)
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


def write_shim(path, server):
    path.write_text(SHIM.format(python=sys.executable, socket=server))
    Path(path).chmod(0o755)


if __name__ == "__main__":
    main(sys.argv[1])
