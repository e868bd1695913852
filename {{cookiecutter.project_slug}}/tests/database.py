{% include 'database/' ~ cookiecutter.database ~ '/tests_database.py' %}
