"""Writes a trained model as ONNX with readable names, and checks it against PyTorch."""

import os
import re

import numpy as np
import onnx
import onnxruntime
import torch

from data import SIZE


def named(graph):
    """Gives each MatMul weight its module's name back: the exporter transposes it and calls it onnx::MatMul_582."""
    names = {}
    for node in graph.node:
        for value in node.input:
            if value.startswith("onnx::"):
                module = re.sub(r"/[^/]+$", "", node.name).strip("/").replace("/", ".")
                names[value] = f"{module}.weight"
    for node in graph.node:
        for i, value in enumerate(node.input):
            node.input[i] = names.get(value, value)
    for initializer in graph.initializer:
        initializer.name = names.get(initializer.name, initializer.name)


def export(model, path):
    """Exports to path by way of a temporary file, so that nobody reads half a model; returns the largest difference."""
    model.eval()
    example = torch.rand(4, 3, SIZE, SIZE) * 2 - 1
    part = f"{path}.part"
    axes = {"input": {0: "N"}, "logits": {0: "N"}}
    torch.onnx.export(model, example[:2], part, opset_version=17, input_names=["input"], output_names=["logits"],
                      dynamic_axes=axes, dynamo=False)
    proto = onnx.load(part)
    named(proto.graph)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, part)
    session = onnxruntime.InferenceSession(part, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected = model(example).numpy()
    difference = float(np.abs(session.run(None, {"input": example.numpy()})[0] - expected).max())
    os.replace(part, path)
    return difference
