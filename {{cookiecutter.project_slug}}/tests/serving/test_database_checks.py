{% include 'database/' ~ cookiecutter.database ~ '/test_checks.py' %}
