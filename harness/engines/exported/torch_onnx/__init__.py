"""PyTorch by way of ONNX: `torch.onnx.export`, by both of its exporters, to ONNX Runtime."""

from __future__ import annotations

import contextlib
import io
import logging
from typing import ClassVar

import onnx
import onnxruntime
import onnxscript
import torch

from harness.adapters import Function, Native, NotSupported
from harness.adapters.torch import Adapter as Torch
from harness.engines.exported.modules import Module
from harness.engines.exported.paths import Path, exported


class Adapter(Path):
    """Mode `dynamo` is the exporter that goes by torch.export, `torchscript` the older one, which traces."""

    source = Torch()
    catalogue = exported(source.catalogue, "torch_onnx", "torch.onnx.export")
    modes = ("dynamo", "torchscript")
    compiling: ClassVar = dict.fromkeys(modes, "export")

    def environment(self, device: str) -> dict[str, str]:
        versions = {"onnx": onnx.__version__, "onnxscript": onnxscript.__version__}
        return super().environment(device) | versions | {"onnxruntime": onnxruntime.__version__}

    def export(self, function: Function, arrays: tuple[Native, ...], mode: str) -> Function:
        model = written(function, arrays, dynamo=mode == "dynamo")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors: what the runtime advises is no answer
        session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        names = [given.name for given in session.get_inputs()]

        def run(*natives: Native) -> Native:
            given = [native.detach().numpy() for native in natives]
            return torch.from_numpy(session.run(None, dict(zip(names, given, strict=True)))[0])

        return run


def written(function: Function, arrays: tuple[Native, ...], *, dynamo: bool) -> bytes:
    """Return the model that an exporter writes. Raises NotSupported with the exporter's words where it refuses."""
    module, said = Module(function).eval(), io.StringIO()
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.CRITICAL)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            if dynamo:
                program = torch.onnx.export(module, arrays, dynamo=True, verbose=False)
                assert program is not None
                return bytes(program.model_proto.SerializeToString())
            file = io.BytesIO()
            torch.onnx.export(module, arrays, file, dynamo=False)
            return file.getvalue()
    except Exception as refusal:
        raise NotSupported(f"torch.onnx.export refuses: {type(refusal).__name__}: {refusal}") from refusal
    finally:
        logging.getLogger("torch.onnx").setLevel(level)
