{% include 'leases/redis.py' %}
