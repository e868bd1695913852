# Reaches the sockets of this one process. For more processes: channels-redis.
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "serving.layers.InMemoryChannelLayer",
        "CONFIG": {"capacity": 2000},  # a channel that is full loses messages silently
    },
}
