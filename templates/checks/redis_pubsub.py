"""System checks for mistakes that real-time projects make and nothing else reports."""

from django.conf import settings
from django.core.checks import Warning, register


{% include 'checks/origins.py' %}
