# Development has a Valkey of its own, which runserver starts: see serving.embedded_redis.
REDIS_URL = env.redis_url("REDIS_URL", f"unix://{SERVICES_DIR}/valkey.sock" if DEBUG else ...)

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "serving.layers.RedisChannelLayer",
        "CONFIG": {
            "prefix": "{{ cookiecutter.project_slug }}",
            "hosts": [
                {
                    "address": REDIS_URL,
                    # The layer waits 5 seconds for a message: a shorter or equal limit,
                    # such as redis-py's own, ends every socket that nobody writes to.
                    "socket_timeout": 30,
                    "socket_connect_timeout": 5,
                    "health_check_interval": 30,
                    "max_connections": 50,  # calls that find none free wait
                }
            ],
            "capacity": 2000,  # a channel that is full loses messages
            "group_expiry": 7 * 86400,  # seconds; a socket open for longer leaves its groups
        },
    },
}
