from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from servicenow_client import (
    AmbiguousWrite,
    Answer,
    Rejected,
    Request,
    ServiceNowClient,
    after,
    all_of,
    chunks,
    connect,
    equals,
    one_of,
)
from servicenow_client.import_sets import RowOutcome, merge_outcomes

from .conftest import Network, answer, page


class Table:
    """Serves a sorted table by keyset; hides some rows after the limit, as ACLs do."""

    def __init__(self, ids: list[str], hidden: set[str]) -> None:
        self.ids, self.hidden = sorted(ids), hidden

    def __call__(self, request: Request) -> Answer:
        if request.path == "/oauth_token.do":
            return answer(200, {"access_token": "t", "expires_in": 1800})
        query = request.params["sysparm_query"]
        assert query.endswith("ORDERBYsys_id")
        last = query.split("sys_id>")[1].split("^")[0] if "sys_id>" in query else ""
        behind = [i for i in self.ids if i > last]
        first, most = (int(request.params.get(f"sysparm_{n}", 0)) for n in ("offset", "limit"))
        rows = [{"sys_id": i} for i in behind[first : first + most] if i not in self.hidden]
        if "sysparm_no_count" in request.params:
            return answer(200, {"result": rows})
        return answer(200, {"result": rows}, x_total_count=str(len(behind)))


IDS = st.sets(st.integers(0, 999).map("{:03d}".format))


@given(IDS, st.sets(st.sampled_from("0123456789")), st.integers(1, 7))
def test_a_query_reads_every_visible_row_once(ids: set[str], ends: set[str], size: int) -> None:
    hidden = {i for i in ids if i[-1] in ends or i < "300"}
    client = connect(
        "http://127.0.0.1:1",
        client_id="a",
        client_secret="b",
        transport=Table(list(ids), hidden),
        page_size=size,
    )
    assert [row["sys_id"] for row in client.query("t")] == sorted(ids - hidden)


def test_hidden_rows_are_told_once_of_a_table(
    network: Network, caplog: pytest.LogCaptureFixture
) -> None:
    client = network.client(page_size=2)
    for _ in range(2):
        network.script += [
            answer(200, {"result": []}, x_total_count="3"),
            answer(200, {"result": [{"sys_id": "3"}]}, x_total_count="3"),
            answer(200, {"result": []}, x_total_count="0"),
        ]
        assert list(client.query("t")) == [{"sys_id": "3"}]
    network.script = [answer(200, {"result": []}, x_total_count="0")]
    assert list(client.query("empty")) == []
    assert [record.getMessage().split(" from ")[0] for record in caplog.records] == [
        "ServiceNow hides rows of t"
    ]


@pytest.mark.parametrize("count", ["", "many", "-1", "\u0663"])
def test_without_a_usable_count_an_empty_page_is_the_end(network: Network, count: str) -> None:
    client = network.client()
    network.script = [answer(200, {"result": []}, x_total_count=count)]
    assert list(client.query("t")) == []


def test_a_query_asks_for_speed_and_its_fields(network: Network) -> None:
    client = network.client(page_size=1)
    network.script = [page({"sys_id": "1", "name": "x"}), page({"sys_id": "2"}), page(), page()]
    list(client.query("cmn_cost_center", "active=true^NQnameISEMPTY", ["name"], display="all"))
    first, second, third, again = (dict(r.params) for r in network.requests)
    assert first["sysparm_fields"] == "sys_id,name"
    # Counting costs the instance time: it is left out where a full page came before.
    assert [one.get("sysparm_no_count") for one in (first, second, third, again)] == [
        None,
        "true",
        "true",
        None,
    ]
    assert first["sysparm_display_value"] == "all"
    assert first["sysparm_query"] == "active=true^NQnameISEMPTY^ORDERBYsys_id"
    assert second["sysparm_query"] == ("sys_id>1^active=true^NQsys_id>1^nameISEMPTY^ORDERBYsys_id")


def test_a_page_that_goes_back_is_refused(network: Network, client: ServiceNowClient) -> None:
    network.script = [page({"sys_id": "5"}), page({"sys_id": "5"})]
    with pytest.raises(Rejected, match="does not follow"):
        list(client.query("t"))


def test_display_all_is_followed_by_value(network: Network, client: ServiceNowClient) -> None:
    row = {"sys_id": {"value": "9", "display_value": "nine"}}
    network.script = [page(row), page()]
    assert list(client.query("t", display="all")) == [row]
    assert "sys_id>9" in network.requests[1].params["sysparm_query"]


def test_an_own_order_is_refused() -> None:
    with pytest.raises(Rejected, match="ORDERBY"):
        after("active=true^ORDERBYname", "")


def test_conditions() -> None:
    assert equals("a", "") == "aISEMPTY"
    assert one_of("a", ["x", "y"]) == "aINx,y"
    assert one_of("a", ["x,1", "y"]) == "a=x,1^ORa=y"
    assert all_of("", "a=1", "b=2") == "a=1^b=2"
    for bad in ("x^y", "x\ny", "javascript:gs.now()"):
        with pytest.raises(Rejected):
            equals("a", bad)


@given(st.lists(st.text(max_size=40), max_size=60))
def test_chunks_lose_nothing_and_stay_short(values: list[str]) -> None:
    pieces = list(chunks(values, characters=200, count=10))
    assert [value for piece in pieces for value in piece] == values
    for piece in pieces:
        assert len(piece) <= 10
        assert len(piece) == 1 or sum(3 * len(v.encode()) + 3 for v in piece) <= 200


def test_columns_come_by_table(network: Network, client: ServiceNowClient) -> None:
    network.script = [
        page(
            {
                "sys_id": "1",
                "name": "stage",
                "element": "u_gl",
                "column_label": "GL Account",
                "internal_type": {"value": "string"},
                "max_length": "1,040",
                "mandatory": "true",
                "reference": "",
            },
            {"sys_id": "2", "name": "stage", "element": ""},
        ),
        page(),
    ]
    found = client.columns(["stage", "other"])
    assert found["other"] == []
    (column,) = found["stage"]
    assert (column.element, column.label, column.max_length, column.mandatory) == (
        "u_gl",
        "GL Account",
        1040,
        True,
    )
    assert network.requests[0].params["sysparm_query"].startswith("nameINother,stage^elementISNOT")


def test_transform_maps_show_what_they_coalesce_on(
    network: Network, client: ServiceNowClient
) -> None:
    def entry(sys_id: str, name: str, order: str, source: str, *, key: str) -> dict[str, Any]:
        return {
            "sys_id": sys_id,
            "map.source_table": "stage",
            "map.name": name,
            "map.order": order,
            "map.active": "true",
            "map.target_table": "sn_fin_supplier",
            "source_field": source,
            "target_field": source[2:],
            "coalesce": key,
        }

    network.script = [
        page(
            entry("1", "late", "200", "u_x", key="false"),
            entry("2", "first", "100", "u_code", key="true"),
            entry("3", "first", "100", "u_name", key="false"),
        ),
        page(),
    ]
    first, late = client.transform_maps("stage")
    assert (first.name, first.order, first.coalesces_on) == ("first", 100, ("u_code",))
    assert (late.name, late.coalesces_on) == ("late", ())


def test_insert_multiple_takes_labels_unless_told(
    network: Network, client: ServiceNowClient
) -> None:
    network.script = [answer(403, {"error": {"message": "no"}})]
    assert client.insert_multiple_keys(["stage"]) == {"stage": "label"}
    record = {"sys_id": "1", "source_table": "stage", "column_mapping": "column_name"}
    network.script = [page(record), page()]
    found = client.insert_multiple_keys(["stage", "another"])
    assert found == {"stage": "name", "another": "label"}


def test_insert_multiple_chains_its_sets(network: Network, client: ServiceNowClient) -> None:
    body = {"import_set_id": "s2", "multi_import_set_id": "m"}
    network.script = [answer(201, body)]
    made = client.insert_multiple("stage", [{"Name": "x"}], "s1", "m")
    assert (made.import_set_id, made.multi_import_set_id) == ("s2", "m")
    (request,) = network.requests
    assert request.path == "/api/now/import/stage/insertMultiple"
    assert dict(request.params) == {"run_after": "s1", "multi_import_set_id": "m"}
    assert request.body == b'{"records":[{"Name":"x"}]}'


@pytest.mark.parametrize("nothing", ["", None])
def test_an_import_set_without_a_name_is_looked_for(
    network: Network, client: ServiceNowClient, nothing: str | None
) -> None:
    network.script = [answer(201, {"import_set_id": nothing})]
    with pytest.raises(AmbiguousWrite, match="named no import set"):
        client.insert_multiple("stage", [{"Name": "x"}])


def test_one_row_has_a_result_per_map_and_the_error_counts(
    network: Network, client: ServiceNowClient
) -> None:
    network.script = [
        answer(
            201,
            {
                "import_set": "ISET1",
                "staging_table": "stage",
                "result": [
                    {"transform_map": "a", "table": "t", "status": "inserted", "sys_id": "1"},
                    {"transform_map": "b", "status": "error", "error_message": "no such thing"},
                ],
            },
        )
    ]
    result = client.import_row("stage", {"u_name": "x"})
    assert result.import_set == "ISET1"
    assert (result.decisive.status, result.decisive.message) == ("error", "no such thing")


def _outcome(sys_id: str, key: str, state: str) -> RowOutcome:
    return RowOutcome(sys_id, "s", 0, state, "", "", "", {"u_key": key})


def test_rows_doubled_by_several_maps_are_one() -> None:
    rows = [
        _outcome("1", "A", "ignored"),
        _outcome("2", "A", "inserted"),
        _outcome("3", "B", "error"),
        _outcome("4", "B", "inserted"),
    ]
    merged = merge_outcomes(rows, ["u_key"])
    assert [(o.values["u_key"], o.state) for o in merged] == [("A", "inserted"), ("B", "error")]
    assert len(merge_outcomes(rows, [])) == 4


def test_outcomes_are_read_by_set(network: Network, client: ServiceNowClient) -> None:
    network.script = [
        page(
            {
                "sys_id": "1",
                "sys_import_set": {"value": "s1"},
                "sys_import_row": "1,001",
                "sys_import_state": "error",
                "sys_import_state_comment": "Row transform error",
                "u_key": "A",
            }
        ),
        page(),
    ]
    (outcome,) = client.row_outcomes("stage", "s1", key=["u_key"], states=["error"])
    assert (outcome.import_set_id, outcome.row, outcome.state) == ("s1", 1001, "error")
    assert outcome.values == {"u_key": "A"}
    assert (
        network.requests[0]
        .params["sysparm_query"]
        .startswith("sys_import_set=s1^sys_import_stateINerror")
    )
