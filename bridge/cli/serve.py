"""The server: up, and its parts one by one (web, worker, migrate)."""

from __future__ import annotations

import click

from bridge.cli.command import Call, command

commands = click.Group()


@command(commands, "up")
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the pages [8765].")
def up_(call: Call, port: int | None) -> int:
    """Start everything: broker, workers, pages. Prints a login link; Ctrl-C ends all of it."""
    from dataclasses import replace

    from bridge.embedded import up

    settings = replace(call.settings, port=port) if port else call.settings
    up(settings, on_ready=lambda link: call.console.say("up", link=link))
    return 0


@command(commands, "web")
def web_(call: Call) -> int:
    """Start the pages and the API alone (LABELBRIDGE_REDIS_URL names the broker)."""
    from bridge.web.serve import serve

    serve(call.settings)
    return 0


@command(commands, "worker")
@click.option(
    "--queue", type=click.Choice(["train", "detect", "bridge"]), multiple=True, help="Queues [train, detect]."
)
def worker_(call: Call, queue: tuple[str, ...]) -> int:
    """Start the workers of this node (LABELBRIDGE_SERVER, LABELBRIDGE_TOKEN and LABELBRIDGE_REDIS_URL say where to)."""
    from bridge.embedded import work

    work(call.settings, queue or ("train", "detect"))
    return 0


@command(commands, "migrate")
def migrate_(call: Call) -> int:
    """Bring the store up to date (made if missing)."""
    from bridge.store import migrations
    from bridge.store.database import Database, make_folder

    make_folder(call.settings.data)
    database = Database(call.settings.database())
    before, after = migrations.migrate(database)
    database.dispose()
    call.console.say("migrated" if before != after else "migrated-already", before=before or "-", after=after)
    call.console.emit({"before": before, "after": after})
    return 0
