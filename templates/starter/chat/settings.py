
# Those of realtime.frame_consumer.
WEBSOCKET_HEARTBEAT_SECONDS = 25  # between the pings of a client
WEBSOCKET_RESTART_SECONDS = 2  # over which clients come back after a restart
WEBSOCKETS_PER_PERSON = 20


# Chat

CHAT_TEXT_LENGTH = 2000  # characters of a message
CHAT_GUESTS_PICK_NAMES = True
NEW_RECIPIENTS_PER_HOUR = 20  # people to whom a user writes for the first time


# Accounts: see users.views. The numbers are limits for each client address.

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "rooms"
LOGOUT_REDIRECT_URL = "rooms"
SIGN_UPS_PER_HOUR = 20
PASSWORD_RESETS_PER_HOUR = 20
PASSWORD_MAILS_PER_HOUR = 5  # to one e-mail address


# Mail, which development prints to the console.
# https://docs.djangoproject.com/en/stable/topics/email/

DEFAULT_FROM_EMAIL = env.sender("DEFAULT_FROM_EMAIL", "webmaster@localhost" if DEBUG else ...)
SMTP = env.smtp("EMAIL_URL", "" if DEBUG else ...) or {}
MAIL_BACKEND = (
    "django.core.mail.backends.smtp.EmailBackend" if SMTP else "users.mail.ConsoleBackend"
)
if django.VERSION >= (6, 1):
    MAILERS = {"default": {"BACKEND": MAIL_BACKEND, "OPTIONS": SMTP}}
else:  # Django 5.2, on Python 3.11
    EMAIL_BACKEND = MAIL_BACKEND
    EMAIL_HOST = SMTP.get("host", "")
    EMAIL_PORT = SMTP.get("port", 0)
    EMAIL_HOST_USER = SMTP.get("username", "")
    EMAIL_HOST_PASSWORD = SMTP.get("password", "")
    EMAIL_USE_TLS = SMTP.get("use_tls", False)
    EMAIL_USE_SSL = SMTP.get("use_ssl", False)
    EMAIL_TIMEOUT = SMTP.get("timeout")
