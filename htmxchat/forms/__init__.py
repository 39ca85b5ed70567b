"""Forms: a JSON Schema becomes fields, and what was filled in becomes a value that fits it. No I/O.

expanding  a schema with references -> one without, of bounded size; nothing is ever fetched
form       a schema -> the fields of a form; what cannot be drawn is a field for JSON
choosing   what there is to choose from
words      the sentence that says what is right
patterns   regular expressions -> those that a browser may run
reading    what was filled in -> a value, or a sentence for each field that is not right
checking   whether a value fits a schema: the library that knows JSON Schema
"""

from .fields import Field, Form, Group, Option
from .form import arguments_form, form_of, misfit
from .reading import Reading, read

__all__ = ["Field", "Form", "Group", "Option", "Reading", "arguments_form", "form_of", "misfit", "read"]
