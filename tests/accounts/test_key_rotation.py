from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from accounts.domain.networks import NotANetwork, contains, parse_networks
from accounts.models import ApiKey, RetiredSecret
from accounts.services import keys
from csms.common import clock
from csms.common.audit import SystemActor
from csms.common.errors import Conflict, InvalidInput
from csms.common.models import AuditEntry
from tests.support.factories import make_api_key
from tests.support.threads import in_threads

ACTOR = SystemActor("test")
Freeze = Callable[[datetime], None]


@pytest.fixture
def freeze(monkeypatch: pytest.MonkeyPatch) -> Freeze:
    def at(moment: datetime) -> None:
        monkeypatch.setattr(clock, "now", lambda: moment)

    return at


@pytest.mark.django_db
class TestRotation:
    def test_both_secrets_work_until_the_overlap_is_over(self, freeze: Freeze) -> None:
        start = clock.now()
        freeze(start)
        key, old = make_api_key()
        rotated, new = keys.rotate(key, actor=ACTOR)
        assert (rotated.pk, new[:16]) == (key.pk, old[:16]), "the same key, the same prefix"
        assert new != old
        assert keys.verify(old) == keys.verify(new) == key
        freeze(start + timedelta(hours=24))
        assert keys.verify(old) is None
        assert keys.verify(new) == key
        secret = new.split("_", 2)[2]
        assert secret not in str([*ApiKey.objects.values(), *RetiredSecret.objects.values()])
        assert secret not in str(list(AuditEntry.objects.values()))

    def test_every_rotation_keeps_what_the_one_before_promised(self, freeze: Freeze) -> None:
        start = clock.now()
        freeze(start)
        key, first = make_api_key()
        _key, second = keys.rotate(key, overlap=timedelta(days=7), actor=ACTOR)
        _key, third = keys.rotate(key, overlap=timedelta(hours=1), actor=ACTOR)
        freeze(start + timedelta(hours=2))
        assert [bool(keys.verify(raw)) for raw in (first, second, third)] == [True, False, True]
        freeze(start + timedelta(days=8))
        assert [bool(keys.verify(raw)) for raw in (first, second, third)] == [False, False, True]

    def test_without_an_overlap_the_old_secret_is_void_at_once(self) -> None:
        key, old = make_api_key()
        _key, new = keys.rotate(key, overlap=timedelta(), actor=ACTOR)
        assert keys.verify(old) is None
        assert keys.verify(new)

    def test_an_overlap_can_be_ended_and_a_revoked_key_has_none(self) -> None:
        key, old = make_api_key()
        _key, new = keys.rotate(key, actor=ACTOR)
        assert keys.end_overlap(key, actor=ACTOR) == 1
        assert keys.end_overlap(key, actor=ACTOR) == 0
        assert (keys.verify(old), keys.verify(new)) == (None, key)
        _key, newest = keys.rotate(key, actor=ACTOR)
        keys.revoke(key, actor=ACTOR)
        assert keys.verify(new) is keys.verify(newest) is None
        with pytest.raises(Conflict):
            keys.rotate(key, actor=ACTOR)

    @pytest.mark.parametrize("overlap", [timedelta(seconds=-1), timedelta(days=7, seconds=1)])
    def test_an_overlap_has_its_limits(self, overlap: timedelta) -> None:
        key, raw = make_api_key()
        with pytest.raises(InvalidInput):
            keys.rotate(key, overlap=overlap, actor=ACTOR)
        assert keys.verify(raw)


@pytest.mark.django_db(transaction=True)
def test_rotations_at_once_void_no_secret_that_was_handed_out() -> None:
    key, first = make_api_key()
    made = in_threads(5, lambda _number: keys.rotate(key, actor=ACTOR)[1])
    assert len(set(made)) == 5
    assert all(keys.verify(raw) == key for raw in (first, *made))


@pytest.mark.django_db
class TestNetworks:
    def test_a_key_counts_from_its_networks_only(self) -> None:
        key, raw = keys.create_api_key(
            "partner", ["read"], allowed_networks=["203.0.113.0/24", "2001:db8::/48"]
        )
        for address, is_allowed in (
            ("203.0.113.7", True),
            ("::ffff:203.0.113.7", True),
            ("2001:db8::1", True),
            ("203.0.114.1", False),
            ("2001:db9::1", False),
            ("", False),
            ("not an address", False),
        ):
            assert bool(keys.verify(raw, address=address)) is is_allowed, address
        keys.set_allowed_networks(key, [], actor=ACTOR)
        assert keys.verify(raw, address="203.0.114.1")

    def test_a_refused_use_is_not_noted(self) -> None:
        key, raw = keys.create_api_key("partner", ["read"], allowed_networks=["203.0.113.0/24"])
        assert keys.verify(raw, address="198.51.100.1") is None
        key.refresh_from_db()
        assert key.last_used_at is None

    def test_a_change_is_audited_once(self) -> None:
        key, _raw = make_api_key()
        for _time in range(2):
            keys.set_allowed_networks(key, ["203.0.113.0/24"], actor=ACTOR)
        entry = AuditEntry.objects.get(action="api_key.set_networks")
        assert entry.changes == {"allowed_networks": {"from": [], "to": ["203.0.113.0/24"]}}

    @pytest.mark.parametrize(
        "text", ["203.0.113.0/33", "10.0.0.5/8", "x", "203.0.113", "::/129", "0x7f000001/8"]
    )
    def test_what_is_no_network_is_refused(self, text: str) -> None:
        with pytest.raises(InvalidInput) as refusal:
            keys.create_api_key("partner", ["read"], allowed_networks=[text])
        assert refusal.value.errors[0].field == "allowed_networks"
        with pytest.raises(NotANetwork):
            parse_networks([text])


def test_networks_are_kept_in_one_spelling() -> None:
    assert parse_networks([" 203.0.113.7 ", "", "203.0.113.7/32", "2001:DB8::/48"]) == [
        "203.0.113.7/32",
        "2001:db8::/48",
    ]
    with pytest.raises(NotANetwork):
        parse_networks(f"10.0.{number}.0/24" for number in range(51))
    assert not contains([], "203.0.113.7")
