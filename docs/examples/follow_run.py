"""List the newest runs, then start a run and print its events until it has ended."""

import asyncio
import os
import sys
import uuid

from mogplex_tui.api import MogplexClient, Target
from mogplex_tui.api.errors import MogplexError
from mogplex_tui.api.models.runs import RunStart
from mogplex_tui.config.secret import Secret

POLL_SECONDS = 3


async def list_runs(client: MogplexClient) -> None:
    """Print the newest five calls; a call has the tokens and cost of a run."""
    for call in (await client.observability.calls(limit=5)).calls:
        cost = "unknown" if call.cost_usd is None else f"${call.cost_usd}"
        print(call.id, call.status, call.model, cost)


async def start_and_follow(client: MogplexClient, repository: str, task: str) -> str:
    """Start a run, print its events as they come, and return its final state."""
    repo = next(repo for repo in await client.repos.list(q=repository) if repo.full_name == repository)
    # The same key starts the run once, even if the response is lost and the request is repeated.
    run = await client.runs.start(RunStart(repo_id=repo.id, prompt=task), str(uuid.uuid4()))
    printed: set[str] = set()
    while True:
        state = await client.runs.events(run.run_id)
        for event in state.events:
            if event.id not in printed:
                printed.add(event.id)
                print(event.created_at.isoformat(), event.type, event.message)
        if not state.run.is_live:
            return state.run.status
        await asyncio.sleep(POLL_SECONDS)


async def main() -> int:
    """Run the example against the service in the environment; return the exit code."""
    target = Target("example", os.environ["MOGPLEX_BASE_URL"], token=Secret(os.environ["MOGPLEX_TOKEN"]))
    async with MogplexClient(target) as client:
        try:
            await list_runs(client)
            final = await start_and_follow(client, "acme/web", "Make the login test quick")
        except MogplexError as error:
            print(f"Failed: {error}", file=sys.stderr)
            return 1
    print(final)
    return 0 if final == "success" else 1


sys.exit(asyncio.run(main()))
