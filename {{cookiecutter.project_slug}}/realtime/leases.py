{% include 'leases/' ~ cookiecutter.channel_layer ~ '.py' %}
