"""What a fitted estimator shows of itself, as text and as HTML."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from sklearn_mmg._estimate import normal_interval
from sklearn_mmg._units import in_units
from sklearn_mmg._warnings import warn

# What may be estimated: an attribute of the name with an underscore, and its standard error. A
# method `<name>_interval` knows more of it than a normal interval does.
QUANTITIES = (
    "mutual_info",
    "entropy",
    "divergence",
    "total_correlation",
    "dual_total_correlation",
    "o_information",
    "s_information",
)
NAMES = {
    "mutual_info": "mutual information",
    "o_information": "O-information",
    "s_information": "S-information",
}
HEADER = ("", "estimate", "standard error", "95 % interval")
# Colours are those of the text around, so that dark pages stay readable.
STYLE = """<style>
.sklearn-mmg-summary {font-size: 0.9em; margin-bottom: 0.5em; max-width: 48em}
.sklearn-mmg-summary table {border-collapse: collapse; margin: 0.3em 0}
.sklearn-mmg-summary :is(th, td) {padding: 0.15em 0.8em; text-align: right; font-weight: normal;
  border-bottom: 1px solid rgba(128, 128, 128, 0.5); background: none; color: inherit}
.sklearn-mmg-summary :is(th, td):first-child {text-align: left; padding-left: 0}
.sklearn-mmg-summary p {margin: 0.2em 0}
.sklearn-mmg-summary .caveat {border-left: 4px solid #D55E00; padding-left: 0.6em}
</style>"""


class Quantity(NamedTuple):
    """An estimate, in nats."""

    name: str
    value: float
    standard_error: float
    interval: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What was estimated, printed as a table; notebooks show it as one.

    Attributes
    ----------
    title : str
        Of the estimator, and what it was fitted on.
    quantities : tuple of Quantity
        ``name``, ``value``, ``standard_error`` and ``interval`` of each, in nats.
    notes : tuple of str
        How to read them.
    caveats : tuple of str
        What the fit warned of.
    units : {"nats", "bits"}, default="nats"
        Of what is printed.
    """

    title: str
    quantities: tuple[Quantity, ...]
    notes: tuple[str, ...] = ()
    caveats: tuple[str, ...] = ()
    units: str = "nats"

    def _cells(self) -> list[tuple[str, ...]]:
        per_nat = in_units(self.units)
        rows = [
            (
                q.name,
                f"{per_nat * q.value:z.3f} {self.units}",
                f"{per_nat * q.standard_error:.3f}",
                " to ".join(f"{per_nat * end:z.3f}" for end in q.interval),
            )
            for q in self.quantities
        ]
        return [HEADER, *rows] if rows else []

    def __str__(self) -> str:
        cells = self._cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "   ".join(
                cell.rjust(width) if i else cell.ljust(width)
                for i, (cell, width) in enumerate(zip(row, widths, strict=True))
            ).rstrip()
            for row in cells
        ]
        texts = [*self.notes, *(f"Caveat: {caveat}" for caveat in self.caveats)]
        return "\n".join([self.title, *(["", *lines] if lines else []), "", *texts]).rstrip()

    def _repr_html_(self) -> str:
        cells = self._cells()
        kinds = ["th", *["td"] * (len(cells) - 1)]
        rows = (
            "<tr>" + "".join(f"<{kind}>{escape(cell)}</{kind}>" for cell in row) + "</tr>"
            for kind, row in zip(kinds, cells, strict=False)
        )
        table = f"<table>{''.join(rows)}</table>" if cells else ""
        notes = "".join(f"<p>{escape(note)}</p>" for note in self.notes)
        caveats = "".join(f'<p class="caveat">{escape(caveat)}</p>' for caveat in self.caveats)
        return (
            f'{STYLE}<div class="sklearn-mmg-summary"><p><b>{escape(self.title)}</b></p>'
            f"{table}{notes}{caveats}</div>"
        )


class SummaryMixin:
    """``summary()``, and the same above scikit-learn's diagram in a notebook.

    A subclass names its quantities by attributes, as in `QUANTITIES`, or in ``_quantities``. What
    ``repr`` gives stays the constructor, which other tools read.
    """

    _caveats: tuple[str, ...] = ()  # what the fit warned of

    def summary(self, units: str = "nats") -> Summary:
        """What the fit found: estimates, their intervals, and what there is to say of them.

        The fit is not repeated. In a notebook the same stands above the diagram of the estimator.

        Parameters
        ----------
        units : {"nats", "bits"}, default="nats"
            Of what is printed; the attributes are in nats.

        Returns
        -------
        Summary
            ``print`` it, or let a notebook show it; ``quantities``, ``notes`` and ``caveats`` have
            what is in it.

        See Also
        --------
        sklearn_mmg.inspection.check_reliability : Refits that tell more than one fit can know of
            itself.

        Examples
        --------
        >>> from sklearn_mmg import GaussianMutualInfo
        >>> from sklearn_mmg.datasets import JointNormal
        >>> X, y = JointNormal.sparse().sample(1000, random_state=0)
        >>> found = GaussianMutualInfo().fit(X, y).summary(units="bits")
        >>> found.caveats
        ()
        """
        check_is_fitted(self)
        in_units(units)
        return Summary(
            title=f"{type(self).__name__}, fitted on {self._fitted_on()}",
            quantities=tuple(self._quantities()),
            notes=tuple(self._notes()),
            caveats=self._caveats,
            units=units,
        )

    def _warn_of(self, caveats: Iterable[str]) -> None:
        """Keep what there is to distrust for the summary, and warn of it."""
        self._caveats = tuple(caveats)
        for caveat in self._caveats:
            warn(caveat)

    def _fitted_on(self) -> str:
        return counted(self.n_features_in_, "column")  # pyright: ignore[reportAttributeAccessIssue]  # of any estimator

    def _quantities(self) -> Iterator[Quantity]:
        for name in QUANTITIES:
            if not hasattr(self, f"{name}_"):
                continue
            value, error = getattr(self, f"{name}_"), getattr(self, f"{name}_se_")
            known = getattr(self, f"{name}_interval", None)
            interval = normal_interval(value, error, 0.95) if known is None else known(0.95)
            yield Quantity(NAMES.get(name, name.replace("_", " ")), value, error, interval)

    def _notes(self) -> Iterable[str]:
        """How to read the quantities."""
        return ()

    def _repr_html_inner(self) -> str:
        diagram: str = super()._repr_html_inner()  # pyright: ignore[reportAttributeAccessIssue]  # of BaseEstimator
        try:
            return self.summary()._repr_html_() + diagram
        except NotFittedError:
            return diagram

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        bundle: dict[str, str] = super()._repr_mimebundle_(**kwargs)  # pyright: ignore[reportAttributeAccessIssue]  # of BaseEstimator
        if "text/html" in bundle:
            bundle["text/html"] = self._repr_html_inner()
        return bundle


def counted(n: int, noun: str) -> str:
    """A number of things."""
    return f"{n:,} {noun}{'s' * (n != 1)}"
