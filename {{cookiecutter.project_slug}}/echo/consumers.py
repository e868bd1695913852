{% include 'consumers/' ~ cookiecutter.consumer_style ~ '.py' %}
