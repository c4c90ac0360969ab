"""Puts the shipped runs and samples into the installed library; all else stands in pyproject.toml."""

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

# Where an installed copy finds what a checkout has at its top: see demetar/core/disk.py.
SHIPPED = {"demetar.shipped.trained": "trained", "demetar.shipped.samples": "data/samples"}


class Build(build_py):
    """Leaves out the programs that made the samples: those folders hold data only."""

    def find_package_modules(self, package: str, package_dir: str) -> list[tuple[str, str, str]]:
        """The modules of a package; none of a folder of data."""
        return [] if package in SHIPPED else super().find_package_modules(package, package_dir)


setup(
    cmdclass={"build_py": Build},
    packages=[*find_packages(include=["demetar*"]), *SHIPPED],
    package_dir=SHIPPED,
    package_data={
        "demetar": ["py.typed"],
        "demetar.shipped.trained": ["*/*.json", "*/*.npz", "*/CARD.md"],
        "demetar.shipped.samples": ["*.xyz", "*.npz", "*.json"],
    },
)
