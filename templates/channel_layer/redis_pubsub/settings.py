# Development has a Valkey of its own, which runserver starts: see serving.embedded_redis.
REDIS_URL = env.redis_url("REDIS_URL", f"unix://{SERVICES_DIR}/valkey.sock" if DEBUG else ...)

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "serving.layers.RedisPubSubChannelLayer",
        "CONFIG": {
            "prefix": "{{ cookiecutter.project_slug }}",
            "hosts": [
                {
                    "address": REDIS_URL,
                    "socket_timeout": 30,
                    "socket_connect_timeout": 5,
                    "health_check_interval": 30,
                }
            ],
        },
    },
}
