{% include 'consumer_style/' ~ cookiecutter.consumer_style ~ '/chat_consumers.py' %}
