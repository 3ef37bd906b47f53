"""``python -m benchmarks.pysnc_loader URL ROWS [--batch]``: staging with ServiceNow's own client.

Order lines as the target stages them, inserted one by one, or a hundred at a time by the Batch API.
"""

from __future__ import annotations

import argparse

# PySNC ships no types.
import pysnc.client  # type: ignore[import-untyped]

TABLE = "sn_fcms_intg_imp_order_line"
_AT_ONCE = 100


def main() -> None:
    """Stage rows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("rows", type=int)
    parser.add_argument("--batch", action="store_true")
    given = parser.parse_args()
    # PySNC wants https, which would measure TLS; the stand-in speaks plain HTTP to everybody.
    pysnc.client.get_instance = str
    client = pysnc.ServiceNowClient(given.url, ("user", "password"))
    waiting = 0
    for number in range(given.rows):
        record = client.GlideRecord(TABLE)
        record.initialize()
        for name, value in _values(number).items():
            record.set_value(name, value)
        if not given.batch:
            record.insert()
            continue
        client.batch_api.post(record, _check)
        waiting += 1
        if waiting == _AT_ONCE or number == given.rows - 1:
            client.batch_api.execute()
            waiting = 0


def _check(response: object) -> None:
    """Refuse a row that was not taken."""
    if getattr(response, "status_code", 0) != 201:
        raise RuntimeError("The stand-in did not take a row.")


def _values(number: int) -> dict[str, str]:
    return {
        "erp_po_number": str(10_000 + number // 4),
        "erp_po_line_number": str(number % 4 + 1),
        "erp_source": "EXACT-101",
        "product_name": f"Item {number}",
        "product_type": "Good",
        "short_text": f"Item {number} as ordered",
        "purchased_quantity": "12",
        "unit": "pc",
        "unit_price": "15.25",
        "unit_price_currency": "EUR",
        "gl_account": str(4000 + number % 100),
        "cost_center": f"CC{number % 50:03d}",
        "expected_delivery_date": "2026-06-01",
        "supplier_part_number": f"SKU{number}",
    }


if __name__ == "__main__":
    main()
