"""Compares a bundle of `acclimate prepare` with what ONNX Runtime's own quantize_static makes of the same model and frames.

    python quantize_static.py --model vehicles.onnx --bundle ../../demo/assets/vehicles --frames WORK/frames
"""

import argparse
import contextlib
import io
import json
import logging
import pathlib
import tempfile
import time

import numpy as np
import onnx
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

BATCH = 8
# What a model runs in its turn of a round: enough to be timed, little enough that all models meet the same machine.
BATCHES = 8
YARDSTICK = "quantize_static"


def three(text):
    return [float(part) for part in text.split(",")]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True, help="the float model that the bundle was made of")
    parser.add_argument("--bundle", required=True, help="what `acclimate prepare --bits 8` made of it")
    parser.add_argument("--closed", help="the same model quantized by acclimate without being opened, where it is at hand")
    parser.add_argument("--frames", required=True, help="folder that frames.js wrote")
    parser.add_argument("--mean", type=three, default=[0.5] * 3, help="as given to prepare")
    parser.add_argument("--std", type=three, default=[0.5] * 3, help="as given to prepare")
    parser.add_argument("--rounds", type=int, default=31)
    parser.add_argument("--json", help="file for the numbers")
    return parser.parse_args()


class Frames(CalibrationDataReader):
    """The calibration frames, in batches."""

    def __init__(self, name, images):
        self.feeds = iter([{name: images[i : i + BATCH]} for i in range(0, len(images), BATCH)])

    def get_next(self):
        return next(self.feeds, None)


def normalized(pixels, mean, std):
    """The float model's input, planes R, G, B, of a camera's frames, planes G, B, R."""
    rgb = pixels[:, [2, 0, 1]].astype(np.float32) / 255
    return (rgb - np.float32(mean).reshape(1, 3, 1, 1)) / np.float32(std).reshape(1, 3, 1, 1)


def theirs(float_model, images, path, **how):
    """quantize_static, QDQ: activations uint8, weights int8 per channel; after the preparation that it recommends."""
    ready = f"{path}.ready"
    quant_pre_process(float_model, ready)
    name = onnx.load(ready).graph.input[0].name
    with contextlib.redirect_stdout(io.StringIO()):
        quantize_static(ready, path, Frames(name, images), quant_format=QuantFormat.QDQ, per_channel=True,
                        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, **how)
    return path


def shut(path, affine, target):
    """Our graph as one that cannot adapt any more: its parameters a constant, the logits its only output."""
    proto = onnx.load(path)
    graph = proto.graph
    graph.initializer.append(onnx.numpy_helper.from_array(affine, "affine"))
    for values, gone in ((graph.input, lambda name: name == "affine"), (graph.output, lambda name: name != "logits")):
        for value in [value for value in values if gone(value.name)]:
            values.remove(value)
    onnx.save(proto, target)
    return target


def affine_of(bundle, manifest):
    """The source's parameters, from the bundle's arrays."""
    place = manifest["source"]["arrays"]["affine"]
    arrays = np.fromfile(bundle / manifest["source"]["file"], "<f4")
    return arrays[place["offset"] : place["offset"] + int(np.prod(place["shape"]))]


class Runner:
    """A model in a session like every other model's here: one thread, no spinning."""

    def __init__(self, path, affine, normalize):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.inputs = [value.name for value in self.session.get_inputs()]
        self.outputs = [value.name for value in self.session.get_outputs()]
        self.affine, self.normalize = affine, normalize

    def feeds(self, pixels):
        """Feeds for batches of the frames: bytes where the model takes them, else what normalization makes of them."""
        if "pixels" not in self.inputs:
            pixels = self.normalize(pixels)
        batches = [{self.inputs[0]: pixels[i : i + BATCH]} for i in range(0, len(pixels), BATCH)]
        if "affine" in self.inputs:
            for batch in batches:
                batch["affine"] = self.affine
        return batches

    def logits(self, pixels):
        at = self.outputs.index("logits") if "logits" in self.outputs else 0
        return np.concatenate([self.session.run(None, feed)[at] for feed in self.feeds(pixels)])


def timed(runners, pixels, rounds):
    """Milliseconds a frame by model and round; each round takes the models in another order."""
    feeds = {name: runner.feeds(pixels[: BATCH * BATCHES]) for name, runner in runners.items()}
    times = {name: [] for name in runners}
    names = list(runners)
    for turn in range(rounds + 1):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            began = time.perf_counter()
            for feed in feeds[name]:
                runners[name].session.run(None, feed)
            # The first round warms the caches up.
            if turn > 0:
                times[name].append(1e3 * (time.perf_counter() - began) / (BATCH * BATCHES))
    return times


def main():
    args = arguments()
    # quantize_static says of every norm that it cannot be quantized per channel.
    logging.disable(logging.WARNING)
    bundle, frames = pathlib.Path(args.bundle), pathlib.Path(args.frames)
    manifest = json.loads((bundle / "manifest.json").read_text())
    ranges, held_back, images, classes = (np.load(frames / f"{name}.npy") for name in ("ranges", "heldback", "images", "classes"))
    affine = affine_of(bundle, manifest)
    normalize = lambda pixels: normalized(pixels, args.mean, args.std)

    with tempfile.TemporaryDirectory() as folder:
        seen = normalize(ranges)
        products = {"op_types_to_quantize": ["Conv", "MatMul", "Gemm"]}
        percentile = {"calibrate_method": CalibrationMethod.Percentile, "extra_options": {"CalibPercentile": 99.999}}
        ours = bundle / manifest["model"]["file"]
        paths = {
            "float": args.model,
            "acclimate, adaptable": ours,
            "acclimate, shut": shut(ours, affine, f"{folder}/shut.onnx"),
            **({"acclimate, never opened": args.closed} if args.closed else {}),
            YARDSTICK: theirs(args.model, seen, f"{folder}/all.onnx"),
            "quantize_static, products only": theirs(args.model, seen, f"{folder}/products.onnx", **products),
            "quantize_static, percentile": theirs(args.model, seen, f"{folder}/percentile.onnx", **percentile),
        }
        sizes = {name: pathlib.Path(path).stat().st_size for name, path in paths.items()}
        runners = {name: Runner(path, affine, normalize) for name, path in paths.items()}

    expected = {"held back": runners["float"].logits(held_back), "images": runners["float"].logits(images)}
    times = timed(runners, images, args.rounds)
    result = {}
    for name, runner in runners.items():
        near, far = runner.logits(held_back), runner.logits(images)
        result[name] = {
            "accuracy": 100 * float((far.argmax(1) == classes).mean()),
            "agreement": 100 * float((far.argmax(1) == expected["images"].argmax(1)).mean()),
            "error": float(np.abs(far - expected["images"]).max()),
            "mean error": float(np.abs(far - expected["images"]).mean()),
            "held back agreement": 100 * float((near.argmax(1) == expected["held back"].argmax(1)).mean()),
            "held back error": float(np.abs(near - expected["held back"]).max()),
            "ms": float(np.median(times[name])),
            "ratio": [float(value) for value in np.percentile(np.divide(times[name], times[YARDSTICK]), [50, 25, 75])],
            "bytes": sizes[name],
        }
    report, mine = manifest["report"], result["acclimate, adaptable"]
    if abs(mine["held back agreement"] - 100 * report["agreement"]) > 1 or abs(mine["held back error"] - report["maxLogitError"]) > 0.02:
        print("These are not the frames, the normalization or the model of the bundle's own report:", report)

    print(f"ONNX Runtime {onnxruntime.__version__}, one thread, batches of {BATCH}, medians of {args.rounds} rounds in turn;"
          f" {len(images)} images, {len(held_back)} held-back calibration pictures\n")
    heading = ["", "accuracy", "agrees", "logits off by", "at most", "held back:", "at most", "ms a frame", "ratio", "its middle half", "MB"]
    print("{:31} {:>8} {:>8} {:>13} {:>8} {:>10} {:>8} {:>10} {:>6} {:>15} {:>5}".format(*heading))
    for name, row in result.items():
        middle, low, high = row["ratio"]
        print(f"{name:31} {row['accuracy']:6.2f} % {row['agreement']:6.2f} % {row['mean error']:13.4f} {row['error']:8.3f}"
              f" {row['held back agreement']:8.2f} % {row['held back error']:8.3f} {row['ms']:10.3f} {middle:6.2f}"
              f" {f'{low:.2f}–{high:.2f}':>15} {row['bytes'] / 1e6:5.1f}")
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
