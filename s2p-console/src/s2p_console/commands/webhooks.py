"""`s2p webhooks`: what Exact Online is to tell by itself, and where."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from exactonline_client import DailyLimitReached, ExactError, LimitError
from s2p_console.commands.serve import serve
from s2p_console.desk import Desk, as_json, on_desk
from s2p_console.errors import ExitCode, SettingError
from s2p_console.exact import connected
from s2p_console.output import Listing, show, write_json
from s2p_console.settings import SHARED, TAP
from s2p_console.subscriptions import PROPERTIES, RESOURCE, TOPICS, Change, changes, read_row
from s2p_exactonline import forget_silent, load_grant, silent_among

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from exactonline_client import ExactClient
    from s2p_console.settings import Settings
    from s2p_console.subscriptions import Subscription
    from s2p_store import Memory

__all__ = ["webhooks"]

_COLUMNS: Final = ("division", "topic", "state", "url", "what")


@click.group()
def webhooks() -> None:
    """Let Exact Online tell of changes, instead of asking for them every time.

    What it tells is kept in the inbox of the store; the next run of the tap reads it first.
    Without webhooks everything works by asking.
    """


webhooks.add_command(serve)


@webhooks.command()
@click.option("--url", metavar="URL", help="Where Exact delivers to; default S2P_WEBHOOK_URL.")
@click.option("--division", "divisions", type=int, multiple=True, help="Only these divisions.")
@click.option("--topic", "topics", type=click.Choice(TOPICS), multiple=True, help="Only these.")
@click.option("--replace", is_flag=True, help="Replace those of this app that call another URL.")
@click.option("--renew", is_flag=True, help="Make them anew, as they have gone silent.")
@as_json
@on_desk
def subscribe(  # noqa: PLR0913 - one for each option
    desk: Desk,
    /,
    *,
    url: str | None,
    divisions: tuple[int, ...],
    topics: tuple[str, ...],
    replace: bool,
    renew: bool,
    json_: bool,
) -> int:
    """Keep exactly one subscription per topic and division for our address.

    Doing it again changes nothing, but for those that have gone silent while asking found changes:
    they are made anew. Subscriptions of other apps are never touched, those of this
    app that call another address only with --replace.
    """
    address = _url(desk.settings, url)
    wanted = topics or TOPICS
    with _place(desk, divisions) as (client, client_id, places, memory):
        every = frozenset((place, topic) for place in places for topic in wanted)
        silent = silent_among(memory, every)
        plan = changes(
            _all(client, places),
            client_id=client_id,
            url=address,
            divisions=places,
            topics=wanted,
            replace=replace,
            renew=every if renew else silent,
        )
        done = _carry_out(client, plan, address)
        for one in done:
            if (one["division"], one["topic"]) in silent and one["state"] == "subscribed":
                forget_silent(memory, one["division"], one["topic"])
    _print(done, json_=json_)
    fine = all(one["state"] in {"subscribed", "kept"} for one in done)
    return ExitCode.DONE if fine else ExitCode.ATTENTION


@webhooks.command("list")
@click.option("--division", "divisions", type=int, multiple=True, help="Only these divisions.")
@as_json
@on_desk
def list_(desk: Desk, /, *, divisions: tuple[int, ...], json_: bool) -> None:
    """Show the subscriptions of all apps, and which are of ours."""
    ours = desk.settings.find(SHARED, "webhook_url")
    with _place(desk, divisions) as (client, client_id, places, _):
        rows = [_row(one, client_id, ours) for one in _all(client, places)]
    _print(rows, json_=json_)


@webhooks.command()
@click.option("--url", metavar="URL", help="Those that call this; default S2P_WEBHOOK_URL.")
@click.option("--division", "divisions", type=int, multiple=True, help="Only these divisions.")
@click.option("--topic", "topics", multiple=True, help="Only these topics.")
@as_json
@on_desk
def remove(
    desk: Desk,
    /,
    *,
    url: str | None,
    divisions: tuple[int, ...],
    topics: tuple[str, ...],
    json_: bool,
) -> int:
    """Remove our subscriptions: those of this app that call our address."""
    address = _url(desk.settings, url)
    done: list[dict[str, Any]] = []
    with _place(desk, divisions) as (client, client_id, places, _):
        for one in _all(client, places):
            ours = one.is_of(client_id) and one.url == address
            if not ours or (topics and one.topic not in topics):
                continue
            done.append(_removed(client, one))
    _print(done, json_=json_)
    failed = any(one["state"] == "failed" for one in done)
    return ExitCode.ATTENTION if failed else ExitCode.DONE


def _url(settings: Settings, given: str | None) -> str:
    url = given or settings.find(SHARED, "webhook_url")
    if not url:
        raise SettingError(
            "Where Exact Online is to deliver is not known: give --url, or set S2P_WEBHOOK_URL, "
            "for instance https://hooks.example.com/webhooks/exactonline."
        )
    if not url.startswith(("https://", "http://127.0.0.1", "http://localhost")):
        raise SettingError(
            "Exact Online delivers to HTTPS addresses only, of the domain of the app's redirect "
            "URI: correct --url or S2P_WEBHOOK_URL."
        )
    return url


@contextmanager
def _place(
    desk: Desk, divisions: Sequence[int]
) -> Iterator[tuple[ExactClient, str, tuple[int, ...], Memory]]:
    """Give the connection, the app and the divisions a command is about, and the memory."""
    (client_id,) = desk.settings.need(TAP, "client_id")
    with desk.any_store() as store, connected(desk.settings, store) as client:
        places = tuple(divisions) or desk.settings.whole_numbers(TAP, "divisions")
        if not places:
            division = load_grant(store.vault, client_id).division
            places = (client.current_division() if division is None else division,)
        yield client, client_id, places, store.memory


def _all(client: ExactClient, divisions: Sequence[int]) -> list[Subscription]:
    return [
        read_row(row, division)
        for division in divisions
        for rows in client.pages(division, RESOURCE, select=PROPERTIES)
        for row in rows
    ]


def _carry_out(client: ExactClient, plan: Sequence[Change], address: str) -> list[dict[str, Any]]:
    """Do what is to be done; after a refusal a division is not asked for more of the same."""
    done: list[dict[str, Any]] = []
    refused: dict[int, str] = {}
    for change in plan:
        shown = {"division": change.division, "topic": change.topic, "url": address, "what": ""}
        if change.foreign is not None:
            shown |= {"state": "foreign", "url": change.foreign.url}
            shown["what"] = "calls another address; --replace changes it"
        elif not change.is_needed:
            shown["state"] = "kept"
        elif change.division in refused:
            shown |= {"state": "failed", "what": "not tried after the refusal above"}
        else:
            try:
                for one in change.remove:
                    client.remove(one.division, RESOURCE, one.id)
                if change.create:
                    asked = {"CallbackURL": address, "Topic": change.topic}
                    client.create(change.division, RESOURCE, asked)
                shown["state"] = "subscribed" if change.create else "kept"
            except LimitError:
                raise
            except ExactError as error:
                refused[change.division] = str(error)
                shown |= {"state": "failed", "what": _why(error)}
        done.append(shown)
    return done


def _removed(client: ExactClient, one: Subscription) -> dict[str, Any]:
    shown = {"division": one.division, "topic": one.topic, "url": one.url, "what": ""}
    try:
        client.remove(one.division, RESOURCE, one.id)
    except DailyLimitReached:
        raise
    except ExactError as error:
        return {**shown, "state": "failed", "what": str(error)}
    return {**shown, "state": "removed"}


def _why(error: ExactError) -> str:
    return (
        f"{error} Exact calls the address at once with an empty POST: `s2p webhooks serve` must be "
        "running behind it, the app registration needs the scope organization.administration "
        "(manage), and another subscription of the same app and topic must not be there."
    )


def _row(one: Subscription, client_id: str, ours: str | None) -> dict[str, Any]:
    state = "other app"
    if one.is_of(client_id):
        state = "ours" if ours in {None, one.url} else "other address"
    return {
        "division": one.division,
        "topic": one.topic,
        "state": state,
        "url": one.url,
        "what": one.id,
    }


def _print(rows: list[dict[str, Any]], *, json_: bool) -> None:
    if json_:
        write_json(rows)
        return
    texts = [[str(row[name]) for name in _COLUMNS] for row in rows]
    if not texts:
        click.echo("There is no subscription.", err=True)
        return
    show(Listing(_COLUMNS, texts, right=("division",), whole=("topic",)))
