"""What a worker tells of itself when it is asked: what it holds, and how its GPU fares."""

from pantile import metrics
from pantile.metrics import Measure, Values
from pantile_workers.gpus import read_gpu
from pantile_workers.runtime import Runtime

_Labelled = dict[tuple[str, ...], float]


def measure_worker(runtime: Runtime) -> Values:
    """The worker's leases, and its GPU once the engine is there and has one."""
    values: dict[Measure, _Labelled] = {
        metrics.LEASES_HELD: {(): float(runtime.leases.count_held())},
        metrics.LONGEST_WORK: {(): runtime.leases.longest_s()},
    }
    return values | _gpu(runtime)


def _gpu(runtime: Runtime) -> dict[Measure, _Labelled]:
    gpu = read_gpu(runtime.gpu_uuid)
    if gpu is None:
        return {}
    measured: dict[Measure, dict[tuple[str, ...], float | None]] = {
        metrics.GPU_BUSY: {(gpu.name,): gpu.busy},
        metrics.GPU_MEMORY: {(gpu.name, "used"): gpu.used_bytes, (gpu.name, "total"): gpu.total_bytes},
        metrics.GPU_WATTS: {(gpu.name,): gpu.watts},
        metrics.GPU_CELSIUS: {(gpu.name,): gpu.celsius},
    }
    return {
        measure: {labels: value for labels, value in values.items() if value is not None}
        for measure, values in measured.items()
    }
