{% include 'chat_consumers/' ~ cookiecutter.consumer_style ~ '.py' %}
