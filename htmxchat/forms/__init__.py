"""Forms: a JSON Schema becomes fields, and what was filled in becomes a value that fits it. No I/O.

expanding     replaces the references of a schema; nothing is ever fetched
simplifying   reduces the different ways to write a schema to one
form          converts a schema to a form
schema_field  converts one value of a schema to a field
fields        the data classes of a form
formats       the text formats, each with its pattern
patterns      a schema's patterns, as far as a browser can run them safely
numbers       bounds, and numbers that were typed
texts         values as text: in a field, and for people
reading       converts a posted form to a value, or to a sentence for each wrong field
returned      the contents of a form that was rejected
checking      checks values against a schema, by a library
"""

from .fields import Field, Form, Group, Option
from .form import arguments_form, form_of, misfit
from .reading import Reading, read

__all__ = ["Field", "Form", "Group", "Option", "Reading", "arguments_form", "form_of", "misfit", "read"]
