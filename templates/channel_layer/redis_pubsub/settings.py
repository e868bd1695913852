REDIS_URL = env.redis_url("REDIS_URL", "" if DEBUG else ...)
if DEBUG and not REDIS_URL:
    from serving import embedded_redis

    REDIS_URL = embedded_redis.url()

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
