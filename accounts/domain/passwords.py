"""How a password is compared: in one Unicode form, whichever keyboard it was typed on."""

import unicodedata

# Argon2 would take more; nobody types more, and each byte of it is work that strangers can ask for.
LONGEST_PASSWORD = 256


def normalized(password: str) -> str:
    """NFKC, as NIST SP 800-63B (5.1.1.2) and RFC 8265 ask for."""
    return unicodedata.normalize("NFKC", password)
