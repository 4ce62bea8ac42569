"""Check a built wheel: every package of the tree with its marker, its data and licence, and nothing else."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = ["core", "plugins/answers", "plugins/attacks", "plugins/defenses", "plugins/models", "plugins/datasets"]


def expected() -> set[str]:
    """What git has under the source roots, as paths inside the wheel."""
    return {
        path.relative_to(ROOT / source).as_posix()
        for source in SOURCES
        for path in (ROOT / source).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def main(wheel: str) -> None:
    """Exit with a sentence if the wheel is not what it should be."""
    names = set(zipfile.ZipFile(wheel).namelist())
    inside = {name for name in names if ".dist-info/" not in name}
    missing, extra = expected() - inside, inside - expected()
    if missing or extra:
        sys.exit(f"the wheel lacks {sorted(missing)} and has {sorted(extra)} too many")
    packages = {name.partition("/")[0] for name in inside}
    unmarked = [package for package in packages if f"{package}/py.typed" not in inside]
    if unmarked:
        sys.exit(f"no py.typed in {unmarked}")
    if not any(name.endswith("licenses/LICENSE") for name in names):
        sys.exit("the wheel has no licence")
    print(f"{Path(wheel).name}: {len(inside)} files, {len(packages)} packages")


if __name__ == "__main__":
    main(sys.argv[1])
