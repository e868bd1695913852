{% include 'consumer_style/' ~ cookiecutter.consumer_style ~ '/echo_consumers.py' %}
