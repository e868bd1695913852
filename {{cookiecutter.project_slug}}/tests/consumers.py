{% include 'consumer_style/' ~ cookiecutter.consumer_style ~ '/tests_consumers.py' %}
