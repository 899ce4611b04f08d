"""ONNX networks, run by onnxruntime: on the CPU, and on CUDA where the installed onnxruntime has it.

Each is read by our own reader first (`pantile.domain.onnx_files`), so that onnxruntime gets nothing but ONNX's own
operators and never opens a file.
"""

from pathlib import Path

import numpy as np
import onnxruntime
import torch
from onnxruntime.capi import onnxruntime_pybind11_state as refusals
from torch import Tensor
from torch.nn.functional import pad

from pantile.domain.errors import CheckpointRefused, SegmenterBroken
from pantile.domain.onnx_files import OnnxFacts, read_onnx
from pantile.domain.segmenters import Card, check_checkpoint
from pantile.logs import log

LIBRARY = f"onnxruntime {onnxruntime.__version__}"
"""What runs them, with its version."""

_REFUSALS = (
    refusals.Fail,
    refusals.InvalidArgument,
    refusals.InvalidGraph,
    refusals.InvalidProtobuf,
    refusals.NotImplemented,
    refusals.RuntimeException,
)
"""What onnxruntime raises for a network that it cannot run; they have no class in common but Exception."""

_FATAL = 4
"""Of onnxruntime's severities the last."""

_SHOWN = 200
_CUDA = "CUDAExecutionProvider"


class OnnxNetwork:
    """A network in onnxruntime, called as any other; its arithmetic is that of its own graph.

    It takes patches from any device. Where it runs on another, they are copied there and the logits back.
    """

    def __init__(self, session: onnxruntime.InferenceSession, card: Card, facts: OnnxFacts) -> None:
        self._session = session
        self._card = card
        self._facts = facts
        self._device = torch.device("cuda" if _CUDA in session.get_providers() else "cpu")

    def __call__(self, patches: Tensor, /) -> Tensor:
        """The logits of the patches, as many at once as the graph takes.

        Raises:
            SegmenterBroken: onnxruntime cannot run it on them, or it gives another shape than it promised.
            torch.OutOfMemoryError: they do not fit into memory.
        """
        device = patches.device if patches.device.type == self._device.type else self._device
        given = patches.to(device).contiguous()
        parts = [self._run(part) for part in torch.split(given, self._facts.batch_patches or len(given))]
        return torch.cat(parts).to(patches.device) if len(parts) > 1 else parts[0].to(patches.device)

    def _run(self, patches: Tensor) -> Tensor:
        count, _, height, width = patches.shape
        blank = (self._facts.batch_patches or count) - count
        filled = pad(patches, (0, 0, 0, 0, 0, 0, 0, blank)) if blank else patches
        logits = torch.empty((count + blank, self._facts.output_channels, height, width), device=patches.device)
        binding = self._session.io_binding()
        for bind, name, tensor in (
            (binding.bind_input, self._facts.input_name, filled),
            (binding.bind_output, self._facts.output_name, logits),
        ):
            bind(name, tensor.device.type, tensor.device.index or 0, np.float32, list(tensor.shape), tensor.data_ptr())
        if patches.is_cuda:
            # onnxruntime has a stream of its own, and waits for that alone.
            torch.cuda.current_stream(patches.device).synchronize()
        try:
            self._session.run_with_iobinding(binding)
        except RuntimeError as error:
            if "Failed to allocate memory" in str(error):
                raise torch.OutOfMemoryError(str(error)) from error
            raise SegmenterBroken(f"{self._card.name}: onnxruntime cannot run it ({_shorten(error)})") from error
        return logits[:count]


def load_onnx(card: Card, path: Path, device: torch.device) -> OnnxNetwork:
    """The network in an ONNX file, for a device, with as many threads as torch has on the calling thread.

    Raises:
        SegmenterBroken: the file cannot be read, is no network of the card's, or onnxruntime refuses it.
    """
    try:
        content = path.read_bytes()
        facts = read_onnx(content)
        check_checkpoint(
            card,
            sha256=card.checkpoint_sha256,
            output_channels=facts.output_channels,
            patch_px=facts.patch_px,
        )
    except OSError as error:
        raise SegmenterBroken(f"{card.name}: the checkpoint cannot be read ({error.strerror or error})") from error
    except CheckpointRefused as error:
        raise SegmenterBroken(error.detail) from error
    try:
        session = onnxruntime.InferenceSession(content, _options(), providers=_providers(device))
    except _REFUSALS as error:
        raise SegmenterBroken(f"{card.name}: onnxruntime refuses it ({_shorten(error)})") from error
    if device.type == "cuda" and _CUDA not in session.get_providers():
        log.warning("onnxruntime has no CUDA, the network runs on the CPU", segmenter=card.name)
    return OnnxNetwork(session, card, facts)


def _options() -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.use_deterministic_compute = True
    # What it has to say comes as an error, and becomes a sentence.
    options.log_severity_level = _FATAL
    # The bytes of onnxruntime's own format would otherwise be told by what they begin with, and pass unread.
    options.add_session_config_entry("session.load_model_format", "ONNX")
    # Threads that wait in a loop take the processor from decoding and encoding.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _providers(device: torch.device) -> list[str | tuple[str, dict[str, object]]]:
    if device.type != "cuda" or _CUDA not in onnxruntime.get_available_providers():
        return ["CPUExecutionProvider"]
    # float32 all the way, and the same algorithm each time, as the engine has it for torch.
    settings = {"device_id": device.index or 0, "use_tf32": 0, "cudnn_conv_algo_search": "HEURISTIC"}
    return [(_CUDA, settings), "CPUExecutionProvider"]


def _shorten(error: Exception) -> str:
    """The end of onnxruntime's message, which says what is wrong, in one line."""
    words = " ".join(str(error).split())
    return words if len(words) <= _SHOWN else f"… {words[-_SHOWN:].partition(' ')[2]}"
