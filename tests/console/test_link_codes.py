"""Staff make link codes for cards: shown once, for their own operators' cards only."""

import re
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from accounts.domain.link_codes import normal_link_code
from accounts.models import IdToken, User
from accounts.services import id_tokens
from tests.console.conftest import World
from tests.support.factories import make_driver, make_id_token, make_operator

pytestmark = pytest.mark.django_db
PRINTED = re.compile(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}\b")
SignIn = Callable[[User], Client]


@pytest.fixture
def card(world: World) -> IdToken:
    return make_id_token("04CARD01", operator=world.staff.operators.get())


def codes_in(html: str) -> list[str]:
    return [code for code in PRINTED.findall(html) if normal_link_code(code)]


def test_a_code_is_made_after_a_question_and_shown_once(
    world: World, sign_in: SignIn, card: IdToken
) -> None:
    client = sign_in(world.staff)
    url = reverse("admin:accounts_idtoken_make_link_code", args=[card.pk])
    client.get(url)
    card.refresh_from_db()
    assert card.link_code_digest is None, "a link alone must change nothing"
    page = client.post(url)
    assert "no-store" in page["Cache-Control"]
    code = codes_in(page.content.decode())[0]
    driver = make_driver()
    assert id_tokens.link(driver, code, address="127.0.0.1") == card
    change = client.get(reverse("admin:accounts_idtoken_change", args=[card.pk]))
    assert code not in change.content.decode()
    refused = client.post(url, follow=True)
    assert not codes_in(refused.content.decode())


def test_many_codes_for_the_chosen_cards(world: World, sign_in: SignIn, card: IdToken) -> None:
    operator = world.staff.operators.get()
    second = make_id_token("04CARD02", operator=operator)
    taken = make_id_token("04CARD03", operator=operator, user=make_driver())
    foreign = make_id_token("04CARD04", operator=make_operator())
    client = sign_in(world.staff)
    chosen = [str(one.pk) for one in (card, second, taken, foreign)]
    body = {"action": "make_link_codes", "_selected_action": chosen}
    html = client.post(reverse("admin:accounts_idtoken_changelist"), body).content.decode()
    assert "04CARD01" in html
    assert "04CARD04" not in html
    assert len(set(codes_in(html))) == 2
    made = IdToken.objects.filter(link_code_digest__isnull=False)
    assert set(made) == {card, second}


def test_a_card_that_is_linked_meanwhile_costs_no_other_its_code(
    world: World, sign_in: SignIn, card: IdToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = make_id_token("04CARD02", operator=world.staff.operators.get())
    make_link_code = id_tokens.make_link_code

    def linked_meanwhile(token: IdToken, *, actor: User) -> str:
        if token == second:
            IdToken.objects.filter(pk=second.pk).update(user=make_driver())
        return make_link_code(token, actor=actor)

    monkeypatch.setattr(id_tokens, "make_link_code", linked_meanwhile)
    body = {"action": "make_link_codes", "_selected_action": [str(card.pk), str(second.pk)]}
    answer = sign_in(world.staff).post(reverse("admin:accounts_idtoken_changelist"), body)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert len(codes_in(html)) == 1
    assert "04CARD01" in html
    assert "04CARD02" in html, "which one was left out is said"


def test_a_foreign_card_is_not_there(world: World, sign_in: SignIn) -> None:
    foreign = make_id_token("04CARD04", operator=make_operator())
    url = reverse("admin:accounts_idtoken_make_link_code", args=[foreign.pk])
    assert sign_in(world.staff).post(url).status_code == 404
