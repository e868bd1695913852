{% include 'checks/' ~ cookiecutter.channel_layer ~ '.py' %}
