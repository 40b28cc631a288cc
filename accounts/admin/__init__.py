"""Operators, people, keys and tokens in the console."""

from django.contrib import admin
from django.contrib.auth.models import Group
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.admin import keys, operators, tokens, users

# Their own admins show the secrets of everybody's second factor; a new one is made at the user.
admin.site.unregister([TOTPDevice, StaticDevice])
# What roles may do stands in `accounts.domain.permissions`; groups would change nothing.
admin.site.unregister(Group)

__all__ = ["keys", "operators", "tokens", "users"]
