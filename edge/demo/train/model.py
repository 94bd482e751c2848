"""The two small classifiers that are shipped: a CNN, and the ViT that learns from it."""

import torch
from torch import nn

from data import LABELS


class Attention(nn.Module):
    """Multi-head attention written out, so that it exports to plain MatMul and Softmax nodes."""

    def __init__(self, dim, heads, tokens):
        super().__init__()
        self.shape = (-1, tokens, heads, dim // heads)
        self.scale = (dim // heads) ** -0.5
        self.q, self.k, self.v = nn.Linear(dim, dim), nn.Linear(dim, dim), nn.Linear(dim, dim)
        self.proj = nn.Linear(dim, dim)

    def forward(self, x):
        q = self.q(x).reshape(self.shape).permute(0, 2, 1, 3)
        k = self.k(x).reshape(self.shape).permute(0, 2, 3, 1)
        v = self.v(x).reshape(self.shape).permute(0, 2, 1, 3)
        weights = torch.softmax(torch.matmul(q * self.scale, k), dim=-1)
        mixed = torch.matmul(weights, v).permute(0, 2, 1, 3)
        return self.proj(mixed.reshape(-1, self.shape[1], self.shape[2] * self.shape[3]))


class Block(nn.Module):
    """Pre-norm transformer block; in training a branch is left out for some images (stochastic depth)."""

    def __init__(self, dim, heads, tokens, hidden, drop):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attn = Attention(dim, heads, tokens)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.fc1, self.act, self.fc2 = nn.Linear(dim, hidden), nn.GELU(), nn.Linear(hidden, dim)
        self.drop = drop

    def branch(self, x):
        if not self.training or self.drop == 0:
            return x
        return x * (torch.rand(len(x), 1, 1) >= self.drop) / (1 - self.drop)

    def forward(self, x):
        x = x + self.branch(self.attn(self.norm1(x)))
        return x + self.branch(self.fc2(self.act(self.fc1(self.norm2(x)))))


class Vit(nn.Module):
    """64x64 RGB to 49 tokens by three unpadded convolutions, then six blocks and a linear head on the class token.

    Nothing is padded, because zero padding stops being the mean pixel once normalization is folded into the stem.
    The first convolution is linear to its output (bias, no norm): that output's moments are what the daemon aligns.
    """

    def __init__(self, dim=128, depth=6, heads=4, hidden=256, drop=0.1):
        super().__init__()
        self.stem = nn.ModuleDict({
            "conv1": nn.Conv2d(3, 32, 4, 2), "conv2": nn.Conv2d(32, 64, 3, 2), "conv3": nn.Conv2d(64, dim, 3, 2),
        })
        self.cls = nn.Parameter(torch.zeros(1, 1, dim))
        self.pos = nn.Parameter(torch.randn(1, 50, dim) * 0.02)
        rates = [drop * i / (depth - 1) for i in range(depth)]
        self.blocks = nn.ModuleList(Block(dim, heads, 50, hidden, rate) for rate in rates)
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.head = nn.Linear(dim, len(LABELS))

    def forward(self, x):
        x = torch.relu(self.stem["conv1"](x))
        x = torch.relu(self.stem["conv2"](x))
        x = self.stem["conv3"](x).flatten(2).transpose(1, 2)
        x = torch.cat([self.cls.expand(x.shape[0], -1, -1), x], dim=1) + self.pos
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


class Residual(nn.Module):
    """Two 3x3 convolutions with a shortcut."""

    def __init__(self, inside, outside, stride):
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside), nn.ReLU(),
            nn.Conv2d(outside, outside, 3, 1, 1, bias=False), nn.BatchNorm2d(outside),
        )
        self.short = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x):
        return torch.relu(self.body(x) + self.short(x))


class Cnn(nn.Sequential):
    """A small residual CNN, 31x31 after an unpadded stem, then 16x16, 8x8 and 4x4; it learns faster from few images than a ViT."""

    def __init__(self, width=32):
        super().__init__(
            nn.Conv2d(3, width, 4, 2, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
            Residual(width, 2 * width, 2), Residual(2 * width, 4 * width, 2), Residual(4 * width, 6 * width, 2),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(6 * width, len(LABELS)),
        )
