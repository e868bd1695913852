# Development starts a PostgreSQL of its own where DATABASE_URL is not set.
# https://docs.djangoproject.com/en/stable/ref/databases/#postgresql-notes

database: dict = env.postgresql("DATABASE_URL", "" if DEBUG else ...) or {
    "ENGINE": "serving.embedded_postgres",
    "HOST": str(BASE_DIR / ".postgres"),
    "NAME": "postgres",
}
query = database.pop("OPTIONS", {})  # of DATABASE_URL: it wins over what stands here
DATABASES = {
    "default": {
        **database,
        # A peer may vanish without a word. These are limits on how long we wait for the
        # server, and on how long the server keeps the locks of a process that is gone.
        "OPTIONS": {
            "connect_timeout": 5,  # seconds
            "tcp_user_timeout": 10_000,  # milliseconds for what was sent to arrive
            "keepalives_idle": 10,  # seconds of silence before a probe
            "keepalives_interval": 5,  # seconds between probes
            "keepalives_count": 3,  # probes without an answer
            **query,
            "options": "-c lock_timeout=5s -c idle_in_transaction_session_timeout=10s"
            f" -c tcp_user_timeout=10s {query.get('options', '')}",
        },
    },
}
