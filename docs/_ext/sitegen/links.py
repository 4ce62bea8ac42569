"""The check of a built site: links lead somewhere, anchors too, and no page asks the network for anything."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urlsplit

import attrs
from sphinx.util import logging

LOADED = dict.fromkeys(("audio", "embed", "iframe", "img", "script", "source", "video"), "src") | {"link": "href"}
"""Elements that a browser loads something for, and the attribute that says what."""


@attrs.define
class Page(HTMLParser):
    """What a page links to and loads, and the anchors in it."""

    links: list[str] = attrs.field(factory=list)
    loads: list[str] = attrs.field(factory=list)
    anchors: set[str] = attrs.field(factory=set)

    def __attrs_pre_init__(self) -> None:
        super().__init__()

    @classmethod
    def read(cls, path: Path) -> Page:
        """Read one."""
        page = cls()
        page.feed(path.read_text(encoding="utf-8"))
        return page

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Note what an element says."""
        said = {name: value or "" for name, value in attributes}
        self.anchors |= {said[name] for name in ("id", "name") if name in said}
        if tag == "a" and "href" in said:
            self.links.append(said["href"])
        if (address := said.get(LOADED.get(tag, ""))) is not None:
            self.loads.append(address)


def faults(site: Path) -> Iterator[str]:
    """A sentence for each link that leads nowhere, and for each thing that a page loads from elsewhere."""
    pages = {path: Page.read(path) for path in sorted(site.rglob("*.html"))}
    for path, page in pages.items():
        where = path.relative_to(site)
        for address in page.loads:
            if urlsplit(address).scheme not in ("", "data") or address.startswith("//"):
                yield f"{where} loads {address} from the network"
        for address in (*page.links, *page.loads):
            target, anchor = urldefrag(address)
            if urlsplit(address).scheme or address.startswith("//"):
                continue
            file = (path.parent / unquote(urlsplit(target).path)).resolve() if target else path
            file = file / "index.html" if file.is_dir() else file
            if not file.exists():
                yield f"{where} links to {address}, which is not there"
            elif anchor and file in pages and unquote(anchor) not in pages[file].anchors:
                yield f"{where} links to {address}, which has no such anchor"
    for sheet in sorted(site.rglob("*.css")):
        text = sheet.read_text(encoding="utf-8")
        for scheme in ("url(http", "url('http", 'url("http', "url(//", "@import"):
            if scheme in text:
                yield f"{sheet.relative_to(site)} loads from the network: {scheme}…"


def check(app: Any, error: BaseException | None) -> None:
    """Warn of every fault of a site that was built."""
    if error is None and app.builder.format == "html":
        for fault in faults(Path(app.outdir)):
            logging.getLogger(__name__).warning(fault)
