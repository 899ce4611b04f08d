from pathlib import Path

import pytest
from typer.testing import CliRunner

from pantile.cli.app import app
from pantile.domain.access import Role
from pantile.settings import Settings


@pytest.fixture
def secrets_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of secrets as Docker and Kubernetes mount them."""
    (tmp_path / "pantile_s3_secret_key").write_text("from a file\n")
    (tmp_path / "pantile_database_url").write_text("postgresql://from-a-file")
    monkeypatch.setenv("PANTILE_SECRETS_DIR", str(tmp_path))
    monkeypatch.delenv("PANTILE_DATABASE_URL", raising=False)
    return tmp_path


def test_secrets_are_read_from_files_named_after_the_setting(secrets_dir: Path) -> None:
    settings = Settings()

    assert settings.s3_secret_key.get_secret_value() == "from a file"
    assert settings.database_url.get_secret_value() == "postgresql://from-a-file"
    assert settings.secrets_dir == secrets_dir


def test_the_environment_wins_over_files(secrets_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTILE_S3_SECRET_KEY", "from the environment")

    assert Settings().s3_secret_key.get_secret_value() == "from the environment"


def test_roles_by_group_are_read_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PANTILE_OIDC_ROLES", '{"staff": "viewer"}')

    assert Settings().oidc_roles == {"staff": Role.VIEWER}


def test_pantile_settings_shows_no_secret_and_where_each_value_is_from(
    secrets_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = ("API_TOKEN", "FLOWER_PASSWORD", "OIDC_CLIENT_SECRET", "S3_ACCESS_KEY", "BROKER_URL")
    for name in secret:
        monkeypatch.setenv(f"PANTILE_{name}", f"hush-{name}")
    monkeypatch.setenv("PANTILE_API_URL", "http://127.0.0.1:1")

    shown = CliRunner().invoke(app, ["settings"]).output

    rows = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.startswith("PANTILE_")}
    assert "hush" not in shown
    assert "from a file" not in shown
    assert all(rows[f"PANTILE_{name}"] == ["(hidden)", "environment"] for name in secret)
    assert rows["PANTILE_S3_SECRET_KEY"] == ["(hidden)", "file"]
