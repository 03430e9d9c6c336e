"""What the commands of signing share: keys from options and the environment, a policy read to be signed."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from avakill.cli.common import Reporter, error
from avakill.source import codes
from avakill.source.diagnostic import Diagnostic

if TYPE_CHECKING:
    from avakill.ir.policy import Policy
    from avakill.signing.keys import Keys
    from avakill.signing.words import Algorithm, Refused
    from avakill.source.file import SourceFile

F = TypeVar("F", bound=Callable[..., Any])


def state_option(function: F) -> F:
    return click.option("--state", type=click.Path(), help="what is remembered of signed policies  [default: ~/.avakill/signing]")(
        function
    )


def state_dir(given: str | None) -> Path:
    from avakill.signing.state import default_state_dir

    return Path(given) if given else default_state_dir()


def diagnostic(refused: Refused) -> Diagnostic:
    return error(refused.code, refused.why, refused.help)


def keys_here(reporter: Reporter) -> Keys:
    """The keys of the environment; one that cannot be used ends with status 1."""
    from avakill.signing.keys import read_keys
    from avakill.signing.words import Refused

    keys = read_keys(os.environ)
    if isinstance(keys, Refused):
        reporter.fail(diagnostic(keys))
    return keys


def key_given(text: str, algorithm: Algorithm, name: str, reporter: Reporter) -> bytes:
    """The key of `--key`."""
    from avakill.signing.keys import POLICY_KEY, read_key
    from avakill.signing.words import Algorithm, Refused

    key = read_key(text, POLICY_KEY if algorithm is Algorithm.HMAC else name)
    if isinstance(key, Refused):
        reporter.fail(diagnostic(replace(key, why=key.why.replace(f"`{POLICY_KEY}`", "--key").replace(f"`{name}`", "--key"))))
    return key


@dataclass(frozen=True, slots=True)
class Validated:
    """A policy that compiles, the bytes that it was read from, and the variables that it reads."""

    data: bytes
    source: SourceFile
    policy: Policy
    warnings: tuple[Diagnostic, ...]
    asked: tuple[str, ...]


def validate(path: Path, reporter: Reporter) -> Validated:
    """The file itself, not what a link points to; whatever is wrong with it ends with status 1."""
    from avakill.compiler.compile import compile_policy, read_source
    from avakill.signing.environment import Recorder
    from avakill.signing.files import read_once, told

    try:
        data = read_once(path)
    except OSError as fault:
        reporter.fail(error(codes.UNREADABLE, f"cannot read `{path}`: {told(fault)}"))
    source = read_source(data, str(path))
    if isinstance(source, Diagnostic):
        reporter.fail(source)
    recorder = Recorder(os.environ)
    compiled = compile_policy(source, recorder)
    if compiled.policy is None:
        Reporter(reporter.style, (source,)).fail(*compiled.diagnostics)
    return Validated(data, source, compiled.policy, compiled.diagnostics, tuple(recorder.asked))


def signature_line(path: Path) -> str | None:
    """What became of checking the signature with the keys of the environment; None where there is no key."""
    from avakill.signing.files import read_followed, read_once, sidecar_of, told
    from avakill.signing.keys import read_keys
    from avakill.signing.sidecar import MAX_BYTES
    from avakill.signing.verify import verify
    from avakill.signing.words import SPOKEN, Refused, counter_of

    keys = read_keys(os.environ)
    if isinstance(keys, Refused):
        return f"signature: {keys.why}"
    if not keys.can_verify:
        return None
    try:
        found = verify(read_followed(path), read_once(sidecar_of(path), MAX_BYTES), keys, os.environ)
    except FileNotFoundError:
        return f"signature: there is no {sidecar_of(path)}"
    except OSError as fault:
        return f"signature: {told(fault)}"
    if isinstance(found, Refused):
        return f"signature: {found.why}"
    return f"signature: valid ({SPOKEN[found.algorithm]}, counter {counter_of(found) or 'none'})"
