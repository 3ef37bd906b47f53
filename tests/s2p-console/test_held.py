from __future__ import annotations

import csv
import io
import json
import stat
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from s2p_console.waiting import Cause, causes, grouped

if TYPE_CHECKING:
    from conftest import House, Make

    from s2p_store import Store

CC12, CC13, GL7 = ("cost_center", "CC12"), ("cost_center", "CC13"), ("gl_account", "7000")


@pytest.fixture
def held(house: House, store: Store, make: Make) -> House:
    """Five lines: two wait for CC12, one for CC13 and 7000, one for CC12 in the UK, one unnamed."""
    uk = {"division": 7654321, "currency": "GBP", "amount": Decimal("900.00"), "document": "V-9"}
    unnamed: dict[str, Any] = {"reasons": ("GL_ACCOUNT_UNDERIVABLE",), "amount": None}
    store.holds.put(
        [
            make.hold(1, CC12),
            make.hold(2, CC12, amount=Decimal("-50.05")),
            make.hold(3, CC13, GL7, amount=Decimal("75.00")),
            make.hold(4, CC12, **uk),
            make.hold(5, stream="purchase_order_lines", document="10001", **unnamed),
        ]
    )
    return house


def listed(house: House, *options: str) -> dict[str, Any]:
    ran = house.run("held", "list", "--json", *options)
    document: dict[str, Any] = json.loads(ran.stdout, parse_float=Decimal)
    assert ran.exit_code == (2 if document["held_lines"] else 0)
    return document


def test_groups_say_what_frees_the_lines_largest_amount_first(held: House) -> None:
    groups = listed(held)["groups"]
    told = [(each["division"], each["dimension"], each["code"], each["lines"]) for each in groups]
    assert told == [
        (7654321, "cost_center", "CC12", 1),
        (1234567, "cost_center", "CC13", 1),
        (1234567, "gl_account", "7000", 1),
        (1234567, "cost_center", "CC12", 2),
        (1234567, None, None, 1),
    ]
    assert groups[3]["amounts"] == {"EUR": Decimal("50.05")}
    assert groups[4]["lines_without_amount"] == 1


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        ((), 5),
        (("--stream", "purchase_order_lines"), 1),
        (("--division", "7654321"), 1),
        (("--reason", "gl_account_inactive"), 1),
        (("--waiting-for", "cost_center"), 4),
        (("--waiting-for", "cost_center:CC12"), 3),
        (("--waiting-for", "cost-center:CC12", "--division", "1234567"), 2),
        (("--waiting-for", "gl_account"), 1),
        (("--document", "V-9"), 1),
        (("--division", "1"), 0),
    ],
)
def test_filters(held: House, options: tuple[str, ...], lines: int) -> None:
    assert listed(held, *options)["held_lines"] == lines


def test_unknown_kind_is_named(held: House) -> None:
    ran = held.run("held", "list", "--waiting-for", "warehouse")
    assert ran.exit_code == 1
    assert "cost_center" in ran.stderr


def test_nothing_held_is_exit_code_0(house: House, store: Store) -> None:
    assert store.has_key
    ran = house.run("held", "list")
    assert (ran.exit_code, ran.stdout) == (0, "Nothing is held.\n")


def test_released_lines_are_no_longer_listed(held: House, store: Store, make: Make) -> None:
    store.holds.release([("purchase_entry_lines", 1234567, make.line_id(1))], "run-2")
    assert listed(held)["held_lines"] == 4


def test_table_for_a_person(held: House) -> None:
    shown = held.run("held", "list").stdout
    assert "900.00 GBP" in shown
    assert "cost center CC12" in shown
    assert "5 lines held" in shown
    assert "Jansen" not in shown


def test_narrow_terminal_keeps_keys_and_amounts_whole(held: House, make: Make) -> None:
    shown = held.run("held", "list", "--lines", COLUMNS="80").stdout
    assert all(len(line) <= 80 for line in shown.splitlines())
    assert make.line_id(4) in shown
    assert "900.00 GBP" in shown


def test_csv_has_a_row_per_group_or_line(held: House) -> None:
    def rows(*options: str) -> list[dict[str, str]]:
        return list(csv.DictReader(io.StringIO(held.run("held", "list", "--csv", *options).stdout)))

    assert len(rows()) == 5
    assert {row["document"] for row in rows("--lines")} == {"26700012", "V-9", "10001"}


def test_csv_and_json_together_are_refused(held: House) -> None:
    for command in ("list", "export"):
        assert held.run("held", command, "--csv", "--json").exit_code == 1


def test_only_show_gives_the_record(held: House, make: Make) -> None:
    key = f"purchase_entry_lines/1234567/{make.line_id(1)}"
    for shown in (held.run("held", "show", key), held.run("held", "show", key, "--json")):
        assert shown.exit_code == 0
        assert "Taxi of Mr Jansen" in shown.stdout
        assert "100.10" in shown.stdout
    for command in (("list", "--lines"), ("list", "--json"), ("export",), ("export", "--json")):
        assert "Jansen" not in held.run("held", *command).output


def test_show_takes_the_id_alone_in_any_case_or_a_unique_beginning(held: House, make: Make) -> None:
    assert held.run("held", "show", make.line_id(3).upper()).exit_code == 0
    ran = held.run("held", "show", "5f0b0000-0000")
    assert (ran.exit_code, "5 held lines begin" in ran.stderr) == (1, True)
    ran = held.run("held", "show", "nothing-like-it")
    assert (ran.exit_code, "No held line" in ran.stderr) == (1, True)
    ran = held.run("held", "show", "")
    assert ran.exit_code == 1


def test_a_record_cannot_steer_the_terminal(house: House, store: Store, make: Make) -> None:
    evil = "\x1b[2J[red]\u202eevil"
    store.holds.put([make.hold(1, ("cost_center", evil), document=evil, record={evil: evil})])
    for command in (("list",), ("list", "--lines"), ("show", make.line_id(1)), ("export",)):
        shown = house.run("held", *command).stdout
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert "[red]" in shown


def test_export_with_records_only_on_demand_and_only_as_json(held: House) -> None:
    assert held.run("held", "export", "--records").exit_code == 1
    ran = held.run("held", "export", "--json", "--records", "--division", "7654321")
    exported = json.loads(ran.stdout, parse_float=Decimal)
    assert [each["record"]["AmountFC"] for each in exported] == [Decimal("100.10")]
    assert exported[0]["amount"] == Decimal("900.00")


def test_export_to_a_file_only_its_owner_can_read(held: House) -> None:
    path = held.folder / "held.csv"
    path.write_text("older")
    ran = held.run("held", "export", "-o", str(path))
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert len(list(csv.DictReader(io.StringIO(path.read_text())))) == 5
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in held.folder.glob("held*")] == ["held.csv"]


def test_failed_export_leaves_the_older_file_alone(held: House) -> None:
    path = held.folder / "held.csv"
    path.write_text("older")
    assert held.run("held", "export", "-o", str(path), S2P_STORE_KEY=None).exit_code == 1
    assert path.read_text() == "older"
    assert [each.name for each in held.folder.glob("held*")] == ["held.csv"]


def test_export_into_a_folder_that_is_not_there(held: House) -> None:
    ran = held.run("held", "export", "-o", str(held.folder / "no" / "held.csv"))
    assert ran.exit_code == 1
    assert ran.stderr.count("\n") == 1


def test_export_of_nothing_is_still_json(house: House, store: Store) -> None:
    assert store.has_key
    assert json.loads(house.run("held", "export", "--json").stdout) == []


_LINES = st.lists(
    st.tuples(
        st.sampled_from([1, 2]),
        st.lists(st.sampled_from([CC12, CC13, GL7]), min_size=1, max_size=3),
        st.one_of(st.none(), st.decimals(-1000, 1000, places=2)),
        st.sampled_from(["EUR", "GBP"]),
    ),
    max_size=12,
)


@settings(
    deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # `make` holds nothing
@given(lines=_LINES)
def test_groups_count_and_add_up_exactly(make: Make, lines: list[Any]) -> None:
    holds = [
        make.hold(number, *codes, division=division, amount=amount, currency=currency)
        for number, (division, codes, amount, currency) in enumerate(lines)
    ]
    groups = grouped(holds)
    assert sum(group.lines for group in groups) == sum(len(set(causes(each))) for each in holds)
    for group in groups:
        mine = [
            each
            for each in holds
            if each.division == group.division and group.cause in causes(each)
        ]
        assert group.lines == len(mine)
        assert sum(group.amounts.values()) == sum(each.amount or 0 for each in mine)
    weights = [group.weight for group in groups]
    assert weights == sorted(weights, reverse=True)


def test_a_reason_goes_with_the_codes_of_its_own_dimension(make: Make) -> None:
    both = make.hold(1, CC13, GL7)
    assert list(causes(both)) == [
        Cause("COST_CENTER_MISSING", "cost_center", "CC13"),
        Cause("GL_ACCOUNT_INACTIVE", "gl_account", "7000"),
    ]


def test_lines_are_waived_by_name_and_reason(held: House, store: Store) -> None:
    ran = held.run("held", "waive", "--waiting-for", "cost_center:CC12", "--by", "Ina",
                   "--why", "merged at New Year")  # fmt: skip
    assert (ran.exit_code, "3 lines go on" in ran.output) == (0, True)
    waived = [hold for hold in store.holds.open() if hold.waiver]
    assert {hold.waiver.by for hold in waived if hold.waiver} == {"Ina"}
    assert len(waived) == 3
    events = [event for event in store.audit.events() if event.kind == "waived"]
    assert len(events) == 3
    assert events[0].detail["message"] == "merged at New Year"
    lines = listed(held)["lines"]
    assert sum(line["waived_by"] == "Ina" for line in lines) == 3


def test_releasing_never_sets_an_account_aside(held: House, store: Store, make: Make) -> None:
    checked: dict[str, Any] = {"reasons": ("AMOUNT_MISMATCH", "COST_CENTER_MISSING")}
    store.holds.put([make.hold(9, CC12, **checked)])
    ran = held.run("held", "release", "--division", "1234567")
    assert (ran.exit_code, "1 line go on" in ran.output) == (2, True)
    assert "4 lines wait for a GL account or cost center only" in ran.output
    (hold,) = [hold for hold in store.holds.open() if hold.waiver]
    assert hold.waiver is not None
    assert "AMOUNT_MISMATCH" in (hold.waiver.reasons or ())
    assert "COST_CENTER_MISSING" not in (hold.waiver.reasons or ())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("release",), "Name the lines"),
        (("waive", "--by", "Ina", "--why", "x"), "Name the lines"),
        (("waive", "--division", "1", "--by", "Ina", "--why", " "), "must say something"),
        (("waive", "nothing-of-it", "--by", "Ina", "--why", "x"), "No held line has the key"),
    ],
)
def test_lines_have_to_be_named(held: House, arguments: tuple[str, ...], said: str) -> None:
    ran = held.run("held", *arguments)
    assert (ran.exit_code, said in ran.output) == (1, True)
