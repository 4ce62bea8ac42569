"""The fixtures of the audits."""

from audited import outcome, ready, subject

__all__ = ["outcome", "ready", "subject"]
