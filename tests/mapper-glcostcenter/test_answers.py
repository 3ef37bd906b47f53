"""What is remembered must be what would be decided anew."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from mapper_glcostcenter.answers import Answers, added_by
from mapper_glcostcenter.derive import Line
from mapper_glcostcenter.exact import ExactReference
from mapper_glcostcenter.mapping import Requirements, map_line
from mapper_glcostcenter.splice import read_record
from s2p_mapping.reference import Catalogue, Entry, Reference
from s2p_mapping.resolve import Resolver
from s2p_mapping.rules import Rule, RuleSet

TODAY = date(2026, 6, 15)


@dataclass(frozen=True)
class Fields:
    """A line as the decoder gives it."""

    GLAccount: str | None = None
    GLAccountCode: str | None = None
    GLAccountDescription: str | None = None
    CostCenter: str | None = None
    CostCenterDescription: str | None = None


def reference() -> Reference:
    gl = [
        Entry("7000", "Purchases", "g1"),
        Entry("7100", "Energy", "g2", active=False),
        Entry("7101", "energy", "g3"),
    ]
    centers = [
        Entry("C1", "Logistics", "c1", valid_to=date(2026, 6, 14)),
        Entry("C2", "Sales", "c2", valid_from=date(2026, 6, 16)),
    ]
    return Reference({"EXACT-1": Catalogue(gl)}, {"EXACT-1": Catalogue(centers)})


def exact() -> ExactReference:
    known = ExactReference()
    known.learn(1, "gl_accounts", "a1", {"Code": "7000"})
    known.learn(
        1, "gl_accounts", "a2", {"Code": "7100", "Description": "Energy", "UseCostcenter": 1}
    )
    known.learn(1, "cost_centers", "x", {"Code": "C3", "EndDate": "2026-06-15"})
    known.learn(1, "item_groups", "g", {"Code": "G"})
    known.learn(1, "items", "own", {"Code": "I1", "GLCosts": "a1", "ItemGroup": "g"})
    known.learn(1, "items", "none", {"Code": "I2", "ItemGroup": "g"})
    known.learn(1, "accounts", "s1", {"Code": "S1", "GLAccountPurchase": "a1"})
    known.learn(1, "accounts", "s2", {"Code": "S2", "GLAccountPurchase": "a2"})
    return known


FIELDS = st.builds(
    Fields,
    GLAccount=st.sampled_from([None, None, "A1", "a2", "?"]),
    GLAccountCode=st.sampled_from([None, None, "7000", " 7100"]),
    GLAccountDescription=st.sampled_from([None, "Energy", "Purchases"]),
    CostCenter=st.sampled_from([None, "C1", "C2", "C3", "C4"]),
    CostCenterDescription=st.sampled_from([None, "Sales", "Logistics"]),
)
DAYS = st.dates(TODAY - timedelta(days=2), TODAY + timedelta(days=2)).map(str)
LINES = st.tuples(
    FIELDS,
    st.sampled_from([None, 1, 2]),
    st.sampled_from([None, "own", "NONE", "?"]),
    st.sampled_from([None, "s1", "S2"]),
    st.none() | DAYS,
)
RULES = st.builds(
    Rule,
    dimension=st.sampled_from(["gl_account", "cost_center"]),
    source=st.sampled_from(["7000", "7*", "C1", "C*"]),
    target=st.sampled_from(["7000", "C1", "-same-"]),
    division=st.sampled_from([None, 1]),
    supplier=st.sampled_from([None, "S1"]),
    item_group=st.sampled_from([None, "G"]),
    cost_center=st.sampled_from([None, "C1"]),
    valid_from=st.sampled_from([None, TODAY]),
    valid_to=st.sampled_from([None, TODAY]),
)


@given(st.lists(LINES, max_size=12), st.lists(RULES, max_size=3))
def test_an_answer_from_memory_is_the_answer(
    lines: list[tuple[Fields, int | None, str | None, str | None, str | None]],
    rules: list[Rule],
) -> None:
    resolver = Resolver(reference(), RuleSet(rules))
    known = exact()
    answers = Answers(known, resolver, Requirements(), lambda: TODAY)
    for fields, division, item, supplier, day in [*lines, *lines]:
        code = fields.GLAccountCode
        line = Line(
            division=division,
            item=item.lower() if item else None,
            supplier=supplier.lower() if supplier else None,
            gl_account=fields.GLAccount.lower() if fields.GLAccount else None,
            gl_account_code=code.strip() if code else None,
            gl_account_name=fields.GLAccountDescription,
            cost_center=fields.CostCenter,
            cost_center_name=fields.CostCenterDescription,
        )
        on = date.fromisoformat(day) if day else TODAY
        expected = map_line(line, on, known, resolver, Requirements())
        found, added = answers.find(fields, division, item, supplier, day)
        assert found == expected
        assert read_record(b"{" + added + b"}") == added_by(expected)


def test_an_answer_is_forgotten_when_the_reference_data_changes() -> None:
    known = exact()
    answers = Answers(known, Resolver(reference()), Requirements(), lambda: TODAY)
    fields = Fields(GLAccount="a1")
    assert answers.find(fields, 1, None, None, None)[0].reasons == ()
    known.learn(1, "gl_accounts", "a1", {"Code": "7000", "IsBlocked": True})
    assert [r.value for r in answers.find(fields, 1, None, None, None)[0].reasons] == [
        "GL_ACCOUNT_INACTIVE"
    ]
    known.forget_all_but(1, "gl_accounts", [])
    assert [r.value for r in answers.find(fields, 1, None, None, None)[0].reasons] == [
        "GL_ACCOUNT_UNDERIVABLE"
    ]
