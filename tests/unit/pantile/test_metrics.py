"""Metrics are shown where the settings say, and what is measured together is shown, and goes, together."""

import socket
from collections.abc import Iterator

import pytest

from pantile.domain.errors import SettingRefused
from pantile.metrics import REGISTRY, Measure, Measurement, serve_metrics
from pantile.settings import Settings
from tests.shown_metrics import shown

APPLES = Measure(name="test_apples", text="Apples by tree.", labels=("tree",))
PEARS = Measure(name="test_pears", text="Pears.")


@pytest.fixture
def orchard() -> Iterator[Measurement]:
    measurement = Measurement(APPLES, PEARS)
    yield measurement
    REGISTRY.unregister(measurement)


def test_what_was_not_measured_again_is_not_shown_any_longer(orchard: Measurement) -> None:
    orchard.show({APPLES: {("old",): 3.0, ("young",): 1.0}, PEARS: {(): 2.0}})
    orchard.show({APPLES: {("young",): 4.0}})

    assert REGISTRY.get_sample_value("test_apples", {"tree": "young"}) == 4.0
    assert REGISTRY.get_sample_value("test_apples", {"tree": "old"}) is None
    assert REGISTRY.get_sample_value("test_pears") is None


def test_what_is_asked_for_is_measured_each_time(orchard: Measurement) -> None:
    ripe = iter([1.0, 2.0])
    orchard.ask(lambda: {PEARS: {(): next(ripe)}})

    assert [shown("test_pears"), shown("test_pears")] == [1.0, 2.0]


def test_metrics_are_shown_nowhere_unless_a_port_is_named() -> None:
    serve_metrics(Settings(metrics_port=0), service="test")

    assert REGISTRY.get_sample_value("process_start_time_seconds") is None


def test_a_port_that_somebody_has_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingRefused, match=rf"PANTILE_METRICS_PORT.*127\.0\.0\.1:{port}"):
            serve_metrics(Settings(metrics_port=port), service="test")


def test_all_names_are_ours_and_each_says_what_it_is() -> None:
    families = [family for family in REGISTRY.collect() if not family.name.startswith(("process_", "python_"))]

    assert families
    assert all(family.name.startswith("pantile_") and family.documentation for family in families)
