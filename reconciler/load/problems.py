"""The list that all stages of loading add their findings to."""

from dataclasses import dataclass, field

from reconciler.model.names import Where
from reconciler.model.problem import Problem


@dataclass(slots=True)
class Problems:
    """Findings so far, in the order they were made."""

    found: list[Problem] = field(default_factory=list)

    def add(self, where: Where, code: str, text: str, hint: str = "") -> None:
        """Add an error."""
        self.found.append(Problem(where=where, code=code, text=text, hint=hint))

    def warn(self, where: Where, code: str, text: str, hint: str = "") -> None:
        """Add something that is allowed and probably not meant."""
        self.found.append(Problem(where=where, code=code, text=text, hint=hint, severity="warning"))

    def extend(self, problems: list[Problem] | tuple[Problem, ...]) -> None:
        """Add findings of another stage."""
        self.found.extend(problems)

    def has_errors(self) -> bool:
        """Tell whether anything keeps the declaration out."""
        return any(problem.severity == "error" for problem in self.found)
