"""What is read before any cell runs: what the user got wrong about the data, and the sentences that say what it is."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Collection, Iterable
from typing import Any

import attrs

from mex.app.matrix.cells import Cell, Cells
from mex.app.matrix.isolation import isolated
from mex.app.matrix.paid import evaluation_budget
from mex.app.matrix.scenarios import is_deployed, load_dataset, open_deployed, set_scene
from mex.errors import MexError
from mex.registry import Registry
from mex.toolkit.tabular.holding import free_texts
from mex.toolkit.tabular.summary import summary


@attrs.frozen(slots=False)
class Look:
    """The first of the cells that read the same data in the same way."""

    cell: Cell


def looks(registry: Registry, cells: Cells, kept: Collection[int] = ()) -> list[Look]:
    """What there is to look at for the cells whose numbers are not kept."""
    step = 1 if kept else len(cells) // (len(cells.datasets) * len(cells.models))
    pairs: dict[Any, Cell] = {}
    for cell in (cells[i] for i in range(0, len(cells), step) if i not in kept):
        pairs.setdefault((cell.dataset, cell.model), cell)
    found: dict[Any, Cell] = {}
    for (dataset, model), cell in pairs.items():
        deployed = is_deployed(registry, model)
        found.setdefault((dataset, model if deployed else registry.load("model", model.name).scope.incomplete), cell)
    return [Look(cell) for cell in found.values()]


def what_was_read(registry: Registry, cell: Cell) -> str:
    """The sentence about the data of a cell as its model is given it."""
    if is_deployed(registry, cell.model):
        return set_scene(registry, cell.model, cell.dataset, cell.seed).read
    data = load_dataset(registry, cell.dataset)
    if not data.domain.incomplete or registry.load("model", cell.model.name).scope.incomplete:
        return summary(data)
    return f"{summary(data)}; {cell.model.name} takes complete rows only: {len(data.complete().X)} of {len(data.X)}"


def look_at(registry: Registry, look: Look) -> str:
    """A mistake of the user, or "", and the sentence about what was read, or "", as JSON.

    What is wrong with a model that is deployed already, and a fault in a plugin, are left to the cells to tell.
    """
    cell = look.cell
    try:
        if evaluation_budget(registry, cell.model) is not None:  # even to open it would cost
            return json.dumps(["", ""])
        if is_deployed(registry, cell.model):  # a yardstick may cost money: it is left to the cells
            with isolated(cell.seed):
                return json.dumps(["", str(open_deployed(registry, cell.model, cell.dataset)[1])])
        return json.dumps(["", what_was_read(registry, cell)])
    except MexError as error:
        return json.dumps(["" if is_deployed(registry, cell.model) else str(error), ""])
    except KeyboardInterrupt:
        raise
    except BaseException:
        return json.dumps(["", ""])


def read_texts(registry: Registry, cells: Cells) -> bool:
    """Whether a model of the cells reads free text, of those that are deployed already and cost nothing to open."""
    for cell in (look.cell for look in looks(registry, cells)):
        if not is_deployed(registry, cell.model) or evaluation_budget(registry, cell.model) is not None:
            continue
        with contextlib.suppress(Exception), isolated(cell.seed):  # cells tell what is wrong with it
            if free_texts(open_deployed(registry, cell.model, cell.dataset)[0]):
                return True
    return False


def told(answers: Iterable[str]) -> tuple[list[str], list[str]]:
    """The mistakes and the sentences among what was seen, each once."""
    seen = [json.loads(answer) for answer in answers]
    return [mistake for mistake, _ in seen if mistake], list(dict.fromkeys(s for _, s in seen if s))
