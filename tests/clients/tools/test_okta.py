"""Okta's own client against the stand-in for Okta."""

import asyncio

import pytest
from okta.client import Client


@pytest.fixture
def okta(standins, monkeypatch):
    # The client wants https, unless it is told so in the environment.
    monkeypatch.setenv("OKTA_TESTING_TESTINGDISABLEHTTPSCHECK", "true")
    here = standins.here["iam"]
    client = Client({"orgUrl": here["url"], "token": here["token"], "rateLimit": {"maxRetries": 0}})

    def call(operation, *given, **named):
        answer = asyncio.run(getattr(client, operation)(*given, **named))
        return answer[0], answer[-1]

    return call


def test_somebody_is_read_suspended_and_let_in_again(standins, okta):
    user, error = okta("get_user", "m.leroy@example.com")
    assert error is None and user.profile.login == "m.leroy@example.com" and user.status == "ACTIVE"
    for operation in ("suspend_user", "unsuspend_user"):
        _, error = okta(operation, user.id)
        assert error is None, error
    _, error = okta("unsuspend_user", user.id)
    assert error.error_code == "E0000001" and error.status == 400
    assert standins.effects("iam") == ["suspend m.leroy@example.com", "unsuspend m.leroy@example.com"]


def test_sessions_end_factors_go_and_passwords_expire(standins, okta):
    user, _ = okta("get_user", "j.durand")
    for operation in ("revoke_user_sessions", "reset_factors", "expire_password"):
        _, error = okta(operation, user.id)
        assert error is None, (operation, error)
    shown = next(one for one in standins.state("iam")["users"] if one["login"] == "j.durand@example.com")
    assert (shown["sessions"], shown["factors"], shown["status"]) == (0, 0, "PASSWORD_EXPIRED")


def test_people_are_searched_and_groups_changed(standins, okta):
    found, error = okta("list_users", search='profile.login sw "alice"')
    assert error is None and [user.profile.first_name for user in found] == ["Alice"]
    group, user = "00g4quarantine0000000", found[0].id
    _, error = okta("assign_user_to_group", group, user)
    assert error is None, error
    groups, error = okta("list_user_groups", user)
    assert error is None, error
    _, error = okta("unassign_user_from_group", group, user)
    assert error is None, error
    assert standins.effects("iam") == ["add alice@example.com to Quarantine", "remove alice@example.com from Quarantine"]


def test_nobody_by_that_name_is_an_error_of_oktas(okta):
    _, error = okta("get_user", "nobody")
    assert (error.status, error.error_code) == (404, "E0000007")
