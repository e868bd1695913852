from django import forms
from django.conf import settings


class MessageForm(forms.Form):
    text = forms.CharField(max_length=settings.CHAT_TEXT_LENGTH, strip=False)
    id = forms.UUIDField(required=False, help_text="the same again is the same message")
