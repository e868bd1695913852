from typing import Any

from django import forms
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import UserCreationForm
from django.core.exceptions import ValidationError

from chat.text import has_visible

User: Any = get_user_model()


class MessageForm(forms.Form):
    text = forms.CharField(max_length=settings.CHAT_TEXT_LENGTH, strip=False)
    id = forms.UUIDField(required=False, help_text="the same again is the same message")


class SignUpForm(UserCreationForm):
    """Django's form, for the user model that AUTH_USER_MODEL names."""

    class Meta(UserCreationForm.Meta):
        model = User
        fields = (
            User.USERNAME_FIELD,
            *(name for name in User.REQUIRED_FIELDS if not User._meta.get_field(name).blank),
        )

    def clean(self) -> dict:
        cleaned = super().clean() or self.cleaned_data
        if not has_visible(str(cleaned.get(User.USERNAME_FIELD, "x"))):
            raise ValidationError({User.USERNAME_FIELD: "Choose a name that can be seen."})
        return cleaned
