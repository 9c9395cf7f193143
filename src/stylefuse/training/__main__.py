"""`python -m stylefuse.training MODEL`: train with nothing but Keras and a backend installed."""

import sys

from stylefuse.config import load_params
from stylefuse.errors import UserError, run_main


def main() -> None:
    params = load_params()
    if len(sys.argv) != 2:
        raise UserError(f"name one model: {', '.join(params.models)}", code="model-not-named")
    from stylefuse.training.trainer import train

    train(sys.argv[1], params)


if __name__ == "__main__":
    run_main(main)
