"""Exports the weights of a trained model to ONNX again: `python -m stylefuse.models FOLDER`."""

import argparse
from pathlib import Path

from stylefuse.errors import run_main
from stylefuse.models.export import export
from stylefuse.models.keras_import import import_keras
from stylefuse.models.saving import load_generator


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder that training wrote")
    folder = parser.parse_args().folder
    import_keras()
    export(*load_generator(folder), folder)


if __name__ == "__main__":
    run_main(main)
