"""Small faults, one at a time, put into a module's source: what a good test should notice.

Left alone are docstrings, annotations, what an error says, and asserts: they change no behaviour
that is promised. Neither does a bound that is greater by one: the numbers of a constant `MAX_…`.
"""

import ast
import copy
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
COMPUTED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.LShift: ast.RShift,
    ast.RShift: ast.LShift,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
    ast.BitXor: ast.BitOr,
}


@dataclass(frozen=True, slots=True)
class Mutant:
    """A module with one fault in it."""

    path: str
    """Of the module, within the project."""
    where: str
    """The function or class that the fault is in; empty at the module's top."""
    lines: tuple[int, int]
    """First and last line of the statement that it is in, or of its head."""
    was: str
    """The changed expression or statement, as it was."""
    now: str
    again: int
    """Counts faults of the same words in the same function."""
    source: str
    """The whole module with the fault."""

    @property
    def name(self) -> str:
        """The same as long as the code around it does not change."""
        again = f" ({self.again + 1})" if self.again else ""
        return f"{self.path}: {self.where or 'top'}: {self.was}  ->  {self.now}{again}"


def mutants(path: str, source: str) -> Iterator[Mutant]:
    """All mutants of a module, in the order of its lines."""
    tree = ast.parse(source)
    counted: Counter[tuple[str, str, str]] = Counter()
    for spot in list(_spots(tree)):
        for fault in _faults(spot.node):
            was, now = _shown(spot.node), _shown(fault)
            key = (spot.where, was, now)
            changed = _Swap(spot.node, fault).visit(copy.deepcopy(tree, {id(spot.node): spot.node}))
            text = ast.unparse(ast.fix_missing_locations(changed))
            yield Mutant(path, spot.where, spot.lines, was, now, counted[key], text)
            counted[key] += 1


class _Spot(NamedTuple):
    node: ast.AST
    where: str
    lines: tuple[int, int]


def _spots(tree: ast.AST, where: str = "", lines: tuple[int, int] = (0, 0)) -> Iterator[_Spot]:
    """Every expression and statement that behaves, with its place."""
    for node in _behaving(tree):
        inside, here = where, lines
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            inside = f"{where}.{node.name}" if where else node.name
        if isinstance(node, ast.stmt):
            body: object = getattr(node, "body", None)
            end = body[0].lineno - 1 if isinstance(body, list) else node.end_lineno
            here = (node.lineno, max(node.lineno, end or 0))
        if isinstance(node, ast.stmt | ast.expr | ast.Slice):
            yield _Spot(node, inside, here)
        for spot in _spots(node, inside, here):
            if not (_sets_bound(node) and isinstance(spot.node, ast.Constant)):
                yield spot


def _sets_bound(node: ast.AST) -> bool:
    match node:
        case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
            return name.startswith("MAX_")
    return False


def _behaving(node: ast.AST) -> Iterator[ast.AST]:
    """What is right below a node, without that which is words only."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "type_params", "type_comment", "decorator_list"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _says(child):
                yield child


def _says(node: ast.AST) -> bool:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    if isinstance(node, ast.Assert | ast.Import | ast.ImportFrom | ast.JoinedStr):
        return True
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return True
    if isinstance(node, ast.Call):
        called = ast.unparse(node.func)
        return called.endswith(("Error", "Full", "Failed", "cast", "TypeVar"))
    return False


def _faults(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Compare(ops=[op]) if type(op) in COMPARED:
            yield ast.Compare(node.left, [COMPARED[type(op)]()], node.comparators)
        case ast.BinOp() if type(node.op) in COMPUTED:
            yield ast.BinOp(node.left, COMPUTED[type(node.op)](), node.right)
        case ast.AugAssign() if type(node.op) in COMPUTED:
            yield ast.AugAssign(node.target, COMPUTED[type(node.op)](), node.value)
        case ast.BoolOp():
            other = ast.Or() if isinstance(node.op, ast.And) else ast.And()
            yield ast.BoolOp(other, node.values)
        case ast.UnaryOp(op=ast.Not()):
            yield node.operand
        case ast.UnaryOp(op=ast.USub()):
            yield node.operand
        case ast.Constant(value=bool() as value):
            yield ast.Constant(not value)
        case ast.Constant(value=int() as value):
            yield ast.Constant(value + 1)
        case ast.Constant(value=bytes() as value):
            yield ast.Constant(value + b"X")
        case ast.Constant(value=str() as value):
            yield ast.Constant(value + "X")
        case ast.If() | ast.While() | ast.IfExp():
            yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))
        case ast.Return(value=ast.AST()) if not isinstance(node.value, ast.Constant):
            yield ast.Return(ast.Constant(None))
        case ast.Expr(value=ast.Call()) | ast.Raise() | ast.AugAssign():
            yield ast.Pass()
        case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
            yield ast.Pass()
        case ast.Continue():
            yield ast.Break()
        case ast.Break():
            yield ast.Continue()
        case ast.Slice():
            if node.lower is not None:
                yield _with(node, lower=None)
            if node.upper is not None:
                yield _with(node, upper=None)


def _with(node: ast.AST, **fields: object) -> ast.AST:
    twin = copy.copy(node)
    for name, value in fields.items():
        setattr(twin, name, value)
    return twin


def _shown(node: ast.AST) -> str:
    """The first line of its source."""
    text = ast.unparse(ast.fix_missing_locations(copy.deepcopy(node)))
    return text.split("\n")[0][:200] or ":"


class _Swap(ast.NodeTransformer):
    def __init__(self, old: ast.AST, new: ast.AST) -> None:
        self._old, self._new = old, new

    def visit(self, node: ast.AST) -> ast.AST:
        if node is self._old:
            return ast.copy_location(copy.deepcopy(self._new), node)
        result: ast.AST = self.generic_visit(node)
        return result
