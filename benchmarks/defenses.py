"""Defenses: what they promise, what they buy against attackers who know them, and what they cost honest users.

python benchmarks/defenses.py                 every part, 3 seeds
python benchmarks/defenses.py rho ensemble --seeds 5
python benchmarks/defenses.py worth-adult --out DIR    cells of worth are kept, and only those that are missing are run
"""

from __future__ import annotations

from defenses_parts import distribution, labels, noise, outputs, watching, worth
from parts import run

PARTS = {
    name.replace("_", "-"): part
    for module in (noise, distribution, outputs, labels, watching, worth)
    for name, part in module.PARTS.items()
}

if __name__ == "__main__":
    run(__doc__, PARTS, parents=[worth.OPTIONS])
