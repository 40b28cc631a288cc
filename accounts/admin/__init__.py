"""Operators, people, keys and tokens in the console."""

from django.contrib import admin
from django.contrib.auth.models import Group

from accounts.admin import keys, operators, tokens, users

# What roles may do stands in `accounts.domain.permissions`; groups would change nothing.
admin.site.unregister(Group)

__all__ = ["keys", "operators", "tokens", "users"]
