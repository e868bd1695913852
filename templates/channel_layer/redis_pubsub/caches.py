{% include 'channel_layer/redis/caches.py' %}
