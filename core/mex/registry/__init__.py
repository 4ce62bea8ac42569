"""The registry: takes plugins, survives broken ones, builds components by name."""

from __future__ import annotations

import copy
import importlib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pluggy

from mex import hooks
from mex.errors import UsageError, suggest
from mex.hooks import EXTENSIONS, KINDS, PROJECT, Component
from mex.params import check_names, default, fields
from mex.registry.files import no_file
from mex.registry.provided import Broken, Provided
from mex.registry.spec import Spec, fits_json, plain

__all__ = ["Broken", "Provided", "Registry"]

HOOKS = frozenset(name for name, value in vars(hooks).items() if hasattr(value, f"{PROJECT}_spec"))


class _Manager(pluggy.PluginManager):
    """Looks among the attributes of a plugin at hooks alone: pluggy inspects each, which takes as long as all else."""

    def parse_hookimpl_opts(self, plugin: object, name: str) -> pluggy.HookimplOpts | None:
        return super().parse_hookimpl_opts(plugin, name) if name in HOOKS else None


class Registry:
    """The components of the plugins added to it. A value: tests make their own.

    Attributes:
        manager: the pluggy manager that calls the hooks.
        broken: plugins that were refused, with their reasons.
        installed: whether it holds exactly what is installed, so that another process can load the same.
    """

    def __init__(self) -> None:
        self.manager = _Manager(PROJECT)
        self.manager.add_hookspecs(hooks)
        self.broken: list[Broken] = []
        self.installed = False
        self._provided: dict[tuple[str, str], Provided] = {}

    def add(self, load: Callable[[], object], name: str, provider: str = "(given)", version: str = "") -> bool:
        """Load one plugin and register all its components, or none of them and note why."""
        self.installed = False
        try:
            plugin = load()
            self._register(plugin, name)
            try:
                components = self._new(getattr(plugin, "mex_components", list)())
            except BaseException:
                self.manager.unregister(plugin)
                raise
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # a plugin may do anything when it is imported
            reason = f"{type(error).__name__}: {error}" if not isinstance(error, UsageError) else str(error)
            self.broken.append(Broken(name, provider, " ".join(reason.split())))
            return False
        self._provided |= {(c.kind, c.name): Provided(c, provider, version) for c in components}
        return True

    def _register(self, plugin: object, name: str) -> None:
        marked = [attr for attr in dir(plugin) if hasattr(getattr(plugin, attr, None), f"{PROJECT}_impl")]
        for attr in marked:
            if attr not in HOOKS:
                raise UsageError(f"unknown hook {attr!r}{suggest(attr, HOOKS)}")
        if not marked:
            raise UsageError(f"no hook in it: mark a function {' or '.join(sorted(HOOKS))} with @mex.hookimpl")
        if self.manager.has_plugin(name):
            raise UsageError(f"another plugin is called {name!r} already")
        if self.manager.is_registered(plugin):
            raise UsageError(f"this is the plugin {self.manager.get_name(plugin)!r} again")
        try:
            self.manager.register(plugin, name)
        except pluggy.PluginValidationError as error:
            if self.manager.is_registered(plugin):  # before pluggy 1.7 it is, in part
                self.manager.unregister(plugin)
            raise UsageError(str(error)) from None

    def _new(self, declared: Iterable[Component]) -> list[Component]:
        components = list(declared)
        owners = {key: provided.provider for key, provided in self._provided.items()}
        for component in components:
            if not isinstance(component, Component):
                raise UsageError(f"mex_components must return mex.Component records, not {component!r}")
            key = (component.kind, component.name)
            if key in owners:
                raise UsageError(f"{component.kind} {component.name!r} is already provided by {owners[key]}")
            owners[key] = "this plugin"
        return components

    def extended(self, components: Iterable[Component]) -> Registry:
        """A copy that has some more components; a name that is there already is a :class:`UsageError`."""
        more = copy.copy(self)
        more._provided = self._provided | {(c.kind, c.name): Provided(c, "(given)", "") for c in self._new(components)}
        return more

    def provided(self, kind: str | None = None) -> list[Provided]:
        """All components, or those of one kind, sorted by kind and name."""
        order = {k: i for i, k in enumerate((*KINDS, *EXTENSIONS))}
        found = [p for (k, _), p in self._provided.items() if kind in (None, k)]
        return sorted(found, key=lambda p: (order[p.component.kind], p.component.name))

    def find(self, kind: str, name: str) -> Provided:
        """The component of that kind and name.

        Raises:
            UsageError: if there is none; the sentence names the nearest.
        """
        if (kind, name) in self._provided:
            return self._provided[kind, name]
        known = [p.component.name for p in self.provided(kind)]
        raise UsageError(f"no {kind} named {name!r}{no_file(kind, name) or suggest(name, known)}")

    def target(self, kind: str, name: str) -> Any:
        """What a component or an extension names as its target, imported now.

        Raises:
            UsageError: if there is none of that name, or its module does not load.
        """
        provided = self.find(kind, name)
        module, _, attribute = provided.component.target.partition(":")
        try:
            return getattr(importlib.import_module(module), attribute)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise UsageError(
                f"{kind} {name!r} of {provided.provider} does not load: {type(error).__name__}: {error}"
            ) from error

    def load(self, kind: str, name: str) -> type[Any]:
        """The class behind a component.

        Raises:
            UsageError: as :meth:`target`, and if it is no class.
        """
        cls = self.target(kind, name)
        if not inspect.isclass(cls):
            provided = self.find(kind, name)
            raise UsageError(f"{kind} {name!r} of {provided.provider}: {provided.component.target} is not a class")
        return cls

    def build(self, kind: str, spec: Spec | str | Mapping[str, Any]) -> Any:
        """The component that ``spec`` describes, its parameters checked.

        Raises:
            UsageError: naming the component and the parameter that is wrong.
        """
        spec = Spec.of(spec, kind)
        if "nest" in spec.params and kind == "defense":
            from mex.defense import Nested

            return Nested(tuple(self.build(kind, layer) for layer in spec.layers))
        cls = self.load(kind, spec.name)
        label = f"{kind} {spec.name!r}"
        check_names(label, cls, spec.params)
        params = plain(spec.params)  # a copy: what a component does to a list of its own changes no other
        for field in fields(cls):
            inner, value = field.metadata.get("component"), params.get(field.name, default(field))
            if inner and value is not None:
                params[field.name] = self.build(inner, value)
        try:
            return cls(**params)
        except (ValueError, TypeError) as error:  # a UsageError is a ValueError
            raise UsageError(f"{label}: {error.args[0] if error.args else error}") from None

    def resolve(self, kind: str, spec: Spec | str | Mapping[str, Any]) -> Spec:
        """``spec`` with every default filled in: what a record says and a cell is known by.

        Raises:
            UsageError: as :meth:`build`, and for a parameter that no record could hold.
        """
        spec = Spec.of(spec, kind)
        if "nest" in spec.params and kind == "defense":
            return Spec.nested([self.resolve(kind, layer) for layer in spec.layers])
        self.build(kind, spec)
        params: dict[str, Any] = {}
        for field in fields(self.load(kind, spec.name)):
            value = plain(spec.params.get(field.name, default(field)))
            if "component" in field.metadata and value is not None:
                inner = self.resolve(field.metadata["component"], value)
                value = {"use": inner.name, **inner.params}
            if not fits_json(value):
                shown = " ".join(repr(value).split())
                raise UsageError(f"{kind} {spec.name!r}: {field.name} must be what JSON can hold, not {shown}")
            params[field.name] = value
        return Spec(spec.name, params)

    def implementations(self, hook: str) -> Iterator[tuple[str, Callable[..., Any]]]:
        """The name of each plugin that implements ``hook``, and a function that calls it by keyword."""
        for impl in getattr(self.manager.hook, hook).get_hookimpls():
            yield impl.plugin_name, lambda impl=impl, **kwargs: impl.function(*(kwargs[a] for a in impl.argnames))
