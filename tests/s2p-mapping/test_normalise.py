from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2p_mapping.normalise import normalise_name


@pytest.mark.parametrize(
    ("spelling", "other"),
    [
        ("Büro- & Verwaltungskosten", "BURO VERWALTUNGSKOSTEN"),
        ("Straßenreinigung", "STRASSENREINIGUNG"),
        ("Frais d'entretien", "frais d’entretien"),  # noqa: RUF001 - the apostrophe is the case
        ("Énergie / eau", "energie eau"),
        ("\u0132zerwaren", "IJzerwaren"),
        ("Œuvres d'art", "oeuvres_d_art"),
        ("  Kantoor\u00a0kosten ", "kantoor-kosten"),
        ("København", "kobenhavn"),
    ],
)
def test_spellings_of_one_name_are_one(spelling: str, other: str) -> None:
    assert normalise_name(spelling) == normalise_name(other) != ""


def test_digits_and_word_order_tell_names_apart() -> None:
    assert normalise_name("Kosten 2024") != normalise_name("Kosten 2025")
    assert normalise_name("Auto lease") != normalise_name("Lease auto")


def test_a_name_without_letters_is_no_name() -> None:
    assert normalise_name(" -- / ") == ""


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise_name(text)
    assert normalise_name(once) == once


@given(st.text(alphabet=st.characters(max_codepoint=0x24F)))
def test_case_does_not_count(text: str) -> None:
    assert normalise_name(text.upper()) == normalise_name(text.upper().lower())


@given(st.text(), st.text(alphabet=" -_/.,", min_size=1), st.text())
def test_the_kind_of_separator_does_not_count(left: str, separator: str, right: str) -> None:
    assert normalise_name(f"{left}{separator}{right}") == normalise_name(f"{left} {right}")
