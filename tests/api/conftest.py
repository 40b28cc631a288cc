"""A client that checks every answer against the OpenAPI document."""

from collections.abc import Callable

import pytest
from django.core.cache import cache

from accounts.models import Operator, User
from tests.api.client import ApiClient
from tests.support import factories

NewClient = Callable[..., ApiClient]


@pytest.fixture(autouse=True)
def _fresh_limits() -> None:
    cache.clear()


@pytest.fixture
def operator(db: None) -> Operator:
    return factories.make_operator("bangkok-ev")


@pytest.fixture
def staff(operator: Operator) -> User:
    return factories.make_staff("staff@example.com", operators=[operator])


@pytest.fixture
def anonymous(db: None) -> ApiClient:
    return ApiClient()


@pytest.fixture
def as_staff(staff: User) -> ApiClient:
    return ApiClient.of(staff)


@pytest.fixture
def with_key(operator: Operator) -> ApiClient:
    """A key of the operator with every scope."""
    _row, raw = factories.make_api_key(("read", "gateway", "operate"), operator=operator)
    return ApiClient(HTTP_X_API_KEY=raw)


@pytest.fixture
def driver(db: None) -> User:
    return factories.make_driver("driver@example.com")


@pytest.fixture
def as_driver(driver: User) -> ApiClient:
    return ApiClient.of(driver)


@pytest.fixture
def as_other_driver(db: None) -> ApiClient:
    return ApiClient.of(factories.make_driver("other-driver@example.com"))
