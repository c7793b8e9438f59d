"""Frozen classes of named fields, as `dataclasses` makes them. Must not do more than the wire needs.

The module of the standard library loads Python's parser, disassembler and tokenizer, and compiles functions for each
class: more than a megabyte, and a tenth of the time until an agent listens. Type checkers see the real one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Callable, NamedTuple, NoReturn, TypeVar

__all__ = ["dataclass", "field", "replace"]

T = TypeVar("T")


class _Field(NamedTuple):
    """What an instance gets when it is given no value, and whether `repr` shows it."""

    default: object
    default_factory: Callable[[], object] | None
    is_shown: bool


_NO_DEFAULT = object()

if TYPE_CHECKING:
    from dataclasses import dataclass, field, replace
else:

    def field(
        *,
        default: object = _NO_DEFAULT,
        default_factory: Callable[[], object] | None = None,
        repr: bool = True,  # noqa: A002 - as in dataclasses
    ) -> _Field:
        """Say more of a field than its default."""
        return _Field(default, default_factory, repr)

    def dataclass(*, frozen: bool) -> Callable[[type], type]:
        """Return what makes a class with annotated fields into one of values, which never change."""
        assert frozen, "there are no others"
        return _complete

    def replace(value: T, **changes: object) -> T:
        """Return the value with other fields."""
        return type(value)(**{**vars(value), **changes})


class _Value:
    """What all such classes have; what is in the instance's dictionary are its fields, and nothing else."""

    __match_args__: tuple[str, ...] = ()
    _defaults: dict[str, object]
    _factories: dict[str, Callable[[], object]]
    _shown: tuple[str, ...]

    def __init__(self, *values: object, **fields: object) -> None:
        names = self.__match_args__
        given = dict(zip(names, values), **fields) if values else fields
        complete = {**self._defaults, **given}
        for name, make in self._factories.items():
            if name not in complete:
                complete[name] = make()
        if len(given) != len(values) + len(fields) or complete.keys() != set(names):
            raise TypeError(f"{type(self).__name__} has the fields {', '.join(names)}, each at most once")
        vars(self).update(complete)

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self._shown)
        return f"{type(self).__qualname__}({fields})"

    def __eq__(self, other: object) -> bool:
        return vars(self) == vars(other) if type(self) is type(other) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(getattr(self, name) for name in self.__match_args__))

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot change")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__}.{name} cannot go")


def _complete(cls: type) -> type:
    """Return the class anew, with what its fields need."""
    content = {name: value for name, value in vars(cls).items() if name not in {"__dict__", "__weakref__"}}
    names = tuple(getattr(cls, "__annotations__", ()))
    fields = {name: _as_field(content.pop(name, _NO_DEFAULT)) for name in names}
    content["__match_args__"] = names
    content["_defaults"] = {n: f.default for n, f in fields.items() if f.default is not _NO_DEFAULT}
    content["_factories"] = {n: f.default_factory for n, f in fields.items() if f.default_factory is not None}
    content["_shown"] = tuple(name for name in names if fields[name].is_shown)
    return type(cls.__name__, (_Value,), content)


def _as_field(default: object) -> _Field:
    return default if isinstance(default, _Field) else _Field(default, None, is_shown=True)
