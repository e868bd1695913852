{% include 'consumer_style/' ~ cookiecutter.consumer_style ~ '/realtime_consumers.py' %}
