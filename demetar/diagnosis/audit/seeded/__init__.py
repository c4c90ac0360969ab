"""Sound and faulty ASE calculators in NumPy: each fault, when switched on, shows what its word means."""

from demetar.diagnosis.audit.seeded.faults import FAULTS, faulty
from demetar.diagnosis.audit.seeded.potential import Potential

__all__ = ["FAULTS", "Potential", "faulty"]
