{% include 'check_tests/' ~ cookiecutter.channel_layer ~ '.py' %}
