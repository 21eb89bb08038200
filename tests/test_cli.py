"""``sklearn-mmg``: tables of files, what it prints, and its mistakes."""

import csv
import io
import json
import math
import os
import re
import subprocess
import sys
from decimal import Decimal
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import sklearn_mmg
from sklearn_mmg import MMGMutualInfo, SubsetMutualInfo
from sklearn_mmg.cli import _main, main

N = 400
HALF_LOG_2 = math.log(2) / 2  # of two normal columns, one of which is the other and as much noise


@pytest.fixture(scope="module")
def frame():
    """A table with known truth: `b` tells log(2) / 2 of `y`, `c` as much of `b`, `d` nothing."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(N, 3))
    b = rng.normal(size=N)
    y, c = b + noise[:, 0], b + noise[:, 1]
    return pd.DataFrame(
        {"b": b, "c": c, "d, e": noise[:, 2], "sign": np.where(b > 0, "+", "-"), "y": y}
    )


@pytest.fixture
def path(frame, tmp_path):
    frame.to_csv(tmp_path / "data.csv", index=False)
    return str(tmp_path / "data.csv")


@pytest.fixture
def few_steps(monkeypatch):
    """What is normal is known before any training."""
    monkeypatch.setattr("sklearn_mmg.MMGMutualInfo", partial(MMGMutualInfo, n_steps=5, n_nodes=4))


@pytest.fixture
def call(capsys):
    """What a command prints; it must not fail."""

    def run(*words):
        assert main(words) == 0, capsys.readouterr().err
        return capsys.readouterr().out

    return run


@pytest.fixture
def fails(capsys):
    """The only line of a command that fails."""

    def run(*words):
        assert main([*words, "--quiet"]) == 2
        out, error = capsys.readouterr()
        assert out == ""
        assert error.startswith("sklearn-mmg: error: ")
        assert error.count("\n") == 1
        return error

    return run


def results(output):
    return json.loads(output)["results"]


def test_scores(call, path, frame):
    found = json.loads(call("scores", path, "--target", "y", "--json", "--quiet"))
    assert (found["units"], found["n_samples"], found["seed"]) == ("nats", N, 0)
    by_column = {row["column"]: row for row in found["results"]}
    assert next(iter(by_column)) == "b"  # it tells most
    assert set(by_column) == {"b", "c", "d, e", "sign"}
    row = by_column["b"]
    assert row["interval_low"] < HALF_LOG_2 < row["interval_high"]
    assert row["p_value"] == 0.001
    assert by_column["d, e"]["mutual_info"] < 0.02
    # As the function says.
    scores = sklearn_mmg.mutual_info_test(
        frame.drop(columns="y"), frame["y"], random_state=0
    ).scores
    assert by_column["c"]["mutual_info"] == pytest.approx(scores[1])


def test_bits(call, path):
    words = "scores", path, "--target", "y", "--x", "b,c", "--json", "--quiet"
    nats, bits = json.loads(call(*words)), json.loads(call(*words, "--bits"))
    assert bits["units"] == "bits"
    for in_nats, in_bits in zip(nats["results"], bits["results"], strict=True):
        for name in ("mutual_info", "standard_error", "interval_low", "interval_high"):
            assert in_bits[name] == pytest.approx(in_nats[name] / math.log(2))
        assert in_bits["p_value"] == in_nats["p_value"]


def test_text_has_bars_by_value(call, path):
    lines = call("scores", path, "--target", "y", "--quiet").splitlines()
    assert lines[0] == f"data.csv: {N} rows"
    bars = {line.split()[0]: line.count("█") for line in lines if line[:2] in ("b ", "c ", "d,")}
    assert bars["b"] == 24 > bars["c"] > bars["d,"] == 0
    assert "in nats" in lines[2]


def test_csv_is_a_table_and_the_rest_goes_to_stderr(path, capsys):
    assert main(["pairs", path, "--x", '"d, e",b,c', "--csv"]) == 0
    out, error = capsys.readouterr()
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [*rows[0]] == ["x", "y", "mutual_info", "correlation"]
    assert {(row["x"], row["y"]) for row in rows} == {("b", "c"), ("d, e", "b"), ("d, e", "c")}
    assert float(rows[0]["mutual_info"]) == pytest.approx(HALF_LOG_2, abs=0.12)  # 3 standard errors
    assert "1/1" in error  # progress


def test_joint_information_and_what_is_given(call, path, few_steps):
    (row,) = results(call("mi", path, "--x", "b", "--x", "d, e", "--y", "y", "--json", "--quiet"))
    assert (row["x"], row["y"], row["given"]) == (["b", "d, e"], ["y"], [])
    assert row["interval_low"] < HALF_LOG_2 < row["interval_high"]
    (row,) = results(call("mi", path, "--x", "c", "--y", "y", "--given", "b", "--json", "--quiet"))
    assert row["mutual_info"] == pytest.approx(0, abs=0.05)  # beyond b it tells nothing


def test_joint_information_as_text(call, path, few_steps):
    text = call("mi", path, "--x", "b", "--y", "sign", "--bits", "--quiet")
    found = re.search(
        r"^(\S+) bits, 95 % interval (\S+) to (\S+), standard error", text, re.MULTILINE
    )
    value, low, high = map(float, found.groups())
    assert low <= value <= high
    assert 0.8 < value < 1.05  # the sign is one bit, and b determines it
    assert "of the entropy of 'sign'" in text


def test_select(call, tmp_path, monkeypatch):
    monkeypatch.setattr(
        "sklearn_mmg.feature_selection.SubsetMutualInfo", partial(SubsetMutualInfo, n_steps=300)
    )
    rng = np.random.default_rng(0)
    bits = rng.integers(2, size=(600, 3))
    table = pd.DataFrame(bits, columns=list("abc")).assign(
        y=np.where(bits[:, 0] ^ bits[:, 2], "u", "v")
    )
    table.to_csv(tmp_path / "xor.csv", index=False)
    words = "select", str(tmp_path / "xor.csv"), "--target", "y", "--quiet"
    found = json.loads(call(*words, "--json"))
    assert {row["column"] for row in found["results"]} == {"a", "c"}
    assert found["results"][1]["mutual_info"] == pytest.approx(math.log(2), abs=0.05)
    assert found["all_columns"] == pytest.approx(math.log(2), abs=0.1)


def test_check(call, path, few_steps):
    found = json.loads(call("check", path, "--x", "b", "--y", "y", "--quiet", "--json"))
    assert found["verdict"] == "stable"
    names = [row["refit"] for row in found["results"]]
    assert names[:2] == ["as it is", "half of the samples"]
    assert [row["n_samples"] for row in found["results"][:3]] == [N, N // 2, N // 4]
    assert found["results"][0]["mutual_info"] == pytest.approx(HALF_LOG_2, abs=0.1)


def test_infinite_values_are_valid_json_and_distrusted(call, tmp_path):
    x = np.arange(100) / 7
    pd.DataFrame({"x": x, "y": x**3}).to_csv(tmp_path / "cube.csv", index=False)
    words = "scores", str(tmp_path / "cube.csv"), "--target", "y", "--quiet"
    found = json.loads(call(*words, "--json"), parse_constant=pytest.fail)
    assert found["results"][0]["mutual_info"] == "Infinity"
    assert "mutual information is infinite" in found["distrust"][0]
    text = call(*words)
    assert "∞" in text
    assert "What to distrust:\n- Columns 'x'" in text


def test_seed(call, path):
    words = "scores", path, "--target", "y", "--x", "c", "--json", "--quiet"
    first, again, other = (call(*words, "--seed", seed) for seed in "112")
    assert first == again
    assert results(first) != results(other)


def test_types(call, tmp_path):
    rng = np.random.default_rng(0)
    code = rng.integers(3, size=300)
    table = pd.DataFrame(
        {
            "text": np.array(["u", "v", "w"])[code],
            "flag": code == 1,
            "code": code,
            "whole": rng.integers(100, size=300),
            "noise": rng.normal(size=300),
        }
    )
    table.to_csv(tmp_path / "types.csv", index=False)
    file = str(tmp_path / "types.csv")
    words = "scores", file, "--target", "code", "--discrete", "code", "--quiet", "--json"
    found = {row["column"]: row["mutual_info"] for row in results(call(*words))}
    entropy = -np.sum(np.log(share := np.bincount(code) / 300) * share)
    assert found["text"] == pytest.approx(entropy, abs=0.02)
    assert 0.5 < found["flag"] < 0.7  # 0.64 of 1.10
    assert found["whole"] < 0.05
    # One text and one number, of which the number is the target: nothing is crossed.
    assert main(["scores", file, "--target", "noise", "--quiet"]) == 0


# What a file may look like, and the columns that are read of it.
LINES = "\n".join(f"{i % 7},{(i * i) % 11},{i % 3}" for i in range(60))
FILES = {
    "plain": f"a,b,c\n{LINES}\n".encode(),
    "byte order mark": b"\xef\xbb\xbf" + f"a,b,c\n{LINES}\n".encode(),
    "line ends of Windows": f"a,b,c\n{LINES}\n".replace("\n", "\r\n").encode(),
    "no last line end": f"a,b,c\n{LINES}".encode(),
    "spaces": f"a, b ,c\n{LINES}\n".replace(",", ", ").encode(),
    "row numbers": (
        ",a,b,c\n" + "\n".join(f"{i},{v}" for i, v in enumerate(LINES.split()))
    ).encode(),
}


@pytest.mark.parametrize("name", FILES)
def test_same_table_in_other_files(call, tmp_path, name):
    (tmp_path / "data.csv").write_bytes(FILES["plain"])
    (tmp_path / "other.csv").write_bytes(FILES[name])
    first, other = (
        results(call("pairs", str(tmp_path / file), "--json", "--quiet"))
        for file in ("data.csv", "other.csv")
    )
    assert first == other


@pytest.mark.parametrize(
    ("file", "text", "options"),
    [
        ("data.tsv", LINES.replace(",", "\t"), []),
        ("data.csv", LINES.replace(",", ";"), ["--sep", ";"]),
        ("data.txt", LINES.replace(",", "\t"), ["--sep", r"\t"]),
    ],
)
def test_separators(call, tmp_path, file, text, options):
    names = text[1].join("abc")
    (tmp_path / file).write_text(f"{names}\n{text}\n")
    rows = results(call("pairs", str(tmp_path / file), "--json", "--quiet", *options))
    assert {(row["x"], row["y"]) for row in rows} == {("a", "b"), ("a", "c"), ("b", "c")}


def test_decimal_commas(call, tmp_path, frame):
    file = tmp_path / "data.csv"
    frame[["b", "y"]].to_csv(file, index=False, sep=";", decimal=",")
    words = (
        "scores",
        str(file),
        "--target",
        "y",
        "--quiet",
        "--json",
        "--sep",
        ";",
        "--decimal",
        ",",
    )
    (row,) = results(call(*words))
    assert row["interval_low"] < HALF_LOG_2 < row["interval_high"]


def test_compressed_and_binary_files(call, tmp_path, path, frame):
    pytest.importorskip("pyarrow", reason="pandas reads Parquet and Feather with pyarrow")
    frame.to_csv(tmp_path / "data.csv.gz", index=False)
    frame.to_parquet(tmp_path / "data.parquet")
    frame.to_feather(tmp_path / "data.feather")
    endings = "csv", "csv.gz", "parquet", "feather"
    files = [str(tmp_path / f"data.{ending}") for ending in endings]
    first, *others = (results(call("pairs", file, "--json", "--quiet")) for file in files)
    assert all(other == first for other in others)


def test_types_of_binary_files(call, fails, tmp_path):
    pytest.importorskip("pyarrow", reason="pandas reads Parquet and Feather with pyarrow")
    codes = [0, 1, None] * 40
    table = {
        "whole": pd.array(codes, dtype="Int64"),
        "flag": pd.array([c if c is None else c > 0 for c in codes], dtype="boolean"),
        "category": pd.Categorical([c if c is None else "uv"[c] for c in codes]),
        "decimal": [c if c is None else Decimal(c) for c in codes],
    }
    pd.DataFrame(table).to_parquet(tmp_path / "types.parquet")
    words = "pairs", str(tmp_path / "types.parquet"), "--json", "--quiet"
    for row in results(call(*words, "--drop-missing")):
        assert row["mutual_info"] == pytest.approx(math.log(2), abs=0.01)
    pd.DataFrame({"lists": [[1], [2]], "b": [1, 2]}).to_parquet(tmp_path / "lists.parquet")
    assert "neither numbers nor text" in fails("pairs", str(tmp_path / "lists.parquet"))


def test_command_of_the_readme(path, frame, tmp_path, monkeypatch, few_steps):
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    (command,) = re.findall(r"^    sklearn-mmg (.*)$", readme, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    frame.rename(columns={"y": "price"}).to_csv("data.csv", index=False)
    assert main(command.split()) == 0
    assert "price" in Path("report.html").read_text(encoding="utf-8")


MISSING = "a,b,c\n" + "\n".join(
    f"{'' if i == 5 else i % 7},{'' if i % 20 == 0 else 'uv'[i % 2]},{i % 3}" for i in range(60)
)


def test_missing_values(call, fails, tmp_path):
    file = tmp_path / "data.csv"
    file.write_text(MISSING)
    words = "scores", str(file), "--target", "c"
    error = fails(*words)
    assert "missing in 4 of 60 rows: 'a' 1, 'b' 3." in error
    assert "--drop-missing" in error
    assert "--impute" in error
    words = *words, "--quiet", "--json"
    dropped = json.loads(call(*words, "--drop-missing"))
    assert (dropped["n_rows"], dropped["n_samples"]) == (60, 56)
    assert "4 of 60 rows are left out" in dropped["notes"][0]
    imputed = json.loads(call(*words, "--impute"))
    assert imputed["n_samples"] == 60
    assert "'a' 1, 'b' 3" in imputed["notes"][0]
    # Only of the columns that are used.
    assert json.loads(call(*words, "--without", "b", "--drop-missing"))["n_samples"] == 59
    assert "nothing is imputed in a target" in fails(
        "scores", str(file), "--target", "a", "--impute"
    )


def test_what_stands_for_missing(call, fails, tmp_path):
    (tmp_path / "data.csv").write_text(MISSING.replace("\n,", "\nunknown,"))
    words = "pairs", str(tmp_path / "data.csv"), "--without", "b"
    assert "mixes numbers and text, such as 'unknown': " in fails(*words)
    text = call(*words, "--na-values", "unknown", "--drop-missing", "--quiet")
    assert "1 of 60 rows are left out" in text


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "data.csv is empty."),
        (b"a,b\n", "data.csv has names of columns and no rows."),
        (b"a\n1\n2\n", "data.csv has one column, 'a', and nothing"),
        (b"a,b,a\n1,2,3\n", "several columns of one name: 'a'"),
        (b"a,b\n1,2,3\n1,2,3\n", "data.csv is no table: "),
        (b"a,b\n1,2\n1,2,3\n", "data.csv is no table: "),
        ("ä,b\n1,2\n".encode("latin-1"), "data.csv is not in utf-8: give --encoding"),
        (b"a;b\n1,5;2,5\n", "separated by semicolons, not by commas: give --sep ';'"),
        (b"day,b\n2024-01-31,1\n2024-02-01,2\n", "'day' has dates or times"),
        (b"day,b\n31.1.24,1\n1.2.24,2\n", "'day' has dates or times"),
        (b"at,b\n2024-01-31 10:00:00,1\n2024-01-31 11:30:00,2\n", "'at' has dates or times"),
        (b'a,b\n"1,5",1\n"2,5",2\n', "'a' has numbers with commas, such as '1,5'"),
        (b"a,b\ninf,1\n2,2\n", "'a' has 1 infinite values"),
        (b"a,b\n,1\n,2\n", "Column 'a' is empty"),
        (b"\x00\xff\xfe\x01" * 50, "data.csv "),
    ],
)
def test_files_that_are_no_tables(fails, tmp_path, content, message):
    (tmp_path / "data.csv").write_bytes(content)
    assert message in fails("pairs", str(tmp_path / "data.csv"))


def test_dates_of_other_files(fails, tmp_path):
    pytest.importorskip("pyarrow", reason="pandas reads Parquet and Feather with pyarrow")
    days = pd.date_range("2024-01-01", periods=3)
    for column in (days, days.date, days - days[0]):
        pd.DataFrame({"day": column, "b": 1.0}).to_parquet(tmp_path / "data.parquet")
        assert "'day' has dates or times" in fails("pairs", str(tmp_path / "data.parquet"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["scores", "--target", "Y"], "--target: there is no column 'Y'. Did you mean 'y'?"),
        (["scores", "--target", "zzzz"], "There are 'b', 'c', 'd, e', 'sign', 'y'."),
        (
            ["scores", "--target", "y", "--x", "bb"],
            "--x: there is no column 'bb'. Did you mean 'b'",
        ),
        (["scores", "--target", "y", "--x", "d, e, b,"], "--x: there is no column 'd'."),
        (["scores", "--target", "y", "--x", ""], "--x: there is no column ''."),
        (["scores", "--target", "b,c"], "--target: 2 columns, where one is needed."),
        (["scores", "--target", "y", "--without", "y"], "--target: there is no column 'y'."),
        (["scores", "--target", "y", "--x", "y"], "'y' is on two sides"),
        (["scores", "--target", "y", "--without", 'b,c,sign,"d, e"'], "no column but the target"),
        (["mi", "--y", "y", "--x", "b", "--given", "b"], "'b' is on two sides"),
        (["mi", "--y", "y", "--x", "b", "--without", "q"], "--without: there is no column 'q'."),
        (["pairs", "--x", "b"], "--x: 1 column, and a pair has two."),
        (["pairs", "--discrete", "nope"], "--discrete: there is no column 'nope'."),
        (
            ["select", "--target", "y", "--n-features", "0"],
            "0 is not between 1 and 4.",
        ),
        (["scores", "--target", "y", "--report", "no/where.html"], "--report: there is no folder"),
    ],
)
def test_mistakes(fails, path, words, message):
    assert message in fails(words[0], path, *words[1:])


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ("none.csv", "No such file"),
        ("book.xlsx", "a spreadsheet as CSV"),
        ("noextension", "suffix ''"),
    ],
)
def test_files_that_are_not_read(fails, tmp_path, file, message):
    assert message in fails("pairs", str(tmp_path / file))


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["nope"],
        ["scores", "data.csv"],
        ["scores", "data.csv", "--target", "y", "--seed", "-1"],
        ["scores", "data.csv", "--target", "y", "--json", "--csv"],
        ["pairs", "data.csv", "--sep", "ab"],
        ["pairs", "data.csv", "--encoding", "klingon"],
        ["pairs", "data.csv", "--impute", "--drop-missing"],
        ["benchmark", "run"],
    ],
)
def test_usage(capsys, words):
    with pytest.raises(SystemExit) as stop:
        main(words)
    assert stop.value.code == 2
    assert "usage: sklearn-mmg" in capsys.readouterr().err


def test_benchmark_has_its_own_command_line(call):
    assert "1v1-normal-0.75" in call("benchmark", "list", "--suite", "bmi40")


def test_interrupt(monkeypatch, path, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("sklearn_mmg.feature_selection.mutual_info_matrix", interrupted)
    assert main(["pairs", path]) == 130
    assert capsys.readouterr().err == "Interrupted\n"


def test_without_pandas(monkeypatch, fails, path):
    monkeypatch.setitem(sys.modules, "pandas", None)
    assert "python -m pip install 'sklearn-mmg[cli]'" in fails("pairs", path)


def test_without_matplotlib(monkeypatch, fails, path, tmp_path):
    monkeypatch.setattr("sklearn_mmg.cli._commands.find_spec", lambda name: None)
    words = "scores", path, "--target", "y", "--report", str(tmp_path / "report.html")
    assert "--report needs the package matplotlib" in fails(*words)


def test_names_cannot_command_the_terminal(call, tmp_path):
    name = "a\x1b[31m\nb"
    (tmp_path / "data.csv").write_text(
        f'"{name}",c\n' + "\n".join(f"{i},{i % 7}" for i in range(60))
    )
    text = call("pairs", str(tmp_path / "data.csv"), "--quiet")
    assert r"a\x1b[31m\nb" in text
    assert "\x1b" not in text


def test_output_that_is_not_unicode(path):
    command = [sys.executable, "-m", "sklearn_mmg", "pairs", path, "--x", "b,c", "--quiet"]
    done = subprocess.run(
        command, capture_output=True, check=True, env=environment(PYTHONIOENCODING="ascii")
    )
    assert b"########" in done.stdout
    assert done.stderr == b""


def environment(**more):
    return os.environ | more


def test_help_and_version_need_nothing_heavy():
    code = (
        "import sys\nfrom sklearn_mmg.cli import main\n"
        "try:\n    main([sys.argv[1]])\nexcept SystemExit:\n"
        "    heavy = {'torch', 'pandas', 'numpy', 'sklearn', 'matplotlib'} & set(sys.modules)\n"
        "    sys.exit(f'imports {heavy}' if heavy else 0)\n"
    )
    version, text = (
        subprocess.run([sys.executable, "-c", code, o], capture_output=True, text=True, check=True)
        for o in ("--version", "--help")
    )
    assert version.stdout.strip() == sklearn_mmg.__version__
    assert all(command in text.stdout for command in ("scores", "mi", "pairs", "select", "check"))


def test_every_command_is_there():
    from sklearn_mmg.cli._commands import COMMANDS

    (commands,) = (a for a in _main.make_parser()._actions if a.dest == "command")
    assert set(commands.choices) == {*COMMANDS, "benchmark"}
