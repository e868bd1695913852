from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = _("chat")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from chat import rooms  # noqa: F401  (connects the signals, as realtime.sessions does)
