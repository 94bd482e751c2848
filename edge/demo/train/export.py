"""Writes a trained model as ONNX with readable names, and checks it against PyTorch."""

import os
import re

import numpy as np
import onnx
import onnxruntime
import torch

from data import SIZE


def module_of(node):
    """The module a node was exported from: /3/body/body.0/Conv is of 3.body.0."""
    return re.sub(r"([^/]+)/(?=\1\.)", "", node.name).strip("/").rpartition("/")[0].replace("/", ".")


def named(graph):
    """Gives weights their modules' names back: what the exporter transposes or folds it calls onnx::MatMul_582."""
    names = {}
    for node in graph.node:
        for value, role in zip(node.input[1:], ("weight", "bias")):
            if value.startswith("onnx::"):
                names[value] = f"{module_of(node)}.{role}"
    for node in graph.node:
        for i, value in enumerate(node.input):
            node.input[i] = names.get(value, value)
    for initializer in graph.initializer:
        initializer.name = names.get(initializer.name, initializer.name)


def unshared(graph):
    """Gives each node an initializer of its own: the exporter shares equal ones, the other user gets an Identity."""
    constants = {initializer.name: initializer for initializer in graph.initializer}
    for node in [node for node in graph.node if node.op_type == "Identity" and node.input[0] in constants]:
        graph.initializer.add().CopyFrom(constants[node.input[0]])
        graph.initializer[-1].name = node.output[0]
        graph.node.remove(node)


def export(model, path, fold=True):
    """Exports to path by way of a temporary file, so that nobody reads half a model; returns the largest difference.

    A BatchNorm is folded into the convolution before it, or kept as a node of its own, in inference mode.
    """
    model.eval()
    example = torch.rand(4, 3, SIZE, SIZE) * 2 - 1
    part = f"{path}.part"
    axes = {"input": {0: "N"}, "logits": {0: "N"}}
    torch.onnx.export(model, example[:2], part, opset_version=17, input_names=["input"], output_names=["logits"],
                      dynamic_axes=axes, dynamo=False,
                      training=torch.onnx.TrainingMode.EVAL if fold else torch.onnx.TrainingMode.PRESERVE)
    proto = onnx.load(part)
    unshared(proto.graph)
    named(proto.graph)
    onnx.checker.check_model(proto, full_check=True)
    onnx.save(proto, part)
    session = onnxruntime.InferenceSession(part, providers=["CPUExecutionProvider"])
    with torch.no_grad():
        expected = model(example).numpy()
    difference = float(np.abs(session.run(None, {"input": example.numpy()})[0] - expected).max())
    os.replace(part, path)
    return difference
