"""The audit of anybody's calculator: symmetry, conservation and smoothness, its verdict in one word."""

from demetar.diagnosis.audit.run import Audit, audit

__all__ = ["Audit", "audit"]
