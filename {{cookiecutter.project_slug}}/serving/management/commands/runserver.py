{% import 'asgi_server/' ~ cookiecutter.asgi_server ~ '/facts.jinja' as server_facts %}
{% set contexts = ['server.ending_at_once()'] if server_facts.ends_at_once else [] %}
{% set contexts = contexts + (['embedded_redis()'] if cookiecutter.channel_layer != 'memory' else []) %}
{% set contexts = contexts + (['embedded_postgres()'] if cookiecutter.database == 'postgresql' else []) %}
"""``runserver`` on the project's own ASGI server: WebSockets, static files, autoreload."""

import socket
from importlib.metadata import version
from typing import Any

from channels.routing import get_default_application
from django.conf import settings
from django.core.management.commands import runserver

from serving import server
{% if cookiecutter.database == 'postgresql' %}
from serving.embedded_postgres import embedded_postgres
{% endif %}
{% if cookiecutter.channel_layer != 'memory' %}
from serving.embedded_redis import embedded_redis
{% endif %}


class DevelopmentServer:
    """The interface of a server class of Django's ``runserver``, for the ASGI server."""

    def __init__(self, address: tuple[str, int], handler: type, ipv6: bool = False) -> None:
        # The server binds later and in its own way. A taken port ends here, where
        # Django explains it.
        family = socket.AF_INET6 if ipv6 else socket.AF_INET
        socket.create_server(address, family=family).close()
        self.host, self.server_port = address

    def set_app(self, application) -> None:
        self.application = application

    def serve_forever(self) -> None:
        server.serve_development(self.application, self.host, self.server_port)


class Command(runserver.Command):
    help = f"Starts {server.NAME} for development."
    server_cls: Any = DevelopmentServer
    addr: str
    _raw_ipv6: bool

    def run(self, **options) -> None:
        if self.addr == "0":
            self.addr = "0.0.0.0"
{% if contexts %}
        with {{ contexts|join(', ') }}:
            super().run(**options)
{% else %}
        super().run(**options)
{% endif %}

    def get_handler(self, *args, **options):
        return get_default_application()

    def on_bind(self, server_port: int) -> None:
        host = f"[{self.addr}]" if self._raw_ipv6 else self.addr
        self.stdout.write(
            f"Django version {self.get_version()}, using settings {settings.SETTINGS_MODULE!r}\n"
            f"Starting {server.NAME} {version(server.NAME)} development server "
            f"at http://{host}:{server_port}/\n"
            "Quit the server with CONTROL-C."
        )
