"""What can be set from outside: read once from `PANTILE_*`, at the edge, and passed on as plain values."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


def default_home() -> Path:
    """The folder in which the embedded stack keeps its data when none is named."""
    return Path.home() / ".local" / "share" / "pantile"


class Settings(BaseSettings):
    """Addresses, limits and intervals. Secrets have no default."""

    model_config = SettingsConfigDict(env_prefix="PANTILE_", secrets_dir=None, frozen=True)

    home: Path = Field(default_factory=default_home, description="Folder of the embedded stack.")
    api_url: str = Field("", description="Address of the web service; empty: that of the embedded stack.")

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
    flower_url: str = Field("", description="Where Flower is, for links.")

    max_megapixels: float = Field(400.0, gt=0, description="Largest image taken, in million pixels.")
    max_attempts: int = Field(4, ge=1, description="Charged attempts after which a job fails.")
    lease_s: float = Field(60.0, gt=0, description="How long a claim holds without a heartbeat.")
    reconcile_interval_s: float = Field(15.0, gt=0)
    dispatch_interval_s: float = Field(1.0, gt=0)
    hint_stale_s: float = Field(300.0, gt=0, description="Age at which an unanswered message is sent again.")
    presign_s: int = Field(3600, gt=0, description="How long a presigned address is valid.")

    device: str = Field("auto", description="auto, cpu, cuda or cuda:N.")
    max_image_mib: float = Field(2048.0, gt=0, description="Largest image file taken.")
    fetch_timeout_s: float = Field(60.0, gt=0, description="Patience with http(s) addresses of images.")
    drain_s: float = Field(25.0, gt=0, description="How long a worker told to stop may finish what it holds.")
    worker_threads: int = Field(3, ge=1, description="Tasks at once in one worker process.")
    torch_threads: int = Field(0, ge=0, description="Threads of the network on a CPU; 0: one per core.")
    batch_patches: int = Field(8, ge=1, description="Patches a forward pass.")
    segmenter_cache: int = Field(8, ge=1, description="Segmenters kept loaded.")

    log_format: Literal["console", "json"] = "console"
    log_level: str = "INFO"
