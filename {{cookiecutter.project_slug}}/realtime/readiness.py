{% include 'starter/' ~ cookiecutter.starter ~ '/readiness.py' %}
