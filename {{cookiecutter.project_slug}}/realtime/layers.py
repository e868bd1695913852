{% include 'layer_classes/' ~ cookiecutter.channel_layer ~ '.py' %}
