"""A plain BatchSink that posts JSON, default settings."""

from __future__ import annotations

import json
from typing import Any, ClassVar

import requests
from singer_sdk import BatchSink, Target
from singer_sdk import typing as th
from typing_extensions import override


class StockSink(BatchSink):
    """Posts each batch as one JSON document."""

    @override
    def process_batch(self, context: dict[str, Any]) -> None:
        body = json.dumps(context["records"], default=str)
        headers = {"Content-Type": "application/json"}
        requests.post(
            f"{self.config['instance_url']}/stock", data=body, headers=headers, timeout=60
        ).raise_for_status()


class StockTarget(Target):
    """A target like the cookiecutter's."""

    name = "stock-target"
    default_sink_class = StockSink
    config_jsonschema: ClassVar[dict[str, Any]] = th.PropertiesList(
        th.Property("instance_url", th.StringType, required=True)
    ).to_dict()


if __name__ == "__main__":
    StockTarget.cli()
