import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django import forms
from django.contrib.auth import forms as auth_forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.db import connections
from django.urls import get_script_prefix, set_script_prefix
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _

from realtime.text import has_visible
from serving.throttle import Throttle

logger = logging.getLogger(__name__)

User: Any = get_user_model()
EMAIL: str = User.get_email_field_name()

MAILS = Throttle("PASSWORD_MAILS_PER_HOUR", seconds=3600)

# One mail at a time. Python sends those that are left before it exits.
mailer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="mail")


class SignUpForm(auth_forms.UserCreationForm):
    """Django's form, which also asks for the user model's REQUIRED_FIELDS: an e-mail address.

    Several accounts may have the same address. Nothing verifies it, so a unique address
    could be taken by somebody else, and the form would tell which addresses have accounts.
    """

    class Meta(auth_forms.UserCreationForm.Meta):
        model = User
        fields = (User.USERNAME_FIELD, *User.REQUIRED_FIELDS)
        widgets = {EMAIL: forms.EmailInput({"autocomplete": "email"})}
        help_texts = {EMAIL: _("A forgotten password is reset by a mail to this address.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in User.REQUIRED_FIELDS:
            self.fields[name].required = True

    def clean(self) -> dict:
        cleaned = super().clean() or self.cleaned_data
        if not has_visible(str(cleaned.get(User.USERNAME_FIELD, "x"))):
            raise ValidationError({User.USERNAME_FIELD: _("Choose a name that can be seen.")})
        return cleaned


class PasswordResetForm(auth_forms.PasswordResetForm):
    """Django's form, which looks for accounts and sends mails in a thread.

    So the answer takes as long for an address without an account, as Django advises:
    https://docs.djangoproject.com/en/stable/topics/auth/default/#all-authentication-views
    """

    def save(self, *args: Any, **options: Any) -> None:
        mailer.submit(self._send, get_script_prefix(), get_language(), *args, **options)

    def _send(self, prefix: str, language: str | None, *args: Any, **options: Any) -> None:
        set_script_prefix(prefix)  # for the link in the mail; each thread has its own
        try:
            with override(language):  # the same holds for the language
                super().save(*args, **options)
        except Exception:  # nothing else reports what happens in this thread
            logger.exception("Sent no mail to reset a password")
        finally:
            connections.close_all()  # those of this thread

    def get_users(self, email: str) -> Iterator:
        """Return the users to whom a mail is sent: as Django does, within the hour's limit."""
        return (user for user in super().get_users(email) if not MAILS.is_over(email.casefold()))
