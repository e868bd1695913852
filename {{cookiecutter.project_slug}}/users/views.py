"""Sign up, and Django's views where this project adds something to them.

https://docs.djangoproject.com/en/stable/topics/auth/default/#all-authentication-views
"""

from django.conf import settings
from django.contrib.auth import login
from django.contrib.auth.views import PasswordChangeView, PasswordResetView
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import resolve_url
from django.views.generic import FormView

from realtime.sessions import broadcast_renewal
from serving.throttle import Throttle
from users.forms import PasswordResetForm, SignUpForm

SIGN_UPS = Throttle("SIGN_UPS_PER_HOUR", seconds=3600)
PASSWORD_RESETS = Throttle("PASSWORD_RESETS_PER_HOUR", seconds=3600)


class SignUp(FormView):
    form_class = SignUpForm
    template_name = "users/signup.html"

    def post(self, request, *args, **kwargs) -> HttpResponse:
        return SIGN_UPS.refuse(request) or super().post(request, *args, **kwargs)

    def form_valid(self, form) -> HttpResponse:
        login(self.request, form.save())
        return super().form_valid(form)

    def get_success_url(self) -> str:
        return resolve_url(settings.LOGIN_REDIRECT_URL)


class PasswordChange(PasswordChangeView):
    """Django's view, after which this browser's sockets come back and all others end."""

    template_name = "users/password_change.html"

    def form_valid(self, form) -> HttpResponse:
        with transaction.atomic():
            broadcast_renewal(self.request)
            return super().form_valid(form)


class PasswordReset(PasswordResetView):
    """Django's view, with a limit. Its answer does not tell whether an address has an account."""

    form_class = PasswordResetForm
    template_name = "users/password_reset.html"
    subject_template_name = "users/password_reset_subject.txt"
    email_template_name = "users/password_reset_email.txt"

    def post(self, request, *args, **kwargs) -> HttpResponse:
        return PASSWORD_RESETS.refuse(request) or super().post(request, *args, **kwargs)
