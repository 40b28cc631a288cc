"""What a new member of staff needs to sign in, as text."""

from urllib.parse import parse_qs, urlsplit

from django.core.management.base import OutputWrapper

from accounts.models import User
from accounts.services.staff import create_backup_codes


def print_second_factor(user: User, uri: str, out: OutputWrapper) -> None:
    """The authenticator's address and secret, and new backup codes."""
    secret = parse_qs(urlsplit(uri).query)["secret"][0]
    out.write(f"Authenticator: {uri}")
    out.write(f"Secret: {secret}")
    out.write(f"Backup codes: {' '.join(create_backup_codes(user))}")
