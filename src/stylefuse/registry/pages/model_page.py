"""The description of a registered model, above its versions."""

import json
from typing import TYPE_CHECKING

from PIL import Image

from stylefuse.config import Params
from stylefuse.inference.predictor import Predictor, find_predictor
from stylefuse.models.task import find_task
from stylefuse.registry.package import request_parameters
from stylefuse.registry.pages.markdown import compose, unwrap
from stylefuse.registry.pages.sample_images import first_image
from stylefuse.registry.store import CHAMPION, registered_name

if TYPE_CHECKING:
    from mlflow import MlflowClient

GENERATED = "*`stylefuse register` updates this text. Delete this line to keep your own.*"


def describe_model(client: "MlflowClient", params: Params, model: str) -> None:
    """Update the description of a registered model, unless a person has written another."""
    registered = client.get_registered_model(registered_name(model))
    current = registered.description
    generated = not current or current == find_task(model).description or GENERATED in current
    champion = client.get_model_version(registered.name, registered.aliases[CHAMPION])
    text = model_page(params, model, champion.version, champion.description or "")
    if generated and current != text:
        client.update_registered_model(registered.name, text)


def model_page(params: Params, model: str, champion: str, champion_description: str) -> str:
    """The description of a registered model.

    Args:
        params: for the limits.
        model: its name in `params.yaml`.
        champion: the champion's version number.
        champion_description: the page shows its first image.
    """
    task, limits, name = find_task(model), params.serve, registered_name(model)
    domains = " and ".join(f"{domain}s" for domain in params.model_settings(model).domains)
    sections = {
        f"Samples of version {champion}": first_image(champion_description),
        "Use": [
            f"`stylefuse serve {model}` serves the champion, and so does `mlflow models serve "
            f"-m models:/{name}@{CHAMPION} --env-manager local -p 5001`:",
            "",
            "```",
            *request_example(find_predictor(model)),
            "```",
        ],
        "Limits": [
            f"- It was trained on {domains}; each version lists their licences.",
            f"- A picture in a request may have {limits.max_pixels / 1e6:g} million pixels, a "
            f"returned one {limits.max_side} on its longer side; a request may have "
            f"{limits.max_batch} rows.",
        ],
        "Versions": [
            "A version becomes champion if it is statistically significantly better than the "
            "champion on held-out pictures; its page has the gate's decision. "
            f"`stylefuse gate {model}` evaluates the challenger, `stylefuse promote {model} "
            f"VERSION` and `stylefuse rollback {model}` change the champion. `stylefuse verify "
            f"{name}@{CHAMPION}` checks a version's signature, `stylefuse reproduce` trains it "
            "again.",
            "",
            GENERATED,
        ],
    }
    return compose(unwrap(task.description), sections)


def request_example(predictor: type[Predictor]) -> list[str]:
    """A request as lines of a shell command."""
    row = {name: "BASE64" if kind is Image.Image else 1 for name, kind in predictor.inputs.items()}
    return [
        "curl http://127.0.0.1:5001/invocations -H 'Content-Type: application/json' -d '",
        f'{{"dataframe_records": [{json.dumps(row)}],',
        f' "params": {json.dumps(request_parameters(predictor))}}}\'',
    ]
