"""What the N-body laws keep and break, measured into data/samples/nbody-laws.json.

python benchmarks/nbody_laws.py [--systems 2000] [--rotations 8] [--count 200] [--variants …]

For each variant: what rotating the test systems and simulating again does to their targets, in how
many windows the force limit acts, and how energy, momentum and angular momentum drift.
"""

import argparse
import json
import sys

from demetar.data.sets import nbody
from demetar.experiments import conservation


def main() -> None:
    parser = argparse.ArgumentParser(description="What the N-body laws keep and break.")
    parser.add_argument("--systems", type=int, default=2000)
    parser.add_argument("--rotations", type=int, default=8)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--variants", nargs="*", default=nbody.ABOUT.options["variant"])
    arguments = parser.parse_args()
    found = conservation.stored() if conservation.STORED.is_file() else {}
    for variant in arguments.variants:
        # A hundred bodies take four hundred times as long as five.
        part = 20 if variant == "gravity" else 1
        found[variant] = conservation.measured(
            variant, arguments.systems // part, arguments.rotations, arguments.count // part
        )
        rotation, drift = found[variant]["rotation"], found[variant]["drift"]
        last = {k: f"{drift[k]['median'][-1]:.1e}" for k in drift["scale"]}
        print(variant, rotation, last, file=sys.stderr, flush=True)
    rounded = json.loads(json.dumps(found), parse_float=lambda text: float(f"{float(text):.4g}"))
    conservation.STORED.write_text(json.dumps(rounded) + "\n")


if __name__ == "__main__":
    main()
