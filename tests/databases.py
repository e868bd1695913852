"""The PostgreSQL of a generated project, from its own embedded one."""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # benchmarks/ imports this as tests.databases
    from gate import Gate

PROGRAM = """\
from serving.embedded_postgres import Place, postgres_in
with postgres_in(FOLDER):
    print(Place(FOLDER).sockets, flush=True)
    input()
"""


@contextmanager
def postgresql_of(gate: "Gate", folder: Path) -> Iterator[str]:
    """Run a PostgreSQL with its data in ``folder``, and give its address, for production."""
    process = subprocess.Popen(
        [gate.environment / "bin" / "python", "-c", PROGRAM.replace("FOLDER", repr(str(folder)))],
        cwd=gate.project,
        env=gate.variables,
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield f"postgresql:///postgres?user=postgres&host={process.stdout.readline().strip()}"
    finally:
        process.communicate("\n")
        remove_embedded_postgres(folder)


def remove_embedded_postgres(folder: Path) -> None:
    """Remove what the server of a folder has outside of it: for root that may be all its data."""
    name = hashlib.sha256(os.path.realpath(folder).encode()).hexdigest()[:12]
    shutil.rmtree(f"/tmp/postgres-{os.getuid()}-{name}", ignore_errors=True)
