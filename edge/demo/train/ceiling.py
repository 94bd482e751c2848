"""What scales and biases could do at the most: the ViT's are learned from labelled pictures under a corruption, all else kept."""

import argparse
import pathlib

import numpy as np
import torch
import torch.nn.functional as F

from data import LABELS, SIZE, normalized
from model import Vit
from train import BATCH, accuracy

RATE = 5e-3


class Scaled(torch.nn.Module):
    """The stem's convolution and a scale and a bias for each of its channels, as `acclimate prepare` makes inputs of."""

    def __init__(self, conv):
        super().__init__()
        self.conv = conv
        self.scale = torch.nn.Parameter(torch.ones(1, conv.out_channels, 1, 1))
        self.bias = torch.nn.Parameter(torch.zeros(1, conv.out_channels, 1, 1))

    def forward(self, x):
        return self.conv(x) * self.scale + self.bias


def read(folder, part):
    """Pixels uint8 [N,3,SIZE,SIZE] in R, G, B and class numbers [N], as corrupted.js wrote them."""
    planes = np.fromfile(folder / f"{part}.raw", np.uint8).reshape(-1, 3, SIZE, SIZE)
    classes = [LABELS.index(name.split("/")[0]) for name in (folder / f"{part}.txt").read_text().split()]
    return torch.from_numpy(planes[:, [2, 0, 1]].copy()), torch.tensor(classes)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--weights", required=True, help="vehicles.pt, as train.py writes it")
    parser.add_argument("--pictures", required=True, help="folder that corrupted.js wrote")
    parser.add_argument("--epochs", type=int, default=8)
    args = parser.parse_args()
    torch.manual_seed(1)
    folder = pathlib.Path(args.pictures)
    pixels, classes = read(folder, "train")
    test = read(folder, "test")
    model = Vit(drop=0)
    model.load_state_dict(torch.load(args.weights))
    model.stem["conv1"] = Scaled(model.stem["conv1"])
    print(f"as it is: {accuracy(model, *test)} % of {len(test[1])} held-back pictures")
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("norm" in name or name in ("stem.conv1.scale", "stem.conv1.bias"))
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=RATE)
    for epoch in range(args.epochs):
        model.train()
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - epoch / args.epochs)
        for index in torch.randperm(len(pixels)).split(BATCH):
            loss = F.cross_entropy(model(normalized(pixels[index])), classes[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch + 1}: {accuracy(model, *test)} %", flush=True)


if __name__ == "__main__":
    main()
