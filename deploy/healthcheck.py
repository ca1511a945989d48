"""Exit with 0 when the server of this machine is ready: for Docker's HEALTHCHECK."""

import os
import sys
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

SECONDS = 4  # less than Docker's own --timeout


def main() -> int:
    host = os.environ.get("ALLOWED_HOSTS", "localhost").split(",")[0].strip().lstrip("*.")
    port = int(os.environ.get("PORT", "8000"))
    server = HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        server.request("GET", "/health/ready", headers={"Host": host or "localhost"})
        answer = server.getresponse()
        sys.stdout.write(answer.read().decode())
    except (OSError, HTTPException) as error:
        sys.stdout.write(f"{type(error).__name__}: {error}\n")
        return 1
    return 0 if answer.status == HTTPStatus.OK else 1


if __name__ == "__main__":
    sys.exit(main())
