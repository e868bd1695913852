{% include 'starter/' ~ cookiecutter.starter ~ '/broadcast.py' %}
