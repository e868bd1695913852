"""The path of a request through the project, from the server to the view or consumer."""

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
from realtime.readiness import layer_is_ready
{% if cookiecutter.starter == 'chat' %}
from realtime.sessions import LoginMiddleware
{% endif %}
from serving import server
from serving.asgi import lifespan, unknown_path
from serving.connections import ConnectionTracker
from serving.limits import SocketLimits
from serving.middleware import OriginCheck, TrustedProxies
from serving.readiness import Readiness, database_is_ready
from serving.staticfiles import StaticFiles

websocket_urlpatterns = [
{% if cookiecutter.starter == 'chat' %}
    path("ws/chat/<slug:slug>/", ChatConsumer.as_asgi()),
{% endif %}
    path("ws/echo/", EchoConsumer.as_asgi()),
    re_path("", unknown_path),  # last: any other path
]

# The probes of /ready/, by the names in its answer.
probes = {"channel layer": layer_is_ready, "database": database_is_ready}

application = ConnectionTracker(
    TrustedProxies(
        ProtocolTypeRouter(
            {
                "http": Readiness(StaticFiles(get_asgi_application()), probes),
{% if cookiecutter.starter == 'chat' %}
                "websocket": OriginCheck(
                    SocketLimits(
                        SessionMiddlewareStack(LoginMiddleware(URLRouter(websocket_urlpatterns)))
                    )
                ),
{% else %}
                "websocket": OriginCheck(
                    SocketLimits(AuthMiddlewareStack(URLRouter(websocket_urlpatterns)))
                ),
{% endif %}
                "lifespan": lifespan,
            }
        )
    )
)
server.patch_server()
