{% include 'channel_layer/' ~ cookiecutter.channel_layer ~ '/layers.py' %}
