"""Metrics as they are shown: those of this process, and those at an address."""

import httpx
from prometheus_client.parser import text_string_to_metric_families

from pantile.metrics import REGISTRY

Samples = dict[str, dict[tuple[tuple[str, str], ...], float]]
"""Values by name and by labels, these sorted."""


def shown(name: str, **labels: str) -> float:
    """A sample of this process; 0 where there is none."""
    return REGISTRY.get_sample_value(name, labels) or 0.0


def fetch_metrics(address: str) -> Samples:
    """All samples that an address shows, by name and labels."""
    samples: Samples = {}
    text = httpx.get(address, timeout=10).raise_for_status().text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            samples.setdefault(sample.name, {})[tuple(sorted(sample.labels.items()))] = sample.value
    return samples
