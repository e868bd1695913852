"""The day of the launch, as docs/launch.md of a project has it, on one variant."""

import json
import re
import socketserver
import threading
from collections.abc import Iterator

import pytest
from gate import Gate
from ports import own_port, running

ENV = """\
DJANGO_DEBUG=false
DJANGO_SECRET_KEY={key}
DJANGO_ALLOWED_HOSTS=example.com
WEB_CONCURRENCY=1
EMAIL_URL=smtp://127.0.0.1:{port}
DEFAULT_FROM_EMAIL=desk@example.com
"""


class MailServer(socketserver.StreamRequestHandler):
    """As much of SMTP as a client needs. The lines of mails are kept."""

    lines: list[str] = []  # noqa: RUF012

    def handle(self) -> None:
        self.answer("220 hello")
        is_data = False
        while raw := self.rfile.readline():
            line = raw.decode().strip("\r\n")
            if is_data and line != ".":
                self.lines.append(line)
                continue
            is_data = line.upper() == "DATA"
            self.answer("354 go on" if is_data else "221 bye" if line == "quit" else "250 well")

    def answer(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


@pytest.fixture
def mail_port() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), MailServer) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_the_launch_goes_step_by_step(bake, tmp_path, mail_port):
    project = bake()
    launch = (project / "docs" / "launch.md").read_text("utf-8")
    steps = re.findall(r"^   ```sh\n   (.+)\n   ```$", launch.partition("\n## ")[0], re.MULTILINE)
    numbers = re.findall(r"^(\d+)\. ", launch, re.MULTILINE)
    assert numbers == [str(number) for number in range(1, 11)]
    assert len(steps) == 10
    *before, serve, ready, backup = steps
    (project / ".env").write_text(ENV.format(key="for one launch " * 5, port=mail_port))
    gate = Gate(project, tmp_path / "environments")
    environment = {**gate.variables, "DJANGO_SUPERUSER_PASSWORD": "correct horse battery"}
    for step in before:
        gate("bash", "-e", "-c", step, **environment)
    assert not list(gate.environment.glob("lib/python3*/site-packages/pytest")), "production"
    assert "Subject: Test email from" in "\n".join(MailServer.lines)
    with own_port() as port:
        command = f"{serve} --port {port}"
        with running(command, port, project, gate.variables, tmp_path / "log"):
            answer = gate("bash", "-e", "-c", ready.replace(":8000", f":{port}"))
    assert json.loads(answer)
    gate("bash", "-e", "-c", backup)
    rows = json.loads((project / "backup.json").read_text())
    assert [row["fields"]["username"] for row in rows if row["model"] == "users.user"] == ["admin"]
