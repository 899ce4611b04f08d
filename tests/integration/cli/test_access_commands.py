"""Tokens, accounts and the audit log from the command line, and what commands say without a valid token."""

import io
from collections.abc import Callable

import httpx
import pytest

from pantile.catalog.database import Database
from pantile.cli.app import main
from pantile.domain.access import is_token
from pantile.settings import Settings

Pantile = Callable[..., int]


@pytest.fixture
def pantile(web_url: str, monkeypatch: pytest.MonkeyPatch, quiet_service: None) -> Pantile:
    """`pantile …` as a user types it; gives its exit code."""
    monkeypatch.setenv("PANTILE_API_URL", web_url)

    def run(*arguments: str, stdin: str = "") -> int:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert isinstance(ended.value.code, int)
        return ended.value.code

    return run


def test_a_token_is_made_alone_on_standard_output_listed_and_revoked(
    pantile: Pantile, web_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pantile("tokens", "create", "nightly", "--scope", "submit", "--days", "7") == 0
    token = capsys.readouterr().out.strip()
    headers = {"Authorization": f"Bearer {token}"}
    assert is_token(token)
    assert httpx.get(f"{web_url}/v1/jobs", headers=headers).status_code == 200

    assert pantile("tokens", "list") == 0
    listed = capsys.readouterr().out
    assert "nightly" in listed
    assert token not in listed

    assert pantile("tokens", "revoke", "2") == 0
    assert capsys.readouterr().out == "Token 2 (nightly) is revoked.\n"
    assert httpx.get(f"{web_url}/v1/jobs", headers=headers).status_code == 401
    pantile("tokens", "list")
    assert "revoked on" in capsys.readouterr().out


def test_an_account_is_made_with_a_password_from_standard_input_and_changed(
    pantile: Pantile, capsys: pytest.CaptureFixture[str]
) -> None:
    assert pantile("accounts", "create", "rita", "--role", "rater", stdin="correct horse battery\n") == 0
    assert pantile("accounts", "set-role", "rita", "viewer") == 0
    assert pantile("accounts", "set-password", "rita", stdin="another horse\n") == 0
    assert pantile("accounts", "disable", "rita") == 0
    said = capsys.readouterr().out
    assert pantile("accounts", "list") == 0

    assert "rita may sign in at http://127.0.0.1" in said
    assert "rita is viewer now." in said
    assert "rita has a new password; its sessions have ended." in said
    assert "`pantile accounts enable rita` lets it in again" in said
    assert capsys.readouterr().out.splitlines()[1].split()[:6] == [
        "rita",
        "viewer",
        "with",
        "a",
        "password",
        "disabled",
    ]


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["accounts", "create", "rita", "--role", "rater"], "short\n", "12 characters at least"),
        (["accounts", "create", "Rita B", "--role", "rater"], "x" * 12, "is no account name"),
        (["accounts", "set-role", "nobody", "viewer"], "", "There is no such account: nobody"),
        (["tokens", "revoke", "99"], "", "There is no such token: 99"),
        (["tokens", "create", "t", "--scope", "read", "--account", "nobody"], "", "There is no such account: nobody"),
        (["tokens", "create", " ", "--scope", "read"], "", "printable characters"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    pantile: Pantile, capsys: pytest.CaptureFixture[str], arguments: list[str], stdin: str, said: str
) -> None:
    assert pantile(*arguments, stdin=stdin) == 2
    assert said in capsys.readouterr().err


def test_the_audit_log_says_who_did_what(pantile: Pantile, capsys: pytest.CaptureFixture[str]) -> None:
    pantile("tokens", "create", "nightly", "--scope", "read")
    capsys.readouterr()

    assert pantile("audit", "--actor", "token 1 (embedded stack)") == 0

    said = capsys.readouterr().out
    assert "token 1 (embedded stack)" in said
    assert "create" in said
    assert "token 2" in said
    assert pantile("audit", "--json", "--limit", "1") == 0
    assert '"action":"create"' in capsys.readouterr().out


@pytest.mark.parametrize(
    ("token", "said"),
    [
        ("", "This needs an API token, or a sign-in. Name a valid token in PANTILE_API_TOKEN"),
        (f"ptl_{'A' * 43}", "the token that was sent is not known here. Name a valid token in PANTILE_API_TOKEN"),
        ("ptl_cut", "What was given as API token is none"),
        ("naïve\n", "What was given as API token is none"),
    ],
)
def test_without_a_valid_token_a_sentence_says_what_to_do(
    pantile: Pantile, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, token: str, said: str
) -> None:
    monkeypatch.setenv("PANTILE_API_TOKEN", token)

    assert pantile("cohorts", "list") == 2

    complaint = capsys.readouterr().err
    assert said in complaint
    assert complaint.count("\n") == 1
    assert not token or token.strip() not in complaint


def test_an_admin_token_is_made_in_the_database_itself(
    pantile: Pantile,
    settings: Settings,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PANTILE_DATABASE_URL", settings.database_url.get_secret_value())

    assert pantile("database", "admin-token") == 0
    token = capsys.readouterr().out.strip()
    monkeypatch.setenv("PANTILE_API_TOKEN", token)

    assert pantile("tokens", "list") == 0
    with database.transaction() as connection:
        line = connection.execute("SELECT actor, action, subject FROM audit ORDER BY id DESC LIMIT 1").fetchone()
    assert line is not None
    assert line["actor"].startswith("the command line at ")
    assert (line["action"], line["subject"]) == ("create", "token 2")
