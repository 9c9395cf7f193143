"""The command that trains a model."""

import argparse

from stylefuse.cli.arguments import Subparsers, add_model_name
from stylefuse.errors import EXIT_TERMINATED, UserError


def add_train_command(commands: Subparsers) -> None:
    """Add `stylefuse train`."""
    command = commands.add_parser("train", help="train a model (the train stage of dvc.yaml)")
    command.set_defaults(run=_train)
    add_model_name(command)


def _train(args: argparse.Namespace) -> None:
    from stylefuse.config import load_params

    params = load_params()
    params.require_model(args.name)  # before Keras is imported, which takes seconds
    from stylefuse.models.keras_import import import_keras

    import_keras()
    from stylefuse.registry.tracking.tracker import MlflowTracker
    from stylefuse.training.termination import stop_on_sigterm
    from stylefuse.training.trainer import train

    with MlflowTracker(params.registry) as tracker, stop_on_sigterm() as stop:
        completed = train(args.name, params, tracker, stop)
    if not completed:
        raise UserError(
            "the training was stopped; run the same command to resume it from its checkpoint",
            EXIT_TERMINATED,
            code="training-stopped",
        )
