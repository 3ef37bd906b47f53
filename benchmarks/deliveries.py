"""``python -m benchmarks.deliveries``: how many webhook deliveries a second are kept.

Signed deliveries over kept connections, each answered when it is on disk. Run it on a machine that
does nothing else; client and server share its cores.
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import http.client
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit
from uuid import UUID

__all__ = ["main", "measure"]

_SECRET = "benchmark"
_S2P = Path(sys.executable).parent / "s2p"


def measure(deliveries: int, connections: int) -> tuple[float, float, int]:
    """Give deliveries a second, the server's CPU µs for each, and how many were kept."""
    with TemporaryDirectory(prefix="s2p-hooks-") as folder:
        url = f"sqlite:///{folder}/store.db"
        environment = {**os.environ, "S2P_WEBHOOK_SECRET": _SECRET, "S2P_STORE_URL": url}
        with subprocess.Popen(
            [_S2P, "webhooks", "serve", "--port", "0"],
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=folder,
        ) as server:
            assert server.stderr is not None
            address = server.stderr.readline().split("Listening on ")[1].strip().rstrip(".")
            bodies = [_body(number) for number in range(deliveries)]
            shares = [bodies[start::connections] for start in range(connections)]
            began = time.perf_counter()
            with ThreadPoolExecutor(connections) as pool:
                kept = sum(pool.map(lambda share: _deliver(address, share), shares))
            seconds = time.perf_counter() - began
            server.terminate()
            _, _, used = os.wait4(server.pid, 0)
            server.returncode = 0
    cpu = used.ru_utime + used.ru_stime
    return deliveries / seconds, cpu / deliveries * 1e6, kept


def main() -> int:
    """Print one line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.deliveries", description=__doc__)
    parser.add_argument("--deliveries", type=int, default=10_000)
    parser.add_argument("--connections", type=int, default=32)
    given = parser.parse_args()
    rate, cpu, kept = measure(given.deliveries, given.connections)
    print(f"{rate:,.0f} deliveries/s, {cpu:.0f} µs CPU of the server for each, {kept:,} kept")
    return 0


def _deliver(address: str, bodies: list[bytes]) -> int:
    parts = urlsplit(address)
    connection = http.client.HTTPConnection(parts.netloc)
    kept = 0
    for body in bodies:
        connection.request("POST", parts.path, body)
        with connection.getresponse() as answer:
            answer.read()
            kept += answer.status == 200
    connection.close()
    return kept


def _body(number: int) -> bytes:
    content = json.dumps(
        {
            "Topic": "PurchaseEntries",
            "ClientId": "c",
            "Division": 101,
            "Action": "Update",
            "Key": str(UUID(int=number)),
            "ExactOnlineEndpoint": "https://start.exactonline.nl/api/v1/101",
            "EventCreatedOn": "2026-03-02T12:00:00.1",
        },
        separators=(",", ":"),
    ).encode()
    digest = hmac.new(_SECRET.encode(), content, hashlib.sha256).hexdigest().upper()
    return b'{"Content":' + content + b',"HashCode":"' + digest.encode() + b'"}'


if __name__ == "__main__":
    sys.exit(main())
