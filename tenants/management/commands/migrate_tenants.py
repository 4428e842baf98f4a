"""`manage.py migrate_tenants`: bring the tenants to the code's level in waves; see, stop, resume, go back."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from shared_apps.core.errors import DomainError
from tenants.context import in_public
from tenants.enums import RunState
from tenants.management.migration_text import last_lines, plan_lines, progress_line, status_lines
from tenants.models import MigrationRun
from tenants.selectors.migrations import migration_status, missing_in_public
from tenants.services.migrating.chart import chart
from tenants.services.migrating.errors import RunLost, SharedTablesBehind
from tenants.services.migrating.migrator import Progress, failed_only, migrate_tenants, resume_migration
from tenants.services.migrating.options import RunOptions, usual_options
from tenants.services.migrating.planning import plan_migration
from tenants.services.migrating.runs import LOST_AFTER, stop_run, this_process
from tenants.services.migrating.waiting import wait_for_run

ACTS = ("run", "status", "plan", "stop", "resume", "retry-failed", "back")


class Command(BaseCommand):
    """Migrate tenants in waves."""

    help = (
        "Migrates the shared schema, then every tenant that is behind: canaries, then growing waves. "
        "Safe to kill and to run again. Acts: " + ", ".join(ACTS)
    )

    def add_arguments(self, parser: Any) -> None:
        """Take the act and what a run is told."""
        usual = usual_options()
        parser.add_argument("act", nargs="?", choices=ACTS, default="run")
        parser.add_argument(
            "--workers", type=int, default=usual.workers, help="threads, each with a connection"
        )
        parser.add_argument(
            "--canary", action="append", default=None, metavar="SLUG", help="goes first; repeatable"
        )
        parser.add_argument(
            "--canaries", type=int, default=usual.oldest_canaries, metavar="N", help="else the N oldest"
        )
        parser.add_argument(
            "--waves", default=",".join(map(str, usual.waves)), help="sizes; one more takes the rest"
        )
        parser.add_argument("--most-failures-percent", type=int, default=usual.most_failures_percent)
        parser.add_argument("--lock-timeout", type=int, default=usual.lock_ms, metavar="MS")
        parser.add_argument("--statement-timeout", type=int, default=usual.statement_ms, metavar="MS")
        parser.add_argument(
            "--organization", action="append", default=[], metavar="SLUG", help="only this one; repeatable"
        )
        parser.add_argument(
            "--without-public", action="store_true", help="leave the shared schema; refused when behind"
        )
        parser.add_argument(
            "--wait", action="store_true", help="wait for a run that goes on, then do what is left"
        )
        parser.add_argument("--lost-after", type=float, default=LOST_AFTER.total_seconds(), metavar="SECONDS")
        parser.add_argument("--to-level", type=int, default=None, help="back: the level to go back to")
        parser.add_argument(
            "--to", nargs=2, default=None, metavar=("APP", "MIGRATION"), help="back: the app's last one"
        )
        parser.add_argument("--all", action="store_true", help="back: every tenant, not only --organization")
        parser.add_argument("--sql", action="store_true", help="plan: the statements too")
        parser.add_argument("--json", action="store_true", help="status and plan: as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do the act; a refusal is an error with its facts."""
        self._last = ""
        act = options["act"].replace("-", "_")
        try:
            getattr(self, f"_{act}")(options)
        except DomainError as refused:
            facts = ", ".join(f"{name}: {value}" for name, value in refused.facts.items())
            raise CommandError(
                " ".join(part for part in (refused.title, facts, refused.advice) if part)
            ) from refused
        except RunLost as lost:
            raise CommandError("The run was taken over by another process.") from lost

    # --- Acts ---------------------------------------------------------------------------------

    def _run(self, options: dict[str, Any]) -> None:
        self._migrate_public(options)
        self._carry_out(_options(options), options)

    def _retry_failed(self, options: dict[str, Any]) -> None:
        self._carry_out(failed_only(_options(options)), options)

    def _back(self, options: dict[str, Any]) -> None:
        if not options["organization"] and not options["all"]:
            raise CommandError("Say who: --organization SLUG, or --all.")
        if (options["to_level"] is None) == (options["to"] is None):
            raise CommandError("Say how far: --to-level N, or --to APP MIGRATION.")
        level = options["to_level"]
        if level is None:
            level = chart().level_before_leaving(*options["to"])
        self._carry_out(replace(_options(options), to_level=level), options)

    def _resume(self, options: dict[str, Any]) -> None:
        with in_public():
            self._wait(options)
            run = resume_migration(
                started_by=this_process(),
                report=self._report,
                lost_after=timedelta(seconds=options["lost_after"]),
            )
        self._say_end(run)

    def _stop(self, options: dict[str, Any]) -> None:
        with in_public():
            run = stop_run()
        if run.state == RunState.STOPPING:
            self.stdout.write("The run stops after the tenants in hand; `status` shows when.")
        else:
            self.stdout.write("The run's process was lost; it is closed. `resume` goes on.")

    def _status(self, options: dict[str, Any]) -> None:
        with in_public():
            status = migration_status()
        if options["json"]:
            self.stdout.write(json.dumps(status.document(), indent=1))
        else:
            self.stdout.write("\n".join(status_lines(status)))

    def _plan(self, options: dict[str, Any]) -> None:
        with in_public():
            plan = plan_migration(_options(options), with_sql=options["sql"])
        if options["json"]:
            self.stdout.write(json.dumps(plan.document(), indent=1))
        else:
            self.stdout.write("\n".join(plan_lines(plan)))

    # --- Parts --------------------------------------------------------------------------------

    def _migrate_public(self, options: dict[str, Any]) -> None:
        if not options["without_public"]:
            call_command("migrate", interactive=False, verbosity=options["verbosity"], stdout=self.stdout)
            return
        with in_public():
            missing = missing_in_public()
        if missing:
            raise SharedTablesBehind(missing=", ".join(missing))

    def _carry_out(self, told: RunOptions, options: dict[str, Any]) -> None:
        with in_public():
            self._wait(options)
            run = migrate_tenants(
                told,
                started_by=this_process(),
                report=self._report,
                lost_after=timedelta(seconds=options["lost_after"]),
            )
        if run is None:
            self.stdout.write("Nothing to do: no tenant needs it.")
        else:
            self._say_end(run)

    def _wait(self, options: dict[str, Any]) -> None:
        if options["wait"] and wait_for_run(timedelta(seconds=options["lost_after"])):
            self.stdout.write("Waited for a run that went on.")

    def _report(self, progress: Progress) -> None:
        line = progress_line(progress)
        if line != self._last:
            self._last = line
            self.stdout.write(line)
            self.stdout.flush()

    def _say_end(self, run: MigrationRun) -> None:
        with in_public():
            status = migration_status()
        for line in last_lines(run, status):
            self.stdout.write(line)
        if run.state != RunState.SUCCEEDED:
            raise CommandError(run.note or f"The run {run.get_state_display().lower()}.")


def _options(options: dict[str, Any]) -> RunOptions:
    usual = usual_options()
    return RunOptions(
        workers=options["workers"],
        canaries=tuple(options["canary"]) if options["canary"] else usual.canaries,
        oldest_canaries=options["canaries"],
        waves=_sizes(options["waves"]),
        most_failures_percent=options["most_failures_percent"],
        lock_ms=options["lock_timeout"],
        statement_ms=options["statement_timeout"],
        slugs=tuple(options["organization"]),
    )


def _sizes(text: str) -> tuple[int, ...]:
    sizes = [size.strip() for size in text.split(",") if size.strip()]
    if not all(size.isdecimal() and int(size) for size in sizes):
        raise CommandError(f"--waves takes sizes such as 10,50,250, not {text!r}.")
    return tuple(map(int, sizes))
