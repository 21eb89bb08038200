"""Where the pages of the classes are."""

from functools import cache
from importlib.metadata import PackageNotFoundError, metadata

from sklearn.base import BaseEstimator

from sklearn_mmg._validation import refuse_classes


@cache
def documentation_address() -> str | None:
    """The `Documentation` address of the installed package; None if it has none."""
    try:
        addresses = metadata("sklearn-mmg").get_all("Project-URL", [])
    except PackageNotFoundError:  # a checkout that is on the path
        return None
    return dict(address.split(", ", 1) for address in addresses).get("Documentation")


class DocumentedEstimator(BaseEstimator):
    """scikit-learn's base class; the "?" of its HTML leads to the page of the class."""

    _documented_in = "sklearn_mmg"  # the module that users import the class from

    @property
    def _doc_link_module(self) -> str:
        """Scikit-learn gives a class a link if its module begins with this."""
        return "sklearn_mmg" if documentation_address() else ""

    @property
    def _doc_link_template(self) -> str:
        return f"{documentation_address()}/api/generated/{{name}}.html"

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        return {"name": f"{self._documented_in}.{type(self).__name__}"}

    def _validate_params(self) -> None:
        refuse_classes(self.get_params(deep=False), type(self).__name__)
        super()._validate_params()
