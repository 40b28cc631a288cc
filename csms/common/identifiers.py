"""Identifiers that sort by time and say nothing about volume."""

import uuid

import uuid_utils.compat


def uuid7() -> uuid.UUID:
    """A UUID version 7 (RFC 9562): milliseconds first, so that indexes stay compact."""
    return uuid_utils.compat.uuid7()
