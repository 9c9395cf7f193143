"""The page of a registered model, above its versions: what it is for and how to use it."""

import json
from typing import TYPE_CHECKING

from PIL import Image

from stylefuse.config import Params
from stylefuse.models.task import Task, find_task
from stylefuse.registry.package import dials
from stylefuse.registry.pages.markdown import compose, unwrapped
from stylefuse.registry.pages.sample_images import first_picture
from stylefuse.registry.store import CHAMPION, registered_name

if TYPE_CHECKING:
    from mlflow import MlflowClient

SIGNED = "*`stylefuse register` keeps this text up to date; without this line it leaves it alone.*"


def describe_model(client: "MlflowClient", params: Params, model: str) -> None:
    """Bring the page of a registered model up to date, unless someone has made it their own."""
    found = client.get_registered_model(registered_name(model))
    card = find_task(model).description
    ours = not found.description or found.description == card or SIGNED in found.description
    champion = client.get_model_version(found.name, found.aliases[CHAMPION])
    text = model_card(params, model, champion.version, champion.description or "")
    if ours and found.description != text:
        client.update_registered_model(found.name, text)


def model_card(params: Params, model: str, champion: str, description: str) -> str:
    """What is said of a registered model.

    Args:
        params: tell the limits.
        model: its name in `params.yaml`.
        champion: the number of the version that is champion.
        description: of that version; its first picture is shown.
    """
    task, limits, name = find_task(model), params.serve, registered_name(model)
    domains = " and ".join(f"{domain}s" for domain in params.model_settings(model).domains)
    sections = {
        f"Samples of version {champion}": first_picture(description),
        "Use": [
            f"`stylefuse serve {model}` answers with the champion, and so does `mlflow models serve"
            f" -m models:/{name}@{CHAMPION} --env-manager local -p 5001`:",
            "",
            "```",
            *request_example(task),
            "```",
        ],
        "Limits": [
            f"- It was trained on {domains}; each version tells under which licences.",
            f"- A picture that is sent may have {limits.max_pixels / 1e6:g} million pixels, one "
            f"that comes back {limits.max_side} on its longer side; a request may hold "
            f"{limits.max_batch} rows.",
        ],
        "Versions": [
            "A version becomes champion if it is better than the champion on held-out pictures, "
            "beyond chance; its page tells what the gate found. "
            f"`stylefuse gate {model}` judges the challenger, `stylefuse promote {model} VERSION` "
            f"and `stylefuse rollback {model}` move the champion by hand. `stylefuse verify "
            f"{name}@{CHAMPION}` sees that a version is what was registered, and by whom; "
            "`stylefuse reproduce` makes it again.",
            "",
            SIGNED,
        ],
    }
    return compose(unwrapped(task.description), sections)


def request_example(task: Task) -> list[str]:
    """A request as a shell command."""
    row = {name: "BASE64" if kind is Image.Image else 1 for name, kind in task.inputs.items()}
    return [
        "curl http://127.0.0.1:5001/invocations -H 'Content-Type: application/json' -d '",
        f'{{"dataframe_records": [{json.dumps(row)}],',
        f' "params": {json.dumps(dials(task))}}}\'',
    ]
