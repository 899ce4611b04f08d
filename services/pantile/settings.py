"""What can be set from outside: read once from `PANTILE_*`, at the edge, and passed on as plain values."""

import os
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SecretsSettingsSource, SettingsConfigDict

from pantile.domain.access import Role
from pantile.domain.sources import parse_allowed


def default_home() -> Path:
    """The folder in which the embedded stack keeps its data when none is named."""
    return Path.home() / ".local" / "share" / "pantile"


class Settings(BaseSettings):
    """Addresses, limits and intervals. Secrets have no default."""

    model_config = SettingsConfigDict(env_prefix="PANTILE_", frozen=True)

    home: Path = Field(default_factory=default_home, description="Folder of the embedded stack.")
    secrets_dir: Path | None = Field(None, description="Folder of files such as pantile_s3_secret_key, one a setting.")
    api_url: str = Field("", description="Address of the web service; empty: that of the embedded stack.")
    api_token: SecretStr = Field(SecretStr(""), description="ptl_…, for commands; the embedded stack's is known.")

    pseudonym_key: SecretStr = Field(
        SecretStr(""), description="32 characters or more, for commands: by it `--pseudonymise` replaces names."
    )

    database_url: SecretStr = Field(SecretStr(""), description="postgresql://…")
    broker_url: SecretStr = Field(SecretStr(""), description="redis://…")
    s3_endpoint: str = Field("", description="http(s) address of the object store; empty: Amazon's.")
    s3_public_endpoint: str = Field("", description="The address under which clients reach it, if another.")
    s3_region: str = "us-east-1"
    s3_bucket: str = "pantile"
    s3_access_key: SecretStr = SecretStr("")
    s3_secret_key: SecretStr = SecretStr("")

    web_host: str = "127.0.0.1"
    web_port: int = 8800
    web_url: str = Field("", description="The address people use, for links; empty: host and port.")
    trusted_proxies: str = Field("", description="Proxies whose X-Forwarded-For counts, with commas between.")
    flower_url: str = Field("", description="Where Flower is, for links.")
    flower_password: SecretStr = Field(SecretStr(""), description="Flower's, for the user pantile.")

    tile_cache_mib: float = Field(256.0, gt=0, description="What the web service keeps of tiles and class maps.")

    session_idle_s: int = Field(7200, gt=0, description="A session ends after so long without a request.")
    session_longest_s: int = Field(43200, gt=0, description="A session ends so long after the sign-in.")
    oidc_issuer: str = Field("", description="OpenID Connect provider people sign in with; empty: none.")
    oidc_title: str = Field("single sign-on", description="What the sign-in page calls the provider.")
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr = SecretStr("")
    oidc_scopes: str = "openid profile email"
    oidc_role_claim: str = Field("groups", description="The claim with a person's groups; a.b is b within a.")
    oidc_roles: dict[str, Role] = Field(
        {}, description='Roles by group, {"staff": "viewer"}; empty: admins give roles.'
    )

    max_megapixels: float = Field(400.0, gt=0, description="Largest image taken, in million pixels.")
    max_attempts: int = Field(4, ge=1, description="Charged attempts after which a job fails.")
    lease_s: float = Field(60.0, gt=0, description="How long a claim holds without a heartbeat.")
    reconcile_interval_s: float = Field(15.0, gt=0)
    dispatch_interval_s: float = Field(1.0, gt=0)
    most_queued: int = Field(
        100_000, gt=0, description="Messages of one kind in Redis; others wait until there is room."
    )
    hint_stale_s: float = Field(300.0, gt=0, description="Age from which a missing message is sent again.")
    pause_first_jobs: int = Field(50, ge=1, description="A cohort's first jobs, with a limit of their own:")
    pause_first_share: float = Field(0.20, ge=0, le=1, description="the share of them that may fail,")
    pause_share: float = Field(0.05, ge=0, le=1, description="and of all jobs after them, before a cohort is paused.")
    sweep_interval_s: float = Field(3600.0, gt=0, description="How often objects without a row are looked for.")
    sweep_age_s: float = Field(86400.0, gt=0, description="Age at which they are set aside, and again removed.")
    presign_s: int = Field(3600, gt=0, description="How long a presigned address is valid.")

    device: str = Field("auto", description="auto, cpu, cuda or cuda:N.")
    max_image_mib: float = Field(2048.0, gt=0, description="Largest image file taken.")
    fetch_timeout_s: float = Field(60.0, gt=0, description="How long an http(s) address may keep silent.")
    fetch_longest_s: float = Field(900.0, gt=0, description="How long fetching one image may take in all.")
    fetch_allow: str = Field("", description="10.0.0.0/8,host,s3://bucket: fetched from, beyond public addresses.")
    drain_s: float = Field(25.0, gt=0, description="How long a worker told to stop may finish what it holds.")
    job_deadline_s: float = Field(1800.0, gt=0, description="A worker whose work on one job takes longer ends.")
    worker_threads: int = Field(3, ge=1, description="Tasks at once in one worker process.")
    torch_threads: int = Field(0, ge=0, description="Threads of the network on a CPU; 0: one per core.")
    batch_patches: int = Field(0, ge=0, description="Patches a forward pass; 0: as many as suit the device.")
    segmenter_cache: int = Field(8, ge=1, description="Segmenters kept loaded.")

    train_slice_s: float = Field(300.0, gt=0, description="A training is kept, and queued anew, this often.")
    train_folder: str = Field("", description="Folder below which train workers find tissue; empty: anywhere.")

    slide_folder: str = Field("", description="Folder below which imaging workers find slides; empty: anywhere.")
    slide_cache_gib: float = Field(50.0, gt=0, description="Fetched slides kept by an imaging worker.")
    max_slide_gib: float = Field(20.0, gt=0, description="Largest slide file fetched.")

    metrics_host: str = Field("127.0.0.1", description="Address at which each process shows its metrics,")
    metrics_port: int = Field(0, ge=0, le=65535, description="and the port; 0: nowhere.")

    traces_endpoint: str = Field("", description="OTLP/HTTP address to which the coordinator sends traces of jobs.")

    log_format: Literal["console", "json"] = "console"
    log_level: str = "INFO"

    @field_validator("fetch_allow")
    @classmethod
    def _check_sources(cls, text: str) -> str:
        parse_allowed(text)
        return text

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 — pydantic-settings names them
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is given wins over the environment, and that over the files of PANTILE_SECRETS_DIR."""
        folder = os.environ.get("PANTILE_SECRETS_DIR")
        files = [SecretsSettingsSource(settings_cls, secrets_dir=folder)] if folder else []
        return (init_settings, env_settings, *files)
