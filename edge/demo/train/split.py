"""Chooses the held-back real images: 100 of each class, by a seeded draw from those that nothing was chosen by before.

    python split.py --real vehicles6_train3600.zip --seen seen.txt > holdout.txt
"""

import argparse
import pathlib
import random
import re
import zipfile

PER_CLASS = 100
SEED = 2027


def natural(name):
    """Sorts car2 before car10, so that the draw does not depend on the order inside the archive."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--real", required=True, help="the zip of real crops, one folder per class")
    parser.add_argument("--seen", help="list of images that settings were chosen by, which can prove nothing any more")
    args = parser.parse_args()
    seen = set(pathlib.Path(args.seen).read_text().split()) if args.seen else set()
    with zipfile.ZipFile(args.real) as archive:
        names = sorted((n for n in archive.namelist() if n.endswith(".jpg") and n not in seen), key=natural)
    draw = random.Random(SEED)
    for label in sorted({name.split("/")[0] for name in names}):
        mine = [name for name in names if name.startswith(f"{label}/")]
        print("\n".join(sorted(draw.sample(mine, PER_CLASS), key=natural)))


if __name__ == "__main__":
    main()
