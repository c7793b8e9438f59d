"""What a user wrote wrong, as data: collected, sorted, and shown all at once."""

from dataclasses import dataclass

from reconciler.model.names import Where


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake: what is wrong, and what would be right."""

    where: Where
    code: str
    """Short and stable, such as `unknown-field`; users and tools may match on it."""
    text: str
    hint: str = ""
    """What would be right."""
    severity: str = "error"
    """error or warning; only errors keep a commit out."""

    def __str__(self) -> str:
        end = f"; {self.hint}" if self.hint else ""
        return f"{self.where}: {self.severity}[{self.code}]: {self.text}{end}"


def sort_problems(problems: tuple[Problem, ...] | list[Problem]) -> tuple[Problem, ...]:
    """Return problems by place, each once."""
    unique = {(p.where, p.code, p.text): p for p in problems}
    return tuple(unique[key] for key in sorted(unique))
