"""Checks that settings have in common. Each raises `Misconfigured` naming the setting and its rule."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lookup import validation
from lookup.errors import InvalidInput, Misconfigured, require

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

OWN_TAGS = frozenset({"service", "stage"})
TAG_LIMIT, TAG_LENGTH = 40, 256

_TAG = re.compile(r"[\w .:/=+@-]{1,128}")
_TAG_VALUE = re.compile(r"[\w .:/=+@-]*")
_PORTS: Mapping[str, int] = MappingProxyType({"http": 80, "https": 443})
# What a setting of such a type may be. Whoever edits a stage runs a deploy, and no type checker.
_KINDS: Mapping[str, tuple[tuple[type, ...], str]] = MappingProxyType(
    {
        "bool": ((bool,), "True or False"),
        "int": ((int,), "a whole number"),
        "int | None": ((int, NoneType), "a whole number or None"),
        "str": ((str,), "a text"),
        "str | None": ((str, NoneType), "a text or None"),
    }
)


def require_list(texts: Iterable[str] | None, setting: str) -> None:
    """Check a setting of many texts: it is no single one, whose letters would be taken for them, and none is empty."""
    require(not isinstance(texts, str), setting, f"{texts!r} must be a tuple; of one text it is ({texts!r},)")
    plain = texts is None or (isinstance(texts, tuple | list) and all(isinstance(one, str) and one for one in texts))
    require(plain, setting, f"{texts!r} must be a tuple of texts, none of them empty")


def require_kinds(value: DataclassInstance, prefix: str) -> None:
    """Check that what should be a number, a text or a yes or no is one: `"50"`, `1.5` and `"no"` would go far."""
    for setting in fields(value):
        kinds, words = _KINDS.get(str(setting.type), ((), ""))
        given = getattr(value, setting.name)
        require(not kinds or type(given) in kinds, f"{prefix}{setting.name}", f"{given!r} must be {words}")


def require_made_of(many: object, kind: type, setting: str) -> None:
    """Check that a setting is a mapping of names to values of this kind."""
    pairs = many.items() if isinstance(many, Mapping) else [(None, None)]
    ok = all(isinstance(name, str) and isinstance(one, kind) for name, one in pairs)
    require(ok, setting, f"must be a dict of names, each with a {kind.__name__}")


def require_fields(names: Iterable[str] | None, setting: str) -> None:
    """Check names of user attributes as the functions do, who take no others; None means all."""
    require_list(names, setting)
    try:
        validation.parse_fields({"fields": None if names is None else list(names)})
    except InvalidInput as fault:
        raise Misconfigured(setting, f"{fault.rule}, or be None") from None


def require_tags(tags: Mapping[str, str], setting: str) -> None:
    """Check tags as AWS does."""
    require_made_of(tags, str, setting)
    require(len(tags) <= TAG_LIMIT, setting, f"must be at most {TAG_LIMIT}")
    for key, value in tags.items():
        known = _TAG.fullmatch(key) is not None and not key.lower().startswith("aws:") and key not in OWN_TAGS
        require(known, setting, f"{key!r} is no tag key, or AWS's or the service's own")
        require(len(value) <= TAG_LENGTH, f"{setting}.{key}", f"must have at most {TAG_LENGTH} characters")
        plain = _TAG_VALUE.fullmatch(value) is not None
        require(plain, f"{setting}.{key}", "must be letters, digits, spaces and _ . : / = + - @")


def port_of(url: str, setting: str, *, schemes: tuple[str, ...]) -> int:
    """Return the port of an address. Raises `Misconfigured` when it is none, or not of these schemes."""
    forms = " or ".join(f"{scheme}://" for scheme in schemes)
    rule = f"{url!r} must be an {forms} address without user, query and fragment"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Misconfigured(setting, rule) from None
    plain = parts.hostname and not re.search(r"[\s@?#]", url)
    require(bool(plain) and parts.scheme in schemes, setting, rule)
    return _PORTS[parts.scheme] if port is None else port
