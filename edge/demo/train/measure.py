"""Accuracy of the exported, frozen model on each stretch of weather of the demo's clip.

    python measure.py --model vehicles.onnx --clip ../assets/road.mp4
"""

import argparse
import json
import pathlib
import subprocess

import numpy as np
import onnxruntime

from data import SIZE


def region(clip, box):
    """The clip's region in every frame, as ffmpeg scales it: uint8 [N,3,SIZE,SIZE]."""
    x, y, width, height = box
    filters = f"crop={width}:{height}:{x}:{y},scale={SIZE}:{SIZE}"
    command = ["ffmpeg", "-v", "error", "-i", clip, "-vf", filters, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    raw = subprocess.run(command, check=True, capture_output=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, SIZE, SIZE, 3).transpose(0, 3, 1, 2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--clip", required=True, help="the video; its labels lie beside it as NAME.labels.json")
    args = parser.parse_args()
    truth = json.loads(pathlib.Path(args.clip).with_suffix(".labels.json").read_text())
    pixels = region(args.clip, truth["region"])
    if len(pixels) != len(truth["frames"]):
        raise SystemExit(f"{len(pixels)} frames decoded, {len(truth['frames'])} labelled")
    session = onnxruntime.InferenceSession(args.model, providers=["CPUExecutionProvider"])
    parts = [pixels[i : i + 256].astype(np.float32) / 127.5 - 1 for i in range(0, len(pixels), 256)]
    predicted = np.concatenate([session.run(None, {"input": part})[0] for part in parts]).argmax(1)
    for stretch in truth["stretches"]:
        frames = [i for i in range(stretch["from"], stretch["to"]) if truth["frames"][i]]
        right = [truth["labels"][predicted[i]] == truth["frames"][i] for i in frames]
        print(f"{stretch['weather']:6} {100 * np.mean(right):5.1f} % of {len(frames)} labelled frames")


if __name__ == "__main__":
    main()
