"""Compares this template's projects with plain Channels, and with no Django at all."""
