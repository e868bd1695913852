{% include 'asgi_server/' ~ cookiecutter.asgi_server ~ '/server.py' %}
