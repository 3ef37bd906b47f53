"""Writes `hub/`: each plugin of meltano.yml as a definition for other Meltano projects.

`make hub` after a change of meltano.yml; a test compares. What differs is only where the plugin
comes from: `${S2P_REPOSITORY}`, a git URL, instead of this checkout.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("extractors", "mappers", "loaders", "utilities")
HEADER = "# Made by `make hub` from meltano.yml. S2P_REPOSITORY is the git URL of this project.\n"


def definitions() -> dict[Path, str]:
    """Path below the root → text of each definition."""
    project = yaml.safe_load((ROOT / "meltano.yml").read_text())
    return {
        Path("hub", kind, f"{plugin['name']}.yml"): HEADER
        + yaml.safe_dump(_published(plugin), sort_keys=False, allow_unicode=True, width=100)
        for kind in KINDS
        for plugin in project["plugins"].get(kind, ())
        if "inherit_from" not in plugin
    }


def _published(plugin: dict[str, Any]) -> dict[str, Any]:
    return {**plugin, "variant": "exactonline-s2p", "pip_url": _from_git(plugin["pip_url"])}


def _from_git(pip_url: str) -> str:
    """Replace `-e ${MELTANO_PROJECT_ROOT}/path[extra]` by a direct reference to the repository."""
    references = []
    for word in pip_url.split():
        path, found, _extra = word.partition("[")
        if word.startswith("${MELTANO_PROJECT_ROOT}/") and "requirements.lock" not in word:
            path = path.removeprefix("${MELTANO_PROJECT_ROOT}/")
            extra = f"[{_extra}" if found else ""
            name = Path(path).name
            references.append(f"{name}{extra}@git+${{S2P_REPOSITORY}}#subdirectory={path}")
    return " ".join(references)


def main() -> int:
    """Write all definitions."""
    for path, text in definitions().items():
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
