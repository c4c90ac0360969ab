"""Puts the shipped runs and samples into the installed library; all else stands in pyproject.toml."""

from setuptools import find_packages, setup

# Where an installed copy finds what a checkout has at its top: see demetar/core/disk.py.
SHIPPED = {"demetar.shipped.trained": "trained", "demetar.shipped.samples": "data/samples"}

setup(
    packages=[*find_packages(include=["demetar*"]), *SHIPPED],
    package_dir=SHIPPED,
    package_data={
        "demetar": ["py.typed"],
        "demetar.shipped.trained": ["*/*.json", "*/*.npz", "*/CARD.md"],
        "demetar.shipped.samples": ["*.xyz", "*.npz", "*.json"],
    },
    exclude_package_data={"demetar.shipped.samples": ["*.py"]},
)
