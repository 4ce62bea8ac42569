"""What attacks say of themselves: whether a wrong hypothesis is found out, and what is handed over before the end.

python benchmarks/checking.py                            both parts, 20 targets of each kind for each attack
python benchmarks/checking.py self-check --times 4
python benchmarks/checking.py anytime --times 1 --out FILE   goes on from the lines in FILE
"""

from __future__ import annotations

from checking_parts import anytime, self_check
from parts import run

PARTS = {"self-check": self_check.self_check, "anytime": anytime.anytime}

if __name__ == "__main__":
    run(__doc__, PARTS, option="times", default=20, parents=[anytime.OPTIONS])
