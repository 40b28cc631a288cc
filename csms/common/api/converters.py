"""Parts of a path. What does not fit is an unknown route: 404."""

from django.urls import register_converter


class IdentityConverter:
    """An OCPP identity: printable, no slash, at most 48 characters."""

    regex = r"[\x20-\x2e\x30-\x7e]{1,48}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


class KeyConverter:
    """A row's number, as large as a database counts."""

    regex = r"[1-9][0-9]{0,17}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(KeyConverter, "key")
register_converter(IdentityConverter, "identity")
