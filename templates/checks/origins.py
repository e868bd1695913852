@register("realtime", deploy=True)
def check_origins(app_configs, **kwargs) -> list:
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        Warning(
            'ALLOWED_HOSTS = ["*"] lets pages of any site open WebSockets as your users.',
            hint="Set DJANGO_ALLOWED_HOSTS to the hosts that you serve.",
            id="realtime.W004",
        )
    ]
