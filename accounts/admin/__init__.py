"""Operators, people, keys and tokens in the console."""

from django.contrib import admin
from django.contrib.auth.models import Group

from accounts.admin import access, keys, operators, personal_data, tokens, users, verifications

# What roles may do stands in `accounts.domain.permissions`; groups would change nothing.
admin.site.unregister(Group)

__all__ = ["access", "keys", "operators", "personal_data", "tokens", "users", "verifications"]
