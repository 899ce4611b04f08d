import secrets

import pytest

from pantile.domain.access import (
    SECRET_BYTES,
    Role,
    Scope,
    Visitor,
    as_account_name,
    check_account_name,
    check_password,
    check_token_name,
    digest_of,
    highest_role,
    is_token,
    make_token,
    network_of,
    scopes_of,
    token_hint,
    with_implied,
)
from pantile.domain.errors import AccountRefused, PasswordRefused, TokenRefused


def test_a_token_is_recognised_and_nothing_like_it() -> None:
    token = make_token(secrets.token_bytes(SECRET_BYTES))

    assert is_token(token)
    assert not any(map(is_token, (token[:-1], token + "A", token + "\n", token.removeprefix("ptl_"), "", "ptl_")))


def test_two_secrets_make_two_tokens_and_two_digests() -> None:
    one, other = make_token(bytes(SECRET_BYTES)), make_token(bytes(SECRET_BYTES - 1) + b"\x01")

    assert one != other
    assert digest_of(one) != digest_of(other)
    assert len(digest_of(one)) == 64


def test_a_hint_leaves_most_of_the_secret_out() -> None:
    token = make_token(secrets.token_bytes(SECRET_BYTES))

    assert token.startswith(token_hint(token))
    assert len(token) - len(token_hint(token)) >= 38


def test_submitting_and_operating_bring_reading_and_not_each_other() -> None:
    assert with_implied([Scope.SUBMIT]) == {Scope.SUBMIT, Scope.READ}
    assert with_implied([Scope.OPERATE]) == {Scope.OPERATE, Scope.READ}
    assert with_implied([Scope.ADMIN]) == set(Scope)


def test_raters_and_adjudicators_are_blinded() -> None:
    assert scopes_of(Role.RATER) == scopes_of(Role.ADJUDICATOR) == scopes_of(None) == set()
    assert scopes_of(Role.VIEWER, is_blinded=True) == set()


def test_only_admins_administer_and_viewers_only_read() -> None:
    assert [role for role in Role if Scope.ADMIN in scopes_of(role)] == [Role.ADMIN]
    assert scopes_of(Role.VIEWER) == {Scope.READ}


def test_the_most_powerful_of_several_roles_counts() -> None:
    assert highest_role([Role.VIEWER, Role.OPERATOR, Role.RATER]) is Role.OPERATOR
    assert highest_role([]) is None


def test_the_audit_log_names_account_and_token() -> None:
    session = Visitor(scopes=frozenset(), account="jane", account_id=1, session_id=5)
    token = Visitor(scopes=frozenset(), token_id=7, token="nightly")
    own_token = Visitor(scopes=frozenset(), account="jane", account_id=1, token_id=7, token="nightly")

    assert [each.actor for each in (session, token, own_token)] == [
        "jane",
        "token 7 (nightly)",
        "jane, token 7 (nightly)",
    ]


@pytest.mark.parametrize("password", ["", "eleven char", "x" * 1001])
def test_a_password_too_short_or_too_long_is_refused(password: str) -> None:
    with pytest.raises(PasswordRefused, match=r"12 characters at least|1000 characters at most"):
        check_password(password)


@pytest.mark.parametrize("password", ["aaaaaaaaaaaa", "correct horse battery", "ÄÖÜäöüß ÄÖÜäöü"])
def test_nothing_but_its_length_is_asked_of_a_password(password: str) -> None:
    check_password(password)


@pytest.mark.parametrize("name", ["", "Jane", "-jane", "a b", "jane\n", "x" * 101, "../x", "jane\u202e"])
def test_a_name_that_cannot_be_an_accounts_is_refused(name: str) -> None:
    with pytest.raises(AccountRefused):
        check_account_name(name)


@pytest.mark.parametrize("text", ["Jane Doe", "jane@example.org", "", "…", "x" * 500, "Österreich"])
def test_any_text_leads_to_an_account_name(text: str) -> None:
    check_account_name(as_account_name(text))


@pytest.mark.parametrize("name", ["", "   ", "a\nb", "x" * 101])
def test_a_token_needs_a_name_that_can_be_printed(name: str) -> None:
    with pytest.raises(TokenRefused):
        check_token_name(name)


def test_a_customer_of_ipv6_is_one_network_and_an_ipv4_address_is_one() -> None:
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff") != network_of("2001:db8:0:1::1")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1")
    assert network_of("no address") == "no address"
