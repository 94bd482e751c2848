"""Chooses the held-back real images, once and for all: 100 of each class, by a seeded draw.

    python split.py --real vehicles6_train3600.zip > holdout.txt
"""

import argparse
import random
import re
import zipfile

PER_CLASS = 100
SEED = 2026


def natural(name):
    """Sorts car2 before car10, so that the draw does not depend on the order inside the archive."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", required=True, help="the zip of real crops, one folder per class")
    args = parser.parse_args()
    with zipfile.ZipFile(args.real) as archive:
        names = sorted((n for n in archive.namelist() if n.endswith(".jpg")), key=natural)
    draw = random.Random(SEED)
    for label in sorted({name.split("/")[0] for name in names}):
        mine = [name for name in names if name.startswith(f"{label}/")]
        print("\n".join(sorted(draw.sample(mine, PER_CLASS), key=natural)))


if __name__ == "__main__":
    main()
