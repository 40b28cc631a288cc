"""Tenants, people, keys, id tokens, and what a driver keeps here."""

from accounts.models.consents import ConsentRecord
from accounts.models.console_sessions import ConsoleSession
from accounts.models.external import ExternalIdentity, SpentAssertion
from accounts.models.invitations import StaffInvitation
from accounts.models.keys import ApiKey, RetiredSecret
from accounts.models.login_attempts import LoginAttempt
from accounts.models.operators import Operator
from accounts.models.personal_data import AccountDeletion, DataExport, RetentionRun
from accounts.models.second_factor import Authenticator, BackupCode, BackupCodes
from accounts.models.sign_ins import SignIn
from accounts.models.tokens import IdToken, LinkAttempt
from accounts.models.users import User
from accounts.models.vehicles import Vehicle
from accounts.models.verifications import AccountMessage, Verification

__all__ = [
    "AccountDeletion",
    "AccountMessage",
    "ApiKey",
    "Authenticator",
    "BackupCode",
    "BackupCodes",
    "ConsentRecord",
    "ConsoleSession",
    "DataExport",
    "ExternalIdentity",
    "IdToken",
    "LinkAttempt",
    "LoginAttempt",
    "Operator",
    "RetentionRun",
    "RetiredSecret",
    "SignIn",
    "SpentAssertion",
    "StaffInvitation",
    "User",
    "Vehicle",
    "Verification",
]
