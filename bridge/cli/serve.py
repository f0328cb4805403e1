"""The server: up, and its parts one by one (web, worker, migrate)."""

from __future__ import annotations

from dataclasses import replace

import click

from bridge.cli.command import Call, command, log_to_stderr
from bridge.cli.values import Whole, Word

commands = click.Group()


@command(commands, "up")
@click.option("--port", type=Whole(1, 65_534), metavar="PORT")
@click.option("--listen", type=Word(), metavar="ADDRESS")
def up_(call: Call, port: int | None, listen: str | None) -> int:
    """Start everything: broker, workers, pages. Prints a login link; Ctrl-C ends all of it."""
    from bridge.embedded import up

    log_to_stderr(call.settings.log_level)
    settings = replace(call.settings, port=port or call.settings.port, listen=listen or call.settings.listen)

    def ready(link: str) -> None:
        url = link.partition("/login")[0]
        call.console.say("up", link=link)
        if settings.listen:
            call.console.say("up-join", url=url)
        call.console.emit({"link": link, "url": url})

    call.console.say("starting", data=settings.data)
    up(settings, on_ready=ready)
    call.console.say("down")
    return 0


@command(commands, "web")
def web_(call: Call) -> int:
    """Start the pages and the API alone (LABELBRIDGE_REDIS_URL names the broker)."""
    from bridge.web.serve import serve

    serve(call.settings)
    call.console.emit({"url": call.settings.url()})
    return 0


@command(commands, "worker", remote=True, join="--join")
@click.option("--queue", type=click.Choice(["train", "detect", "bridge"]), multiple=True)
def worker_(call: Call, queue: tuple[str, ...]) -> int:
    """Start the workers of this node (LABELBRIDGE_SERVER, LABELBRIDGE_TOKEN and LABELBRIDGE_REDIS_URL say where to)."""
    from bridge.embedded import work

    log_to_stderr(call.settings.log_level)
    queues = queue or ("train", "detect")
    work(call.settings, queues)
    call.console.emit({"queues": queues})
    return 0


@command(commands, "migrate")
def migrate_(call: Call) -> int:
    """Bring the store up to date (made if missing)."""
    from bridge.store import migrations
    from bridge.store.database import Database, make_folder

    make_folder(call.settings.data)
    database = Database(call.settings.database())
    try:
        before, after = migrations.migrate(database)
    finally:
        database.dispose()
    call.console.say("migrated" if before != after else "migrated-already", before=before or "-", after=after)
    call.console.emit({"before": before, "after": after})
    return 0
