"""The command `s2p` and its subcommands."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from typing_extensions import override

from s2p_console.boundary import guarded
from s2p_console.commands.audit import audit
from s2p_console.commands.doctor import doctor
from s2p_console.commands.explain import explain
from s2p_console.commands.held import held
from s2p_console.commands.key import key
from s2p_console.commands.login import login
from s2p_console.commands.mapping import mapping
from s2p_console.commands.reconcile import reconcile
from s2p_console.commands.reference import reference
from s2p_console.commands.run import run
from s2p_console.commands.runs import runs
from s2p_console.commands.schedule import schedule
from s2p_console.commands.servicenow import servicenow
from s2p_console.commands.webhooks import webhooks
from s2p_console.desk import Desk
from s2p_console.errors import ReaderGoneError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["s2p"]


class _Guarded(click.Group):
    """A group whose errors are sentences and whose commands give the exit code."""

    @override
    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        def call() -> object:
            return super(_Guarded, self).main(args, prog_name, complete_var, False, **extra)  # noqa: FBT003 - as above

        if not standalone_mode:
            return call()
        sys.exit(guarded(call))

    @override
    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            # click itself would end here, without a word and as if it were an error.
            raise ReaderGoneError from error


@click.group(cls=_Guarded, invoke_without_command=True)
@click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    help="JSON file with the settings of one plugin, or one object per plugin.",
)
@click.version_option(package_name="s2p-console", message="%(version)s")
@click.pass_context
def s2p(context: click.Context, config: Path | None) -> None:
    """Look after the pipeline from Exact Online to ServiceNow Source-to-Pay.

    The store is found through S2P_STORE_URL and S2P_STORE_KEY; the plugins' settings through
    their own names (TAP_EXACTONLINE_…, TARGET_SERVICENOW_S2P_…), in the environment, in `.env`
    or in the file of --config. Exit code 0: done; 1: something to put right in the call or the
    settings; 2: done, and something needs attention.
    """
    context.obj = Desk(config)
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for _command in (
    audit,
    doctor,
    explain,
    held,
    key,
    login,
    mapping,
    reconcile,
    reference,
    run,
    runs,
    schedule,
    servicenow,
    webhooks,
):
    s2p.add_command(_command)
