"""What runs leave behind holds no secret and nobody's data in clear."""

from __future__ import annotations

from typing import TYPE_CHECKING

from support.few_rows import few_rows

if TYPE_CHECKING:
    from pathlib import Path

    from support.world import World

PERSONAL = (
    "Name",
    "SupplierName",
    "AccountName",
    "AddressLine1",
    "Phone",
    "Email",
    "VATNumber",
    "ChamberOfCommerce",
    "CreatorFullName",
    "ModifierFullName",
)
SHORTEST = 6
"""Shorter texts stand in other words and in ciphertext."""


def test_nothing_is_left_in_clear(world: World) -> None:
    world.fault("servicenow", "hibernation", "imp_invoice/insertMultiple")
    failed = world.run()
    assert not failed.ok
    refused = world.run(TARGET_SERVICENOW_S2P_FAIL_ON="held")
    assert not refused.ok
    assert world.outcome().holds

    left = {path: path.read_bytes() for path in _files(world.home)}
    assert {"store.db", "state.json"} <= {path.name for path in left}
    secrets = [*world.secrets(), *_tokens(world)]
    assert len(secrets) > 5
    personal = _personal()
    assert len(personal) > 80
    found = {
        (path.name, text)
        for path, content in left.items()
        for text in (*secrets, *personal)
        if text.encode() in content
    }
    assert found == set()


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _tokens(world: World) -> list[str]:
    """What the vault holds, which nothing else may hold."""
    client = world.pipeline.environment["TAP_EXACTONLINE_CLIENT_ID"]
    with world.store() as store:
        payload = store.vault.load("exactonline", client)
    assert payload is not None
    found = [value for name, value in payload.items() if name.endswith("_token")]
    assert len(found) >= 2  # access and refresh token
    return found


def _personal() -> set[str]:
    return {
        value
        for resource, row in few_rows()
        if not resource.endswith(("Divisions", "Me"))
        for name in PERSONAL
        if isinstance(value := row.get(name), str) and len(value) >= SHORTEST
    }
