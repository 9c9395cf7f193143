"""The rows of a request in any of MLflow's forms.

MLflow would ignore all columns that a model does not have, so that a misspelt one has no effect,
and turn 7.5 and true into whole numbers.
"""

import difflib
from collections.abc import Collection, Mapping
from typing import Any

from stylefuse.errors import UserError
from stylefuse.inference.predictor import Predictor
from stylefuse.registry.package import request_parameters
from stylefuse.serving.request_checks import MAX_SHOWN, TABLE_KEYS

SPLIT_KEYS = {"columns", "data", "index"}


def rows_of(
    table: Mapping[str, Any], predictor: type[Predictor] | Predictor
) -> list[dict[str, Any]]:
    """The rows of a parsed body; their values are the model's matter.

    Args:
        table: has one of `TABLE_KEYS`.
        predictor: names the inputs and the options.

    Raises:
        UserError: it is not a table, has no rows, or a column by mistake.
    """
    form = next(key for key in TABLE_KEYS if key in table)
    content = table[form]
    if form == "dataframe_split":
        rows = _split_rows(content)
    elif isinstance(content, dict) and form != "dataframe_records":
        rows = _column_rows(content, form)
    else:
        rows = content
    if not isinstance(rows, list):
        raise _invalid(f"{form} must be a list of rows, each an object of names and values")
    if not rows:
        raise UserError("the request holds no rows; send at least one", code="rows-missing")
    columns = [*predictor.inputs, *predictor.optional_inputs]
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            raise _invalid(f"row {number} of {len(rows)} is not an object of names and values")
        for name in row.keys() - {*columns}:
            _refuse_mistake(name, columns, request_parameters(predictor))
    return rows


def _split_rows(content: Any) -> list[dict[str, Any]]:
    if not isinstance(content, dict) or not {"columns", "data"} <= {*content} <= SPLIT_KEYS:
        raise _invalid("dataframe_split must be an object with columns, data and perhaps index")
    columns, data = content["columns"], content["data"]  # the names were checked to be texts
    if len({*columns}) != len(columns):
        raise _invalid("columns holds a name twice")
    if not isinstance(data, list):
        raise _invalid("data must be a list of rows")
    for number, row in enumerate(data, 1):
        if not isinstance(row, list) or len(row) != len(columns):
            raise _invalid(
                f"row {number} of {len(data)} is not a list of {len(columns)} values, one for each "
                "of columns"
            )
    if len(content.get("index") or data) != len(data):
        raise _invalid("index and data differ in length")
    return [dict(zip(columns, row, strict=True)) for row in data]


def _column_rows(content: dict[str, Any], form: str) -> list[dict[str, Any]]:
    """The rows of columns, {name: [value, …]}, or of a single row, {name: value}."""
    lists = [value for value in content.values() if isinstance(value, list)]
    if not lists:
        return [content] if content else []
    if len(lists) < len(content) or len({*map(len, lists)}) > 1:
        raise _invalid(f"the columns of {form} must be lists of the same length")
    return [dict(zip(content, values, strict=True)) for values in zip(*lists, strict=True)]


def _refuse_mistake(name: str, columns: Collection[str], options: Collection[str]) -> None:
    """Refuse a column that is an option or a misspelt input; others, such as numbers of rows, are
    the client's own."""
    shown = name[:MAX_SHOWN]  # comparing a long name would take seconds
    if name in options:
        hint = "it is an option, which belongs into params"
    elif close := difflib.get_close_matches(shown.lower(), columns, n=1):
        hint = f"did you mean {close[0]}?"
    else:
        return
    raise UserError(f"there is no input {shown!r}; {hint}", code="column-unknown")


def _invalid(message: str) -> UserError:
    return UserError(message, code="table-invalid")
