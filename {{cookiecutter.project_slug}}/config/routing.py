"""The way of a request through the project, from the server to the code that answers."""

{% if cookiecutter.starter == 'minimal' %}
from channels.auth import AuthMiddlewareStack
{% endif %}
from channels.routing import ProtocolTypeRouter, URLRouter
{% if cookiecutter.starter == 'chat' %}
from channels.sessions import SessionMiddlewareStack
{% endif %}
from django.core.asgi import get_asgi_application
from django.urls import path, re_path

{% if cookiecutter.starter == 'chat' %}
from chat.consumers import ChatConsumer
{% endif %}
from echo.consumers import EchoConsumer
from realtime import server
from realtime.asgi import lifespan, unknown_path
from realtime.drain import Drain
from realtime.limits import SocketLimits
from realtime.middleware import OriginCheck, TrustedProxies
{% if cookiecutter.starter == 'chat' %}
from realtime.readiness import Readiness
from realtime.sessions import Login
{% endif %}
from realtime.static import StaticFiles

websocket_urlpatterns = [
{% if cookiecutter.starter == 'chat' %}
    path("ws/chat/<slug:slug>/", ChatConsumer.as_asgi()),
{% endif %}
    path("ws/echo/", EchoConsumer.as_asgi()),
    re_path("", unknown_path),  # last: what nobody above answers
]

application = Drain(
    TrustedProxies(
        ProtocolTypeRouter(
            {
{% if cookiecutter.starter == 'chat' %}
                "http": Readiness(StaticFiles(get_asgi_application())),
                "websocket": OriginCheck(
                    SocketLimits(SessionMiddlewareStack(Login(URLRouter(websocket_urlpatterns))))
                ),
{% else %}
                "http": StaticFiles(get_asgi_application()),
                "websocket": OriginCheck(
                    SocketLimits(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))
                ),
{% endif %}
                "lifespan": lifespan,
            }
        )
    )
)
server.install_drain()
