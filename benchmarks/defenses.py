"""Defenses: what they promise, what they buy against attackers who know them, and what they cost honest users.

python benchmarks/defenses.py                 every part, 3 seeds
python benchmarks/defenses.py rho figure_5 --seeds 5
"""

from __future__ import annotations

from defenses_parts import distribution, noise, outputs, watching
from parts import run

if __name__ == "__main__":
    run(__doc__, {**noise.PARTS, **distribution.PARTS, **outputs.PARTS, **watching.PARTS})
