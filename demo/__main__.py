"""`make demo`: start everything, run the main job, and leave it up for a look."""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping

from config.embedded import default_data_dir, reset
from config.embedded_processes import EmbeddedServerError
from demo.api import UnexpectedAnswer
from demo.console import headline, note, step, table
from demo.stack import Stack, StackError
from demo.story import OPERATOR, PASSWORD, ROOT, Facts, Story


def main() -> int:
    """Run the demo; return the exit code."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="verify every step, then stop; exit 0 if all held"
    )
    checking = parser.parse_args().check
    data_dir = default_data_dir() / "check" if checking else default_data_dir()
    started = time.monotonic()
    try:
        if checking:
            reset(data_dir)  # a check proves the first start, so it begins with nothing
        with Stack(data_dir, prepare=_prepare, extra_env={"LOG_FORMAT": "json"}) as stack:
            facts_file = data_dir / "demo.json"
            story = Story(stack.web_port, stack.mail_http_port, stack.env, pays_locally=stack.pays_locally)
            if facts_file.exists():
                _resume(story, Facts(**json.loads(facts_file.read_text(encoding="utf-8"))))
            else:
                story.tell().save(facts_file)
            note(f"ready after {time.monotonic() - started:.0f} s")
            if checking:
                headline("Every step was verified.")
                return 0
            _print_addresses(stack, story)
            stack.wait()
    except KeyboardInterrupt:
        print("\nStopped. `make demo` starts it again with its data; `make reset` removes the data.")
        return 0
    except (StackError, EmbeddedServerError, UnexpectedAnswer) as error:
        print(f"\n{error}", file=sys.stderr)
        if isinstance(error, UnexpectedAnswer):
            print(f"Logs: {data_dir / 'logs'}. `make reset` starts from nothing.", file=sys.stderr)
        return 1
    return 0


def _resume(story: Story, facts: Facts) -> None:
    """Look at what the last start left. Whoever changed it since, as they are invited to, is not shut out."""
    try:
        story.resume(facts)
    except UnexpectedAnswer as change:
        note(f"this is not as the story left it, so somebody changed it since: {change}")


def _prepare(env: Mapping[str, str]) -> None:
    """Prepare the database in a process with the stack's environment."""
    headline("PostgreSQL 18 and Valkey are up; preparing the database")
    with step("migrations, ready schemas, operator"):
        done = subprocess.run(
            [sys.executable, "-m", "demo.prepare"],
            cwd=ROOT,
            env={**env, "OPERATOR_PASSWORD": PASSWORD, "LOG_LEVEL": "WARNING"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise StackError(f"the database could not be prepared:\n{done.stdout}{done.stderr}")


def _print_addresses(stack: Stack, story: Story) -> None:
    facts = story.facts
    headline("Look around")
    port = stack.web_port
    table(
        [
            ("what", "address", "sign in as"),
            ("operator console", f"http://app.localhost:{port}/console/", OPERATOR),
            ("platform API", f"http://app.localhost:{port}/api/docs/", OPERATOR),
            ("Acme", f"http://acme.localhost:{port}", "owner@acme.example"),
            ("Acme's API", f"http://acme.localhost:{port}/api/docs/", ", ".join(facts.learners)),
            ("Globex's API", f"http://globex.localhost:{port}/api/docs/", "owner@globex.example"),
            ("Initech's API", f"http://initech.localhost:{port}/api/docs/", facts.signed_up),
            ("mail catcher", f"http://localhost:{stack.mail_http_port}/", ""),
        ]
    )
    try:
        note(f"a payment page to click, of a company that signs up: {story.open_a_page()}")
    except UnexpectedAnswer as refused:
        note(f"no payment page to click: {refused}")
    note(f"password of everybody: {PASSWORD}")
    note(f"logs: {os.path.relpath(stack.data_dir / 'logs')}   Ctrl-C stops everything")


if __name__ == "__main__":
    sys.exit(main())
