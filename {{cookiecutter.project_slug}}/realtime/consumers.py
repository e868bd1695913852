{% include 'realtime_consumers/' ~ cookiecutter.consumer_style ~ '.py' %}
