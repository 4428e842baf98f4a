"""What `migrate_tenants` writes for people."""

from tenants.models import MigrationRun
from tenants.selectors.migrations import MigrationStatus
from tenants.services.migrating.migrator import Progress
from tenants.services.migrating.planning import Plan


def progress_line(progress: Progress) -> str:
    """Return one line: which wave, how far, how fast."""
    worked = progress.wave_done + progress.wave_failed
    failed = f", {progress.wave_failed} failed" if progress.wave_failed else ""
    end = "  done" if progress.is_end_of_wave else ""
    return (
        f"{progress.wave} ({progress.number} of {progress.of}): {worked}/{progress.wave_size}{failed},"
        f" {progress.seconds:.1f} s{end}"
    )


def last_lines(run: MigrationRun, status: MigrationStatus) -> list[str]:
    """Return how a run ended."""
    lines = [
        f"{run.done} migrated, {run.failed} failed; {status.behind} behind, {status.up_to_date} up to date."
    ]
    return lines + _failures(status) if run.failed else lines


def status_lines(status: MigrationStatus) -> list[str]:
    """Return how far the tenants are."""
    lines = [f"The code is at level {status.level} ({status.version})."]
    if status.public_missing:
        lines.append(f"The shared schema lacks {', '.join(status.public_missing)}.")
    lines.append(
        f"{status.up_to_date} schemas are up to date, {status.behind} behind, {status.ahead} ahead,"
        f" {status.failed} failed."
    )
    lines += [
        f"  level {level}: {count}" for level, count in sorted(status.levels.items()) if level != status.level
    ]
    if status.differing:
        lines.append(f"{status.differing} went through other migrations than the code has.")
    if status.in_steps:
        lines.append(f"{status.in_steps} are in the middle of a migration that runs outside of transactions.")
    return lines + _run_lines(status) + _failures(status)


def plan_lines(plan: Plan) -> list[str]:
    """Return what a run would do."""
    if not plan.starts:
        return [f"Nothing to do: every schema is at level {plan.level}."]
    lines = []
    for start in plan.starts:
        lines.append(f"{start.schemas} schemas from level {start.level} to {plan.level}:")
        for step in start.steps:
            back = "" if step.reversible else ", no way back"
            lines.append(f"  {step.migration}  [{step.way}{back}]")
            lines += [f"      {line}" for statement in step.sql for line in statement.splitlines()]
    for wave in plan.waves:
        shown = ", ".join(wave["schemas"])
        more = ", ..." if wave["size"] > len(wave["schemas"]) else ""
        lines.append(f"{wave['name']}: {wave['size']} ({shown}{more})")
    return lines


def _run_lines(status: MigrationStatus) -> list[str]:
    run = status.run
    if run is None:
        return ["There was no run yet."]
    lines = [
        f"Last run: {run['state']}, {run['direction']} to level {run['target_level']}, {run['done']} of"
        f" {run['total']} migrated, {run['failed']} failed, {run['seconds']} s, by {run['started_by']}."
    ]
    if run["note"]:
        lines.append(f"  {run['note']}")
    if run["state"] in {"running", "stopping"}:
        lines.append(f"  heartbeat {run['heartbeat_seconds']} s ago")
    lines += [
        f"  {wave['name']}: {wave['done']} of {wave['size']}, {wave['failed']} failed"
        for wave in run["waves"]
    ]
    return lines


def _failures(status: MigrationStatus) -> list[str]:
    lines = []
    for each in status.failures:
        first_line = each.error.partition("\n")[0]
        where = f"{each.organization} ({each.schema_name}) at level {each.level}"
        lines.append(f"  {where}, attempt {each.attempts}: {first_line}")
    if status.failed > len(status.failures):
        lines.append(f"  and {status.failed - len(status.failures)} more")
    return lines
