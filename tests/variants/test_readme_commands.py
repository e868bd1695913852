"""The commands of README.md and of each project's README, run as they stand.

Only ports are others than printed.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from checkout import copy_working_tree
from databases import postgresql_of
from gate import Gate, link_bytecode
from markdown import code, section
from nginx import NGINX
from ports import echo, own_port, running
from variants import ROOT

README = (ROOT / "README.md").read_text("utf-8")
COMMAND_SECONDS = 600  # for one that installs what it needs

NGINX_CONFIG = """\
daemon off;
error_log stderr;
pid {folder}/pid;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {http}
    server {{
        listen 127.0.0.1:{port};
        {server}
    }}
}}
"""


@pytest.fixture
def machine(tmp_path) -> dict[str, str]:
    """An environment with Python, pip and git, and neither uv nor cookiecutter on the path."""
    tools = tmp_path / "machine"
    tools.mkdir()
    (tools / "python3").symlink_to(Path(sys.executable).resolve())
    path = [str(tools)]
    for folder in os.environ["PATH"].split(os.pathsep):
        if not any(Path(folder, name).exists() for name in ("uv", "cookiecutter")):
            path.append(folder)
    others = (
        *("CI", "COOKIECUTTER", "DATABASE_URL", "DJANGO_", "PG", "PYTEST_", "PYTHON", "REDIS_URL"),
        *("UV_", "VIRTUAL_"),
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    home = tmp_path / "home"
    home.mkdir()
    caches = Path.home() / ".cache"  # or each run fetches all packages
    return {
        **environment,
        "PATH": os.pathsep.join(path),
        "HOME": str(home),
        "PIP_CACHE_DIR": os.environ.get("PIP_CACHE_DIR", str(caches / "pip")),
        "UV_CACHE_DIR": os.environ.get("UV_CACHE_DIR", str(caches / "uv")),
    }


@pytest.fixture
def clone(tmp_path) -> Path:
    """A copy of the repository, as git would clone it."""
    clone = tmp_path / "clone"
    copy_working_tree(clone)
    subprocess.run(["git", "init", "-q"], cwd=clone, check=True)
    return clone


@pytest.fixture
def postgresql(tmp_path) -> Iterator[Callable[[Gate], str]]:
    """Start the PostgreSQL that stands for the production's, and return its address."""
    with ExitStack() as stack:
        yield lambda gate: stack.enter_context(postgresql_of(gate, tmp_path / "postgres"))


@pytest.fixture
def shell(machine) -> Callable[[str, Path], str]:
    """Run a command in bash; return what it printed."""

    def shell(command: str, folder: Path) -> str:
        done = subprocess.run(
            ["bash", "-e", "-c", command],
            cwd=folder,
            env=machine,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}"
        return done.stdout

    return shell


def test_the_first_command_generates_a_project_and_runs_it(clone, machine, tmp_path):
    command = code(README, "sh")[0].strip()
    assert command.endswith("manage.py runserver")
    log = tmp_path / "log"
    with own_port() as port, running(f"{command} 127.0.0.1:{port}", port, clone, machine, log):
        assert echo(port, b"Hello") == b"You said: Hello"
    assert (tmp_path / "my_realtime_project" / "db.sqlite3").exists()
    # What the generator says at the end works in any terminal, from where the person stands.
    printed = log.read_text()
    steps = re.search(r"^ +cd .*\n(?: +\S.*\n)+", printed, re.MULTILINE)
    assert steps, printed
    *prepare, start = [line.strip() for line in steps[0].splitlines()]
    assert start.endswith("manage.py runserver"), printed
    tests = re.search(r"^.*tests with: (.+)$", printed, re.MULTILINE)
    assert tests, printed
    lines = [*prepare, f"{tests[1]} -q -m 'not live' tests/config/test_settings.py --collect-only"]
    done = subprocess.run(
        ["bash", "-e", "-c", "\n".join(lines)],
        cwd=clone,
        env=machine,
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_test_command_runs_the_tests(clone, machine, shell):
    command = code(section(README, "Test the template"), "sh")[0].strip()
    machine["PYTEST_ADDOPTS"] = "-n0 -k test_the_licence"  # one of them shows that all can run
    assert "1 passed" in shell(command, clone)


@pytest.mark.parametrize("name", ["cookiecutter gh:OWNER/cookiecutter-django-channels"])
def test_the_command_for_those_who_have_all_is_the_repository_s(name):
    assert name in code(README, "sh")[1]
    pyproject = (ROOT / "pyproject.toml").read_text("utf-8")
    assert f'name = "{name.rpartition("/")[2]}"' in pyproject


@pytest.fixture(scope="session")
def install_uv(tmp_path_factory) -> Callable[..., None]:
    """Run the commands that put uv into a project, or copy what the same ones put into another.

    They know nothing of the project, and pip takes longer than all that follows.
    """
    installed: dict[str, Path] = {}

    def install_uv(commands: str, project: Path, shell: Callable[[str, Path], str]) -> None:
        if commands in installed:
            shutil.copytree(
                installed[commands], project / ".uv", symlinks=True, copy_function=os.link
            )
        else:
            shell(commands, project)
            kept = tmp_path_factory.mktemp("uv") / ".uv"
            installed[commands] = shutil.copytree(project / ".uv", kept, symlinks=True)

    return install_uv


def test_the_commands_of_a_project_s_readme_work(
    bake, environments, gated, machine, shell, install_uv, redis_url, postgresql, tmp_path
):
    """Those of the section "Test it" are run by the project's gate."""
    variant, python = gated
    project = bake(**variant)
    readme = (project / "README.md").read_text("utf-8")
    gate = Gate(project, environments, python)
    gate.install()
    machine["UV_PYTHON"] = gate.variables["UV_PYTHON"]
    machine["UV_PROJECT_ENVIRONMENT"] = str(gate.environment)

    install, *run = code(section(readme, "Run it"), "sh")
    install, _, export = install.strip().rpartition(" && ")
    install_uv(install, project, shell)
    found = shell(f'{export} && printf "\\n%s" "$PATH"', project)
    machine["PATH"] = found.splitlines()[-1]
    assert str(project) in machine["PATH"]
    prepare, start, meanwhile = "".join(run).partition("uv run manage.py runserver")
    shell(prepare, project)
    with own_port() as port:
        start += f" 127.0.0.1:{port}"
        with running(start, port, project, machine, tmp_path / "runserver"):
            assert echo(port, b"Hello") == b"You said: Hello"
            shell(meanwhile, project)

    if variant["channel_layer"] != "memory":
        machine["REDIS_URL"] = redis_url
    if variant["database"] == "postgresql":
        machine["DATABASE_URL"] = postgresql(gate)
    machine["UV_PROJECT_ENVIRONMENT"] = f"{gate.environment}-production"
    fill_in(project)
    production = section(readme, "Production")
    commands, *others = code(production, "sh")
    (own_command,) = [other for other in others if "8000" in other]
    others.remove(own_command)
    sync, *prepare, serve = commands.splitlines()
    shell(sync, project)
    link_bytecode(Path(machine["UV_PROJECT_ENVIRONMENT"]))
    shell("\n".join(prepare), project)
    with ExitStack() as stack:
        port, proxy_port = (stack.enter_context(own_port()) for _ in range(2))
        log = tmp_path / "serve"
        stack.enter_context(running(f"{serve} --port {port}", port, project, machine, log))
        assert echo(port, b"Hello") == b"You said: Hello"
        shell("".join(others), project)
        configs = code(production, "nginx")  # else it is deploy/nginx.conf: see test_nginx.py
        assert bool(configs) == (variant["docker"] == "no")
        if NGINX and configs:
            (config,) = configs
            path = nginx_config(config, port, proxy_port, tmp_path / "nginx")
            start = f"{NGINX} -p {path.parent} -c {path}"
            stack.enter_context(
                running(start, proxy_port, project, machine, tmp_path / "nginx.log")
            )
            assert echo(proxy_port, b"Hello") == b"You said: Hello"
    with own_port() as port:
        start = own_command.strip().replace("8000", str(port))
        with running(start, port, project, machine, tmp_path / "own"):
            assert echo(port, b"Hello") == b"You said: Hello"
    for log in ("runserver", "serve", "own"):
        assert "Traceback" not in (tmp_path / log).read_text()


def fill_in(project: Path) -> None:
    """Copy .env.example to .env and fill in what is required."""
    values = {
        "DJANGO_SECRET_KEY": "x1" * 25 + "y",
        "DJANGO_ALLOWED_HOSTS": "localhost",
        "EMAIL_URL": "smtp://localhost",
        "DEFAULT_FROM_EMAIL": "desk@example.com",
    }
    text = (project / ".env.example").read_text()
    # These are in the environment.
    text = re.sub("^(DATABASE|REDIS)_URL=\n", "", text, flags=re.MULTILINE)
    for name, value in values.items():
        text = re.sub(rf"^{name}=$", f"{name}={value}", text, flags=re.MULTILINE)
    (project / ".env").write_text(text)


def nginx_config(readme: str, port: int, proxy_port: int, folder: Path) -> Path:
    """Put what README.md shows into a whole configuration. Return its path."""
    folder.mkdir()
    server, found, http = readme.partition("# In the http block:")
    assert found
    assert "127.0.0.1:8000" in server
    server = server.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
    path = folder / "nginx.conf"
    path.write_text(NGINX_CONFIG.format(folder=folder, http=http, server=server, port=proxy_port))
    return path
