"""What is checked, one session each: ``nox -l`` lists them and ``nox -s tests`` runs one."""

import shutil
from pathlib import Path
from zipfile import ZipFile

import nox

nox.options.sessions = ["lint", "types", "tests", "docs"]

TESTED = ("-c", "constraints.txt")
PARALLEL = ("-n", "auto", "--dist", "loadfile")  # fixtures of a file are made once
GALLERY = "sphinx_gallery_conf.filename_pattern"  # of the examples that are run
CONTRACT = ("tests/test_contract.py", "tests/test_common.py")


@nox.session
def tests(session):
    """All tests and doctests with branch coverage, or those that are named after ``--``."""
    session.install(*TESTED, "-e", ".[test]")
    session.run("pytest", *(session.posargs or ["--cov", *PARALLEL]))


@nox.session
def lint(session):
    """The hooks of every commit, on all files."""
    session.install(*TESTED, "pre-commit")
    session.run("pre-commit", "run", "--all-files", "--show-diff-on-failure", *session.posargs)


@nox.session
def types(session):
    """Types of the package, with the optional ones that it imports."""
    session.install(*TESTED, "-e", ".[benchmark,cli,flows,images]", "pyright[nodejs]")
    session.run("pyright", *session.posargs)


@nox.session(venv_backend="uv")
def lowest(session):
    """The contract with the lowest declared versions, which download gigabytes of old torch."""
    session.install("--resolution=lowest-direct", "-e", ".[test]")
    # Old versions use what newer ones deprecate.
    session.run("pytest", "-p", "no:warnings", *PARALLEL, *CONTRACT)


@nox.session
def newest(session):
    """The contract with the newest dependencies that there are, whatever was tested."""
    session.install("-e", ".[test]")
    session.run("pytest", *PARALLEL, *CONTRACT)


@nox.session
def docs(session):
    """Links of the Markdown files, the code of the pages, and the site in a browser.

    ``nox -s docs -- site`` builds the site alone, without the gallery, which takes minutes, and
    ``nox -s docs -- all`` with it.
    """
    session.install(*TESTED, "-e", ".[cli,docs,examples]", "pre-commit")
    if not session.posargs:
        session.run("pre-commit", "run", "links", "--all-files")
        session.run("python", ".ci/pages.py")
    chosen = () if "all" in session.posargs else ("-D", f"{GALLERY}=pitfalls")
    session.run("sphinx-build", "-W", "--keep-going", "-q", *chosen, "docs", "docs/_build/html")
    session.run("python", ".ci/site.py", "docs/_build/html")


@nox.session
def wheel(session):
    """That the package as it is shipped has all files, and keeps the contract."""
    folder, root = Path(session.create_tmp()).absolute(), Path.cwd()
    shutil.rmtree("build", ignore_errors=True)  # modules that are no longer there would be shipped
    session.install(*TESTED, "build", "twine")
    # The wheel is built from the source distribution, which is shipped as well.
    session.run("python", "-m", "build", "--outdir", folder, silent=True)
    session.run("twine", "check", "--strict", *folder.glob("sklearn_mmg-*"))
    (built,) = folder.glob("*.whl")
    files = session.run("git", "ls-files", "sklearn_mmg", external=True, silent=True).split()
    if missing := set(files) - set(ZipFile(built).namelist()):
        session.error(f"{built.name} lacks {sorted(missing)}")
    session.install(*TESTED, f"sklearn-mmg[test] @ {built.as_uri()}")
    session.chdir(folder)  # or the checkout would be what is imported
    session.run("python", "-m", "sklearn_mmg.benchmark", "--help", silent=True)
    session.run("sklearn-mmg", "--version", silent=True)
    contract = (root / path for path in CONTRACT)
    # The checks of scikit-learn ask what no packaging changes.
    chosen = ("-k", "not scikit_learn_checks", *contract)
    session.run("pytest", "-c", root / "pyproject.toml", *PARALLEL, *chosen)
