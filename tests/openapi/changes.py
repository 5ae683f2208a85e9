"""What of an OpenAPI document's change breaks a partner who was built on the older one."""

from __future__ import annotations

from collections.abc import Iterator

from tests.openapi.schemas import Json, Schemas

METHODS = ("get", "put", "post", "patch", "delete", "head", "options")


def breaking(old: Json, new: Json) -> list[str]:
    """Return every change that breaks, each with its place."""
    return list(_Comparison(old, new).run())


def allows_breaking(old_version: str, new_version: str) -> bool:
    """Return whether the versions announce a break: a new major version, or before 1.0 a new minor one."""
    before, after = _numbers(old_version), _numbers(new_version)
    return after[:1] > before[:1] or (before[0] == after[0] == 0 and after[:2] > before[:2])


def _numbers(version: str) -> list[int]:
    return [int(number) for number in version.split(".")]


class _Comparison:
    def __init__(self, old: Json, new: Json) -> None:
        self._old = old
        self._new = new
        self._schemas = Schemas(old, new)

    def run(self) -> Iterator[str]:
        for path, item in self._old["paths"].items():
            for method in (name for name in METHODS if name in item):
                where = f"{method.upper()} {path}"
                after = self._new["paths"].get(path, {}).get(method)
                if after is None:
                    yield f"{where}: removed"
                else:
                    yield from self._operation(item[method], after, where)

    def _operation(self, old: Json, new: Json, where: str) -> Iterator[str]:
        yield from self._parameters(old, new, where)
        yield from self._body(old.get("requestBody", {}), new.get("requestBody", {}), f"{where} body")
        yield from _scopes(old, new, where)
        for status, before in old["responses"].items():
            after = new["responses"].get(status)
            if after is None:
                yield f"{where} {status}: removed"
            else:
                yield from self._response(before, after, f"{where} {status}")

    def _parameters(self, old: Json, new: Json, where: str) -> Iterator[str]:
        before, after = _named(old), _named(new)
        yield from (f"{where} {name}: removed" for name in before if name not in after)
        for name, parameter in after.items():
            known = before.get(name, {})
            if parameter.get("required") and not known.get("required"):
                yield f"{where} {name}: newly required"
            if known:
                yield from self._schemas.breaks(known["schema"], parameter["schema"], f"{where} {name}", sent=True)

    def _body(self, old: Json, new: Json, where: str) -> Iterator[str]:
        if new.get("required") and not old.get("required"):
            yield f"{where}: newly required"
        yield from self._contents(old, new, where, sent=True)

    def _response(self, old: Json, new: Json, where: str) -> Iterator[str]:
        gone = sorted(set(old.get("headers", {})) - set(new.get("headers", {})))
        yield from (f"{where} header {name}: removed" for name in gone)
        yield from self._contents(old, new, where, sent=False)

    def _contents(self, old: Json, new: Json, where: str, *, sent: bool) -> Iterator[str]:
        for kind, before in old.get("content", {}).items():
            after = new.get("content", {}).get(kind)
            if after is None:
                yield f"{where} {kind}: removed"
            else:
                yield from self._schemas.breaks(before.get("schema", {}), after.get("schema", {}), where, sent=sent)


def _named(operation: Json) -> dict[str, Json]:
    return {f"{one['in']} parameter {one['name']}": one for one in operation.get("parameters", ())}


def _scopes(old: Json, new: Json, where: str) -> Iterator[str]:
    """Of several alternatives one is enough: a break is a scope that every alternative wants and none wanted before."""
    before, after = _demanded(old), _demanded(new)
    yield from (f"{where}: newly wants the scope {scope}" for scope in sorted(after - before))


def _demanded(operation: Json) -> set[str]:
    alternatives = [{scope for scopes in one.values() for scope in scopes} for one in operation.get("security", ())]
    return set.intersection(*alternatives) if alternatives else set()
