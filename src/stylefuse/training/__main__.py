"""`python -m stylefuse.training`: train with nothing but Keras and a backend installed."""

from stylefuse.config import load_params
from stylefuse.errors import run_main


def main() -> None:
    from stylefuse.training.loop import train

    train(load_params())


if __name__ == "__main__":
    run_main(main)
