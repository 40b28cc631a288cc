import pytest

from accounts.models import User


@pytest.mark.django_db
def test_a_superuser_may_do_everything() -> None:
    user = User.objects.create_superuser("root@example.com", "a-long-password")
    assert user.has_perm("chargepoints.delete_station")
