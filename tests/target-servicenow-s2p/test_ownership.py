"""What ServiceNow owns is staged with a new record, and never over what it has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from s2p_reference.errors import ReferenceSettingError
from s2p_store import PairLink
from target_servicenow_s2p.errors import OwnershipImpossible

from .conftest import SOURCE, record, schema, stream

if TYPE_CHECKING:
    from .conftest import Feed, Instance

CENTERS, ACCOUNTS = "cmn_cost_center", "sn_fin_gl_account"
STAGED = "sn_fcms_intg_imp_cost_center"
OWNED = {"cost_centers.description": "servicenow"}
CREATED = "2026-01-01T08:00:00.000Z"


def centers(name: str = "Sales", **more: object) -> list[dict[str, Any]]:
    known = {"ID": "c1", "Code": "CC1", "Description": name, "Active": True, "Created": CREATED}
    return stream("cost_centers", {**known, **more})


def change(instance: Instance, table: str, **values: str) -> None:
    (row,) = instance.rows(table)
    instance.control("rows", {"table": table, "rows": [{**row, **values}], "key": ["sys_id"]})


def center(instance: Instance) -> dict[str, Any]:
    (row,) = instance.rows(CENTERS)
    return row


def test_what_servicenow_owns_goes_in_with_a_new_record_only(
    feed: Feed, instance: Instance
) -> None:
    feed.run(centers(), ownership=OWNED)
    assert center(instance)["name"] == "Sales"
    change(instance, CENTERS, name="Verkoop")
    feed.run(centers("Sales and more"), ownership=OWNED)
    assert len(instance.rows(STAGED)) == 1
    feed.run(centers("Sales again", EndDate="2026-12-31"), ownership=OWNED)
    row = center(instance)
    assert (row["name"], row["valid_to"]) == ("Verkoop", "2026-12-31 00:00:00")
    assert len(instance.rows(STAGED)) == 2


def test_by_default_only_what_exact_has_no_field_for_is_left_alone(
    feed: Feed, instance: Instance
) -> None:
    feed.run(centers())
    assert center(instance)["valid_from"] == "2026-01-01 08:00:00"
    change(instance, CENTERS, valid_from="2026-02-02 00:00:00", name="Verkoop")
    feed.run(centers("Marketing"))
    row = center(instance)
    assert (row["name"], row["valid_from"]) == ("Marketing", "2026-02-02 00:00:00")


@pytest.mark.parametrize("known", ["pair", "kept", "mapper"])
def test_a_record_that_was_there_before_keeps_its_own(
    feed: Feed, instance: Instance, known: str
) -> None:
    """Never staged from here: the store knows that ServiceNow has it."""
    (source,) = instance.rows("sn_fin_erp_source")
    own = {"account_number": "CC1", "name": "Verkoop", "erp_source": source["sys_id"]}
    instance.control("rows", {"table": CENTERS, "rows": [own]})
    with feed.store() as store:
        if known == "pair":
            link = PairLink("cost_centers", 100, "s1", "c1", "CC1", {})
            store.pairs.settle("cost_centers", 100, [link], [], "r")
        elif known == "kept":
            kept = {"id": "s1", "account_number": "CC1", "code": None, "erp_source": SOURCE}
            store.reference.save("servicenow-tables", "*", "cost_centers", [kept])
        else:
            host = instance.url.removeprefix("http://")
            seen = {"id": "s1", "code": "CC1", "erp_source": "x", "erp_names": [SOURCE]}
            store.reference.save("servicenow", host, "cost_center", [seen])
    feed.run(centers(), ownership=OWNED)
    assert center(instance)["name"] == "Verkoop"


def test_a_record_that_was_deleted_there_gets_all_of_it_again(
    feed: Feed, instance: Instance
) -> None:
    feed.run(centers(), ownership=OWNED)
    instance.delete(CENTERS, center(instance)["sys_id"])
    with feed.store() as store:
        # As the mapper keeps what it has read at its start.
        host = instance.url.removeprefix("http://")
        other = {"id": "s2", "code": "CC2", "erp_source": "x", "erp_names": [SOURCE]}
        store.reference.save("servicenow", host, "cost_center", [other])
    feed.run(centers("Sales", EndDate="2026-12-31"), ownership=OWNED)
    assert center(instance)["name"] == "Sales"


def test_ownership_of_one_division(feed: Feed, instance: Instance) -> None:
    for ownership, name in (({"101": OWNED}, "Marketing"), ({"100": OWNED}, "Verkoop")):
        feed.run(centers("Sales"), ownership=ownership)
        change(instance, CENTERS, name="Verkoop")
        feed.run(centers("Marketing"), ownership=ownership)
        assert center(instance)["name"] == name


def test_what_servicenow_owns_is_not_ended_by_a_deletion(feed: Feed, instance: Instance) -> None:
    ownership = {"blocked": "servicenow", "end_date": "servicenow"}
    account = {"ID": "g1", "Code": "4000", "Description": "Office", "BalanceType": "W"}
    feed.run([*stream("gl_accounts", account), *centers()], ownership=ownership)
    told = [
        record("deletions", ID=key, EntityKey=key, EntityName=kind, DeletedDate=CREATED)
        for kind, key in (("GLAccounts", "g1"), ("Costcenters", "c1"))
    ]
    feed.run([schema("deletions"), *told], ownership=ownership)
    assert [row["inactive"] for row in instance.rows(ACCOUNTS)] == ["false"]
    assert center(instance)["valid_to"] == ""
    assert len(instance.rows(STAGED)) == 1


def test_a_map_that_copies_empty_fields_is_told_before_it_empties(
    feed: Feed, instance: Instance
) -> None:
    instance.switch(copy_empty_on=[STAGED])
    try:
        with pytest.raises(OwnershipImpossible, match=r"would be emptied.*Copy empty fields"):
            feed.run(centers(), ownership=OWNED)
        assert instance.rows(STAGED) == []
        feed.run(centers())
        feed.run(centers("Marketing"))
        # Nothing is left out then: it would be emptied.
        assert center(instance)["valid_from"] == "2026-01-01 08:00:00"
    finally:
        instance.switch(copy_empty_on=[])


def test_a_lost_answer_is_looked_up_by_what_counts(feed: Feed, instance: Instance) -> None:
    feed.run(centers(), ownership=OWNED)
    instance.fault("drop_after", "insertMultiple")
    feed.run(centers("Other", EndDate="2026-12-31"), ownership=OWNED)
    assert len(instance.rows(STAGED)) == 2
    assert center(instance)["valid_to"] == "2026-12-31 00:00:00"


def test_a_wrong_owner_ends_at_once(feed: Feed, instance: Instance) -> None:
    before = instance.calls()
    with pytest.raises(ReferenceSettingError, match="recode"):
        feed.run(centers(), ownership={"code": "servicenow"})
    assert instance.calls() == before
