"""Ledgers: what was asked of a target and answered, in a file that survives the process that writes it."""
