"""Tenants, people, keys and id tokens."""

from accounts.models.keys import ApiKey
from accounts.models.operators import Operator
from accounts.models.second_factor import Authenticator, BackupCode, BackupCodes
from accounts.models.sign_ins import SignIn
from accounts.models.tokens import IdToken
from accounts.models.users import User

__all__ = [
    "ApiKey",
    "Authenticator",
    "BackupCode",
    "BackupCodes",
    "IdToken",
    "Operator",
    "SignIn",
    "User",
]
