"""What Chromium accepts in a form the server accepts, and what it refuses the server refuses: all schemas on one page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Dialog, Page

from htmxchat.events import InputRequested
from htmxchat.forms import Field, Form, form_of, read
from htmxchat.forms.form import misfit
from htmxchat.fragments.turns.asking import asked_form
from htmxchat.html import render, tag
from tests.form_models import MODELS, RECORDED
from tests.forms import ROWS, one
from tests.test_forms import posted
from tests.test_hostile_forms import BOMBS, HOSTILE, _all_patterns_shown

Posted = dict[str, list[str]]
SCHEMAS = {name: row[0] for name, row in {**ROWS, **MODELS, **RECORDED}.items()}
# What is typed in a field of this kind, beside what fits the schema.
NUMBERS = ["", "0", "-1", "1", "7", "1.5", "0.07", "0.075", "1e2", "1e999", "--1", "x", "9007199254740993"]
TEXTS = ["", " ", "a", "ab", " abc ", "x" * 600, "😀", "ABC", "12345", "٣", "a\nb", "2027-02-31", "(", "null"]
TYPED = {
    "number": NUMBERS,
    "integer": NUMBERS,
    "email": ["", "a@b.de", "a@b", "x", ".a@b.de", "a..b@c.de", "a@-b.de", "ä@b.de", "a@b.d", "a b@c.de"],
    "uri": ["", "https://a.de", "x", "mailto:a@b.de", "https://a b", "urn:a", "https://", "//a.de", "javascript:1"],
    "date": ["", "2027-01-31", "0001-01-01", "9999-12-31"],
    "time": ["", "00:00", "14:30", "23:59:59"],
    "moment": ["", "2027-01-31T14:30", "0001-01-01T00:00", "9999-12-31T23:59"],
    "json": ["", "1", '"a"', "[]", "{", "null", "true", "{}"],
}
# Fills a form as a person does, and returns whether the browser would send it, and what.
FILL = """cases => {
  const type = (field, text) => {
    if (field.localName === 'select' || /date|time/.test(field.type)) {
      field.value = text;
      field.dispatchEvent(new Event('input', { bubbles: true }));
      return;
    }
    field.focus();
    field.select();
    document.execCommand(text ? 'insertText' : 'delete', false, text);
  };
  const fill = (form, fields) => {
    for (const [name, texts] of Object.entries(fields)) {
      const [first, ...others] = form.querySelectorAll(`[name=${CSS.escape(name)}]`);
      if (!first) continue;
      if (first.type !== 'checkbox') type(first, texts[0] ?? '');
      else for (const box of [first, ...others]) if (box.checked !== texts.includes(box.value)) box.click();
    }
  };
  const body = document.getElementById('turns');
  return cases.map(({ html, fills }) => {
    body.innerHTML = html;
    const form = body.querySelector('form');
    return fills.map(fields => {
      form.reset();
      // What a group needs depends on what is in it.
      for (const field of form.querySelectorAll('[name^=answer]')) field.dispatchEvent(new Event('input', { bubbles: true }));
      fill(form, fields);
      const valid = form.checkValidity();
      return [valid, [...new FormData(form)].filter(([name]) => name.startsWith('answer'))];
    });
  });
}"""


def fills(form: Form, fits: Posted) -> Iterator[Posted]:
    """Yield what is filled in: what fits, nothing, and in one field after the other what may be wrong."""
    yield fits
    yield {}
    for field in form.fields:
        for texts in typed(field):
            yield {**fits, field.name: texts}


def typed(field: Field) -> list[list[str]]:
    if field.kind == "flag":
        return [[], ["on"]]
    places = [str(place) for place in range(len(field.options))]
    if field.kind == "choices":
        return [places[:count] for count in range(min(len(places), 4) + 1)]
    if field.kind == "choice":
        return [[each] for each in ["", *places[:3]]]
    return [[text] for text in TYPED.get(field.kind, TEXTS)]


def only_the_server_knows(field: Field) -> bool:
    """Whether the browser is not told all that a field demands: patterns that it might not come to an end with, JSON."""
    return field.kind == "json" or not _all_patterns_shown(field)


def drawn(schema: Any) -> str:
    request = InputRequested("q", "Which?", schema=schema, decline="No")
    return render(asked_form("form", "/answer", None, tag("p")("Asks"), request, None))


@pytest.fixture
def forms(page: Page, site: Any) -> Page:
    """A page that has the script of forms, and on which nothing else happens."""
    page.goto(site.url)
    page.fill("#text", "ask form")
    page.press("#text", "Enter")
    page.wait_for_selector("chat-form:defined")
    page.context.set_offline(True)
    return page


def test_the_browser_and_the_server_agree_on_200_schemas(forms: Page) -> None:
    assert len(SCHEMAS) >= 200
    rows = {**ROWS, **MODELS, **RECORDED}
    wrong: list[str] = []
    tried = accepted = 0
    for name, schema in SCHEMAS.items():
        form = form_of(schema)
        filled = [*fills(form, posted(rows[name][1]))]
        filled.append(posted(rows[name][3] or {}))
        ((*told,),) = forms.evaluate(FILL, [{"html": drawn(schema), "fills": filled}])
        for fields, (valid, pairs) in zip(filled, told, strict=True):
            sent: Posted = {}
            for key, text in pairs:
                sent.setdefault(key, []).append(text)
            tried, accepted = tried + 1, accepted + valid
            reading = read(form, sent)
            if valid and reading.problems:
                if not any(map(only_the_server_knows, form.fields)):
                    wrong.append(f"{name}: the browser accepts {sent}, the server says {reading.problems}")
            elif valid and (unfit := misfit(reading.value, schema)):
                wrong.append(f"{name}: {sent} is taken as {reading.value}: {unfit}")
            elif not valid and not read(form, {**sent, **fields}).problems:
                wrong.append(f"{name}: the browser refuses {fields}, the server does not")
    assert not wrong, "\n".join(wrong)
    assert tried > 2_000 and accepted > 600


def test_hostile_schemas_run_nothing_and_stop_no_page(forms: Page) -> None:
    said: list[str] = []

    def note(dialog: Dialog) -> None:
        said.append(dialog.message)
        dialog.dismiss()

    forms.on("dialog", note)
    schemas = [*HOSTILE.values(), *(one(type="string", pattern=pattern) for pattern in BOMBS)]
    tried = 0
    for schema in schemas:
        try:
            html = drawn(schema)
        except ValueError:
            continue  # too large to be asked
        names = [field.name for field in form_of(schema).fields][:2]
        filled = [{}, *({name: ["a" * 5_000 + "!"]} for name in names), {name: ["0"] for name in names}]
        ((*told,),) = forms.evaluate(FILL, [{"html": html, "fills": filled}])
        tried += len(told)
    assert tried > 100 and not said
    assert forms.evaluate("document.querySelectorAll('#turns script, #turns img').length") == 0
