"""What records are made of: numbers with their units and ranges, and the parts that have parts."""

from __future__ import annotations

from typing import Annotated, Any, TypeAlias, TypedDict

from mex.app.matrix.typed_json import Length, Number

Queries: TypeAlias = Annotated[int, Number("queries", 0)]
Rows: TypeAlias = Annotated[int, Number("rows", 1)]
Features: TypeAlias = Annotated[int, Number("features", 1)]
Dollars: TypeAlias = Annotated[float, Number("US dollars", 0)]
Seconds: TypeAlias = Annotated[float, Number("seconds")]
Share: TypeAlias = Annotated[float, Number("share", 0, 1)]
Score: TypeAlias = Annotated[float, Number("share (values: R²)", high=1)]
Lost: TypeAlias = Annotated[float, Number("share (values: R²)")]
Shift: TypeAlias = Annotated[float, Number("share (values: standard deviations)", 0)]
Distance: TypeAlias = Annotated[float, Number("distance", 0)]
Plane: TypeAlias = list[Annotated[list[float], Length(2, 2)]]
Params: TypeAlias = dict[str, Any]


class Point(TypedDict):
    """One point of a learning curve: how the hypothesis after so many queries compares with the undefended f*."""

    queries: Queries
    agreement: Score
    class_agreement: Share | None
    near_agreement: Score | None
    uniform_agreement: Score | None
    geometric_error: Distance | None


Curve: TypeAlias = Annotated[list[Point], Length(1)]


class Finding(TypedDict):
    """One thing that an endpoint tells beside its answers."""

    kind: str
    sentence: str
    evidence: str
