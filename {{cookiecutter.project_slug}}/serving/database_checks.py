{% include 'database/' ~ cookiecutter.database ~ '/checks.py' %}
