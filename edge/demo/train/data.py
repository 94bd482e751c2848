"""Real and rendered crops as uint8 tensors in memory, and the augmentation of a batch of them."""

import io
import pathlib
import zipfile

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

SIZE = 64
LABELS = ["bike", "car", "juggernaut", "minibus", "pickup", "truck"]


def decode(data):
    """One encoded image as uint8 [3, SIZE, SIZE]; the whole picture is stretched to the square."""
    image = Image.open(io.BytesIO(data)).convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    return np.asarray(image).transpose(2, 0, 1)


def held_back(split):
    """The names (class/file) that the committed list keeps away from training."""
    return set(pathlib.Path(split).read_text().split())


def read_real(path):
    """All real images: {name: encoded bytes}, name being class/file."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in sorted(archive.namelist()) if name.endswith(".jpg")}


def read_folder(path):
    """All images under path/<class>/: {name: encoded bytes}."""
    files = sorted(pathlib.Path(path).glob("*/*.jpg"))
    return {f"{file.parent.name}/{file.name}": file.read_bytes() for file in files}


def tensors(images):
    """Pixels uint8 [N,3,SIZE,SIZE] and class numbers [N] of {name: bytes}."""
    pixels = torch.from_numpy(np.stack([decode(data) for data in images.values()]))
    return pixels, torch.tensor([LABELS.index(name.split("/")[0]) for name in images])


def normalized(pixels):
    """uint8 to the range the model takes: pixel / 127.5 - 1."""
    return pixels.float() / 127.5 - 1


def uniform(count, low, high):
    return torch.empty(count, 1, 1, 1).uniform_(low, high)


def augmented(pixels):
    """A random view of each image: mild geometry and daylight, and no weather, which is for the daemon to learn."""
    n = len(pixels)
    x = pixels.float() / 255
    scale, stretch = uniform(n, 0.78, 1.18), uniform(n, 0.93, 1.07)
    angle = uniform(n, -0.10, 0.10)
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    rows = [cos * stretch, -sin, uniform(n, -0.14, 0.14), sin, cos / stretch, uniform(n, -0.14, 0.14)]
    theta = torch.cat(rows, dim=3).view(n, 2, 3)
    moved = F.grid_sample(x, F.affine_grid(theta, list(x.shape), False), padding_mode="reflection", align_corners=False)
    # Resampling blurs, and what the daemon sees is not resampled: a part of each batch stays as it is.
    x = torch.where(torch.rand(n, 1, 1, 1) < 0.2, x, moved)
    grey = x.mean(dim=1, keepdim=True)
    x = grey + (x - grey) * uniform(n, 0.7, 1.3)
    mean = x.mean(dim=(1, 2, 3), keepdim=True)
    x = (mean + (x - mean) * uniform(n, 0.8, 1.2)) * uniform(n, 0.8, 1.2)
    x = x * torch.empty(n, 3, 1, 1).uniform_(0.94, 1.06)
    return erased(x.clamp(0, 1)) * 2 - 1


def erased(x):
    """Greys out one random rectangle in a quarter of the images, so that no single detail decides."""
    n = len(x)
    at = torch.arange(SIZE)
    inside = torch.ones(n, 1, SIZE, SIZE, dtype=torch.bool)
    for shape in ((n, 1, SIZE, 1), (n, 1, 1, SIZE)):
        start, length = torch.randint(0, SIZE, (n, 1, 1, 1)), torch.randint(8, 28, (n, 1, 1, 1))
        axis = at.view(1, 1, *shape[2:])
        inside = inside & (axis >= start) & (axis < start + length)
    hit = inside & (torch.rand(n, 1, 1, 1) < 0.25)
    return torch.where(hit, torch.full_like(x, 0.5), x)
