"""Formulas as models write them, dollars that are prices, and formulas that are to do harm."""

from __future__ import annotations

import re
import threading
from html import escape
from pathlib import Path

import pytest

from htmxchat.text.mathml import MAX_LENGTH, NoFormula, mathml
from tests.rendered import check, render, stream, with_sources

DATA = Path(__file__).parent / "data"
FORMULAS = (DATA / "formulas.txt").read_text("utf-8").splitlines()
PRICES = (DATA / "prices.txt").read_text("utf-8").splitlines()


def latex(formula: str) -> str:
    length = 1 if re.match(r"\$[^$]", formula) else 2
    return formula[length:-length].strip()


def test_there_are_two_hundred_of_each() -> None:
    assert min(len(set(FORMULAS)), len(set(PRICES))) >= 200


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_as_models_write_them_is_set(formula: str) -> None:
    mark = "⟪{}⟫" if formula.startswith(("$$", "\\[")) else "⟨{}⟩"
    shown = mark.format(escape(latex(formula), quote=False))
    assert with_sources(render(formula)) == f"<p>{shown}</p>"
    text = f"Here **{formula}**, it is {formula}, and ({formula}). It costs $5."
    assert (
        with_sources(render(text))
        == f"<p>Here <strong>{shown}</strong>, it is {shown}, and ({shown}). It costs $5.</p>"
    )


@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_that_is_cut_off_is_shown_as_it_was_written(formula: str) -> None:
    for end in range(1, len(formula)):
        html = render(f"`a` {formula[:end]}")
        if "<math" in html:  # "$x$" is in "$x$ = $y$"
            assert formula[end - 1] in "$)]"
    assert stream(list(formula)) == stream([formula])


@pytest.mark.parametrize("text", PRICES)
def test_a_price_or_another_dollar_is_no_formula(text: str) -> None:
    html = render(f"{text}")
    assert "<math" not in html
    assert 'class="unset"' not in html
    assert check(html).text == re.sub(r"\\(?=\$)", "", text)


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (r"\foo x", "It has a command that is not known here."),
        (r"\begin{foo}x\end{foo}", "It has an environment that is not known here."),
        (r"\frac{a}", "It is not complete."),
        ("a & b", "Something in it stands where it may not."),
        (r"\newcommand{\a}{\a\a}\a", "It defines a command."),
        (r"\def\a{b}\a", "It defines a command."),
        ("x" * (MAX_LENGTH + 1), f"It is longer than {MAX_LENGTH:,} characters."),
        ("{" * 500 + "x" + "}" * 500, "It is nested too deep."),
    ],
)
def test_what_cannot_be_set_is_shown_as_it_was_written_and_says_why(written: str, why: str) -> None:
    html = render(rf"so \({written}\) there")
    assert html == (
        f'<p>so <span class="unset" title="This is shown as it was written. {why}">'
        f"\\({escape(written)}\\)</span> there</p>"
    )


HOSTILE = {
    "groups": lambda n: "{" * n + "x" + "}" * n,
    "open groups": lambda n: "{" * n,
    "fractions": lambda n: "\\frac a" * n + "b",
    "fractions in groups": lambda n: "\\frac{1}{" * n + "x" + "}" * n,
    "generalized fractions": lambda n: r"\genfrac(){1pt}0a" * n + "x",
    "roots": lambda n: "\\sqrt " * n + "x",
    "roots of degrees": lambda n: "\\sqrt[3]" * n + "x",
    "scripts": lambda n: "x^{" * n + "x" + "}" * n,
    "accents": lambda n: "\\hat " * n + "x",
    "negations": lambda n: "\\not " * n + "x",
    "fences": lambda n: r"\left(" * n + "x" + r"\right)" * n,
    "tables": lambda n: r"\begin{matrix}" * n + "x" + r"\end{matrix}" * n,
    "columns": lambda n: r"\begin{array}{" + "c" * n + "}" + "a&" * n + r"\end{array}",
    "fonts": lambda n: "\\mathbf " * n + "x",
    "sums": lambda n: "a+" * n,
    "primes": lambda n: "x" + "'" * n,
    "macros": lambda n: "\\implies " * n,
    "macros with arguments": lambda n: "\\abs{" * n + "x" + "}" * n,
    "labels": lambda n: "\\label{" * n,
    "texts": lambda n: "\\text{a" * n + "}" * n,
    "aligned": lambda n: "a&b\\\\" * n,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("count", [100, 149, 1_000, 100_000])
def test_no_formula_takes_a_small_stack_or_is_written_long(name: str, count: int) -> None:
    written = HOSTILE[name](count)
    found: list[str] = []

    def convert() -> None:
        try:
            found.append(mathml(written, display=True))
        except NoFormula as reason:
            found.append(str(reason))

    # The smallest stack that Python gives a thread, on Alpine Linux. Beyond it the process dies.
    before = threading.stack_size(1024 * 1024)
    try:
        thread = threading.Thread(target=convert)
        thread.start()
        thread.join()
    finally:
        threading.stack_size(before)
    assert len(found[0]) < 1_000 + 80 * len(written)
    check(f"<p>{found[0]}</p>")


@pytest.mark.parametrize(
    "written",
    [
        r"\href{javascript:alert(1)}{x}",
        r"\text{<img src=x onerror=alert(1)>}",
        r"\text{\"><script>}",
        r"x<script>alert(1)</script>",
        r"\color{red}{x}",
        r"\textcolor{#f00}{x}",
        r"\begin{align}x\label{composer}\end{align}",
        r"\hspace{999em}x\hspace{-999em}y",
        r"\raisebox{99em}{x}",
        r"\genfrac(){99em}{}{a}{b}",
        r"\operatorname{<b onclick=1>}",
        r"\unicode{60}\char60",
        r"\begin{array}{c|c}\hline x&y\end{array}",
        r"\textbf{a}\textsc{b}\texttt{c}",
        r"\boxed{x}\cancel{y}\ref{a}\eqref{b}\url{https://a.example}",
        r"\style{color:red}{x}\class{a}{x}\cssId{a}{x}\data{a=b}{c}",
        r"\htmlClass{a}{x}\htmlId{a}{x}\htmlStyle{a}{x}\includegraphics{a}",
    ],
)
def test_nothing_of_a_formula_becomes_an_element_or_an_attribute(written: str) -> None:
    for text in (rf"\({written}\)", f"\\[\n{written}\n\\]", f"${written}$", f"$${written}=$$"):
        html = render(text)  # which checks each element and attribute
        shown = re.sub("<annotation.*?</annotation>|>[^<]*<", "><", html, flags=re.DOTALL)
        assert not re.search(r" style=|href=|composer|#f00|99|<b|<img|<script", shown)
