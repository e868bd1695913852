"""A real nginx with the configuration of a generated project, in a folder of its own."""

import os
import pwd
import re
import shlex
import shutil
import ssl
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from ports import ANSWER_SECONDS, is_listening, own_port

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


class Nginx:
    """nginx on ports of its own, with a certificate for localhost.

    Its folder is not one of pytest's: those are closed to other users, such as nginx's
    workers, and a Unix socket's path has 107 bytes at most.
    """

    def __init__(self, project: Path, slug: str) -> None:
        self.stack = ExitStack()
        self.slug = slug
        self.text = (project / "deploy" / "nginx.conf").read_text()

    def __enter__(self) -> "Nginx":
        with ExitStack() as stack:
            folder = tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True)
            self.folder = Path(stack.enter_context(folder))
            self.folder.chmod(0o755)
            self.http_port, self.port = (stack.enter_context(own_port()) for _ in range(2))
            for name in ("run", "tls", "cache"):
                (self.folder / name).mkdir()
            self.certificate = self.folder / "tls" / "fullchain.pem"
            self._make_certificate()
            self._write()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self.stack.close()

    @property
    def worker_group(self) -> int | None:
        """The group of nginx's workers, which they have where root starts nginx."""
        (user,) = re.findall(r"^user (\S+);", self.text, re.MULTILINE)
        return pwd.getpwnam(user).pw_gid if os.getuid() == 0 else None

    def socket(self, number: int) -> Path:
        return self.folder / "run" / f"{number}.sock"

    def _make_certificate(self) -> None:
        key = self.folder / "tls" / "privkey.pem"
        command = (
            "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
            f" -addext subjectAltName=DNS:localhost -keyout {key} -out {self.certificate}"
        )
        subprocess.run(shlex.split(command), check=True, capture_output=True)
        self.tls = ssl.create_default_context(cafile=self.certificate)

    def _write(self) -> None:
        """Write the project's configuration, with other paths and ports."""
        text = re.sub(r"\n *listen \[::\].*", "", self.text)
        changes = {
            "listen 80 ": f"listen 127.0.0.1:{self.http_port} ",
            "listen 443 ": f"listen 127.0.0.1:{self.port} ",
            f"/run/{self.slug}/": f"{self.folder}/run/",
            f"/etc/{self.slug}/tls/": f"{self.folder}/tls/",
            f"/var/cache/{self.slug} ": f"{self.folder}/cache/static ",
            "/run/nginx.pid": f"{self.folder}/pid",
            "/var/log/nginx/": f"{self.folder}/",
            "https://$host$": f"https://$host:{self.port}$",
        }
        for old, new in changes.items():
            assert old in text, old
            text = text.replace(old, new)
        paths = (f"    {name}_temp_path {self.folder}/{name};" for name in TEMPORARY)
        text = text.replace("http {\n", "\n".join(["http {", *paths, ""]), 1)
        (self.folder / "nginx.conf").write_text(text)

    def _command(self, *words: str) -> list[str]:
        return [NGINX, "-p", str(self.folder), "-c", str(self.folder / "nginx.conf"), *words]

    def check(self) -> None:
        done = subprocess.run(self._command("-t"), capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, done.stderr
        assert "[warn]" not in done.stderr, done.stderr

    @property
    def log(self) -> str:
        return (self.folder / "error.log").read_text()

    def start(self) -> None:
        process = subprocess.Popen(self._command("-g", "daemon off;"))
        self.stack.callback(process.wait, ANSWER_SECONDS)
        self.stack.callback(process.terminate)
        deadline = time.monotonic() + ANSWER_SECONDS
        while not is_listening(self.port):
            assert process.poll() is None, self.log
            assert time.monotonic() < deadline, self.log
            time.sleep(0.05)
