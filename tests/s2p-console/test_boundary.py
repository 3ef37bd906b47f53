from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from s2p_console.boundary import guarded, redact
from s2p_console.errors import ConsoleError, ExitCode

if TYPE_CHECKING:
    from conftest import House


def test_unknown_command_is_told_plainly(house: House) -> None:
    ran = house.run("frobnicate")
    assert ran.exit_code == 1
    assert ran.stderr == "Error: No such command 'frobnicate'. `s2p --help` lists the commands.\n"


def test_wrong_option_is_the_users_error_not_attention(house: House) -> None:
    ran = house.run("held", "list", "--division", "north")
    assert ran.exit_code == 1
    assert ran.stderr.count("\n") == 1


def test_help_and_no_command_show_the_commands(house: House) -> None:
    for ran in (house.run("--help"), house.run()):
        assert ran.exit_code == 0
        assert all(name in ran.stdout for name in ("audit", "explain", "held", "key", "login"))


def test_group_without_command_shows_its_help(house: House) -> None:
    ran = house.run("held")
    assert ran.exit_code == 1
    assert "export" in ran.stderr


@pytest.mark.parametrize(
    "arguments", [("held", "list"), ("audit", "show"), ("runs",), ("explain", "1")]
)
def test_looking_makes_no_store(house: House, arguments: tuple[str, ...]) -> None:
    ran = house.run(*arguments)
    assert ran.exit_code == 1
    assert "There is no store at" in ran.stderr
    assert not (house.folder / "store.db").exists()


def test_wrong_key_and_missing_key_are_one_line(house: House) -> None:
    with house.open() as store:
        store.vault.save("exactonline", "app", {})
    other = house.run("key").stdout.strip()
    for key in (other, None, "nonsense"):
        ran = house.run("held", "list", S2P_STORE_KEY=key)
        assert ran.exit_code == 1
        assert ran.stderr.startswith("Error: ")
        assert ran.stderr.count("\n") == 1
        assert house.key not in ran.output


def test_a_wrong_store_url_is_told_with_its_example_and_without_its_password(house: House) -> None:
    ran = house.run("held", "list", S2P_STORE_URL="mysql://me:hunter2x@db/s2p")
    assert ran.exit_code == 1
    assert "postgresql://USER:PASSWORD@HOST/DATABASE" in ran.stderr
    assert "hunter2x" not in ran.stderr


def test_a_defect_is_one_line_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("S2P_DEBUG", raising=False)

    def broken() -> None:
        raise ZeroDivisionError("secret of a record")

    assert guarded(broken) == ExitCode.USER_ERROR
    told = capsys.readouterr().err
    assert "ZeroDivisionError" in told
    assert "secret of a record" not in told

    monkeypatch.setenv("S2P_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        guarded(broken)


def test_an_error_never_shows_what_looks_secret(capsys: pytest.CaptureFixture[str]) -> None:
    def leaking() -> None:
        raise ConsoleError(
            "Asked with refresh_token=stampNL001.abcdef!x and postgresql://me:hunter2x@db/s2p\n"
            "Authorization: Bearer abcdefghijklmnop"
        )

    assert guarded(leaking) == 1
    told = capsys.readouterr().err
    assert "stampNL001" not in told
    assert "hunter2x" not in told
    assert "abcdefghijklmnop" not in told
    assert told.count("\n") == 1


def test_redact_leaves_ordinary_sentences_alone() -> None:
    sentence = (
        "The setting 'client_id' of tap-exactonline is missing: set TAP_EXACTONLINE_CLIENT_ID."
    )
    assert redact(sentence) == sentence


def test_interrupt_gives_130(capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    assert guarded(interrupted) == 130
    assert capsys.readouterr().err == "Error: Interrupted.\n"
