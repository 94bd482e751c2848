"""Trains the demo's vehicle classifiers: the CNN first, then the ViT that learns from it and the labels."""

import argparse
import copy
import json
import math
import pathlib
import random
import time

import torch
import torch.nn.functional as F

from data import LABELS, augmented, held_back, normalized, read_folder, read_real, tensors
from export import export
from model import Cnn, Vit

BATCH = 64


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--real", required=True, help="zip of real crops, one folder per class")
    parser.add_argument("--rendered", help="folder of rendered crops to train on, as road/crops.js writes it")
    parser.add_argument("--rendered-test", help="folder of rendered crops from another seed, only to measure on")
    parser.add_argument("--holdout", default=str(pathlib.Path(__file__).with_name("holdout.txt")))
    parser.add_argument("--out", required=True, help="folder for the models, the calibration images and the held-back ones")
    parser.add_argument("--cnn-epochs", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=26)
    parser.add_argument("--cnn", help="weights of a CNN trained before; without it one is trained")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


def write_folder(images, folder):
    for name, data in images.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def calibration(sources, per_class=96):
    """Training images for `acclimate prepare`: of each class the same number, drawn equally from each source."""
    draw = random.Random(0)
    chosen = {}
    for label in LABELS:
        for images in sources:
            mine = [name for name in images if name.startswith(f"{label}/")]
            chosen.update({name: images[name] for name in draw.sample(mine, per_class // len(sources))})
    return chosen


@torch.no_grad()
def predict(model, pixels):
    model.eval()
    return torch.cat([model(normalized(part)) for part in pixels.split(256)])


def accuracy(model, pixels, classes):
    return round(100 * (predict(model, pixels).argmax(1) == classes).float().mean().item(), 2)


def schedule(step, total, warm):
    """Linear warm-up, then a cosine down to nothing."""
    return step / warm if step < warm else 0.5 * (1 + math.cos(math.pi * (step - warm) / (total - warm)))


def mixed(x, targets):
    """Blends each image of half the batches with another (mixup), targets too."""
    if random.random() < 0.5:
        return x, targets
    share, order = random.betavariate(0.4, 0.4), torch.randperm(len(x))
    return share * x + (1 - share) * x[order], share * targets + (1 - share) * targets[order]


def loss_of(logits, targets, taught):
    """Cross-entropy to the (smoothed) labels and, with a teacher, divergence from its softened answer."""
    hard = F.cross_entropy(logits, targets, label_smoothing=0.1)
    if taught is None:
        return hard
    heat = 2.0
    soft = F.kl_div(F.log_softmax(logits / heat, 1), F.log_softmax(taught / heat, 1), log_target=True, reduction="batchmean")
    return 0.4 * hard + 0.6 * heat * heat * soft


def fit(model, pixels, classes, epochs, rate, decay, teacher=None, after=lambda average, epoch: None):
    """Trains in place with AdamW and returns the moving average of the weights, which is what generalizes."""
    groups = [{"params": [p for p in model.parameters() if p.ndim > 1], "weight_decay": decay},
              {"params": [p for p in model.parameters() if p.ndim <= 1], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=rate)
    steps = len(pixels) // BATCH
    total, step = epochs * steps, 0
    average = copy.deepcopy(model).eval()
    for epoch in range(1, epochs + 1):
        began, losses = time.time(), 0.0
        model.train()
        for index in torch.randperm(len(pixels))[: steps * BATCH].view(steps, BATCH):
            step += 1
            for group in optimizer.param_groups:
                group["lr"] = rate * schedule(step, total, 2 * steps)
            x, targets = mixed(augmented(pixels[index]), F.one_hot(classes[index], len(LABELS)).float())
            with torch.no_grad():
                taught = None if teacher is None else teacher(x)
            loss = loss_of(model(x), targets, taught)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            losses += loss.item()
            keep = min(0.995, step / (step + 10))
            with torch.no_grad():
                for kept, new in zip(average.state_dict().values(), model.state_dict().values()):
                    kept.lerp_(new, 1 - keep) if kept.is_floating_point() else kept.copy_(new)
        print(f"{type(model).__name__} {epoch}/{epochs} loss {losses / steps:.3f} {time.time() - began:.0f}s", end=" ", flush=True)
        after(average, epoch)
    return average


def main():
    args = arguments()
    torch.manual_seed(args.seed)
    random.seed(args.seed)
    out = pathlib.Path(args.out)
    held = held_back(args.holdout)
    real = read_real(args.real)
    training = {name: data for name, data in real.items() if name not in held}
    holdout = {name: data for name, data in real.items() if name in held}
    rendered = read_folder(args.rendered) if args.rendered else {}
    write_folder(holdout, out / "holdout")
    sources = [images for images in (training, rendered) if images]
    write_folder(calibration(sources), out / "calibration")
    if rendered:
        write_folder(calibration([rendered]), out / "calibration-road")

    parts = [tensors(images) for images in sources]
    pixels, classes = torch.cat([p for p, _ in parts]), torch.cat([c for _, c in parts])
    tests = {"held-back real": tensors(holdout)}
    if args.rendered_test:
        tests["rendered"] = tensors(read_folder(args.rendered_test))
    print(f"{len(pixels)} images to train on, {sum(len(c) for _, c in tests.values())} to measure on", flush=True)

    def report(model, epoch):
        print({name: accuracy(model, *test) for name, test in tests.items()} if epoch % 5 == 0 else "", flush=True)

    def checkpoint(model, epoch):
        report(model, epoch)
        if epoch % 10 == 0:
            export(copy.deepcopy(model), str(out / "vehicles.onnx"))

    def shipped(model, name, **how):
        difference = export(model, str(out / f"{name}.onnx"), **how)
        return {**{test: accuracy(model, *images) for test, images in tests.items()},
                "parameters": sum(p.numel() for p in model.parameters()), "largest difference ONNX - PyTorch": difference}

    cnn = Cnn()
    if args.cnn:
        cnn.load_state_dict(torch.load(args.cnn))
    else:
        cnn = fit(cnn, pixels, classes, args.cnn_epochs, 3e-3, 0.05, after=report)
        torch.save(cnn.state_dict(), out / "cnn.pt")
    vit = fit(Vit(), pixels, classes, args.epochs, 1e-3, 0.05, cnn.eval(), checkpoint)
    torch.save(vit.state_dict(), out / "vehicles.pt")
    result = {"vehicles": shipped(vit, "vehicles"), "cnn": shipped(cnn, "cnn"), "cnn-live": shipped(cnn, "cnn-live", fold=False)}
    (out / "result.json").write_text(json.dumps(result, indent=1))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
