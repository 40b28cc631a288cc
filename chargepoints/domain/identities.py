"""OCPP identities and versions as people write them."""

import re

MAX_IDENTITY_LENGTH = 48
VERSIONS = ("ocpp1.6", "ocpp2.0.1", "ocpp2.1")
_SPELLINGS = {
    "1.6": "ocpp1.6",
    "1.6j": "ocpp1.6",
    "2.0.1": "ocpp2.0.1",
    "2.1": "ocpp2.1",
}
_SEPARATORS = re.compile(r"[|;,\s]+")


def identity_problem(identity: str) -> str:
    """Why `identity` cannot be an OCPP identity, or an empty string.

    It stands in the path of a URL: printable ASCII, no slash, no space at either end.
    """
    if not identity:
        return "An identity is needed."
    if len(identity) > MAX_IDENTITY_LENGTH:
        return f"An identity has at most {MAX_IDENTITY_LENGTH} characters."
    if not (identity.isascii() and identity.isprintable()) or set(identity) & set("/\\"):
        return "An identity has letters, digits and signs of ASCII only, and no slash."
    if identity != identity.strip():
        return "An identity neither begins nor ends with a space."
    return ""


def parse_versions(text: str) -> list[str]:
    """`1.6|2.0.1`, `ocpp1.6; 1.6J` … as subprotocols, in that order; `ValueError` if unknown."""
    found: list[str] = []
    for word in filter(None, _SEPARATORS.split(text)):
        bare = word.lower().removeprefix("ocpp").lstrip("-_ ")
        version = _SPELLINGS.get(bare)
        if version is None:
            raise ValueError(f"OCPP {word} is not known; choose from {', '.join(VERSIONS)}.")
        if version not in found:
            found.append(version)
    return found
