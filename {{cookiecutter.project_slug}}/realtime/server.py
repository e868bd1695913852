{% include 'servers/' ~ cookiecutter.asgi_server ~ '.py' %}
