"""How the OpenAPI document names the two ways to sign in; imported by the URLconf."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension

from accounts.api.authentication import ApiKeyAuthentication, JwtAuthentication
from csms.common.api.schema import API_KEY, BEARER


class ApiKeyScheme(OpenApiAuthenticationExtension):
    target_class = ApiKeyAuthentication
    name = API_KEY

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "apiKey", "in": "header", "name": "X-Api-Key"}


class BearerScheme(OpenApiAuthenticationExtension):
    target_class = JwtAuthentication
    name = BEARER

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
