"""The main job, told over HTTP: two companies, one cohort from its HR export, people who learn; and a third
company that signs up by itself.

Every step checks its own result against what the step before promised, so that `--check` means something.
"""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from demo.api import Api, Mailbox, UnexpectedAnswer
from demo.console import headline, note, progress, step, table
from demo.improvement import improve, run_of
from demo.sign_up import EMAIL, SignUp, open_a_page, sign_up

ROOT = Path(__file__).resolve().parents[1]
ROSTER = ROOT / "demo" / "data" / "acme-roster.csv"
COURSE = ROOT / "demo" / "courses" / "security-essentials"
PASSWORD = "demo-only-quiet-harbour-42"  # noqa: S105  said aloud in the table at the end
OPERATOR = "operator@palaestra.example"
COHORTS = ("2027-Q1 Onboarding", "Security Refresher 2027")
SEATS = 2500
LEARNERS = 3


@dataclass
class Facts:
    """What the story made, kept beside the data so that a second start tells it again without doing it."""

    organizations: dict[str, str] = field(default_factory=dict)
    learners: list[str] = field(default_factory=list)
    finished: str = ""
    roster_id: str = ""
    signed_up: str = ""

    def save(self, path: Path) -> None:
        """Write to a file."""
        path.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")


def ensure(condition: object, message: str) -> None:
    """Stop the story when a result is not what it must be.

    Raises:
        UnexpectedAnswer: the condition is false.
    """
    if not condition:
        raise UnexpectedAnswer(message)


class Story:
    """The run of the demo against a started stack."""

    def __init__(
        self, web_port: int, mail_port: int, env: Mapping[str, str], *, pays_locally: bool = True
    ) -> None:
        self.port = web_port
        self.mailbox = Mailbox(mail_port)
        self.env = dict(env)
        self.pays_locally = pays_locally
        self.facts = Facts()
        self.platform = Api(web_port, "app.localhost")

    def host(self, slug: str) -> Api:
        """Return an organization's host without sign-in."""
        return Api(self.port, f"{slug}.localhost")

    # --- First start -----------------------------------------------------------------------

    def tell(self) -> Facts:
        """Do everything, from an empty platform; return what was made."""
        self.provision()
        owner = self.give_seats()
        run_ids = self.publish(owner)
        self.onboard(owner, run_ids)
        self.learn(owner)
        self.improve(owner)
        self.stay_apart(owner)
        self.sign_up()
        return self.facts

    def provision(self) -> None:
        """An operator makes two companies; their owners accept by mail."""
        headline("An operator provisions two companies")
        with step(f"operator {OPERATOR} signs in on the platform host"):
            self.operator = self.platform.sign_in(OPERATOR, PASSWORD)
        for slug, name in (("acme", "Acme Manufacturing"), ("globex", "Globex Logistics")):
            with step(f"{name}: schema, host http://{slug}.localhost:{self.port}, invitation of its owner"):
                made = self.operator.post(
                    "/api/v1/organizations",
                    {
                        "name": name,
                        "slug": slug,
                        "owner_email": f"owner@{slug}.example",
                        "timezone": "Europe/Berlin",
                    },
                    headers={"Idempotency-Key": f"demo-{slug}"},
                )
                ensure(made["state"] == "trial", f"{slug} is {made['state']}, not in trial")
                self.facts.organizations[slug] = made["id"]
            with step(f"owner@{slug}.example follows the link of the invitation mail and chooses a password"):
                self.accept(slug, f"owner@{slug}.example", "Olivia", "Owner")

    def accept(self, slug: str, email: str, first_name: str = "", last_name: str = "") -> None:
        """Accept an invitation with the token of the mail."""
        token = self.mailbox.token_for(email)
        body = {"token": token, "password": PASSWORD, "first_name": first_name, "last_name": last_name}
        self.host(slug).post("/api/v1/invitations/accept", body, expect=200)

    def give_seats(self) -> Api:
        """The operator gives Acme a plan; return Acme's host as its owner sees it."""
        headline(f"Acme gets a plan with {SEATS:,} seats")
        with step("plan `team` in the catalogue, subscription for Acme"):
            self.operator.post("/api/v1/plans", {"code": "team", "name": "Team", "max_seats": 10_000})
            self.operator.post(
                "/api/v1/subscriptions",
                {"organization_id": self.facts.organizations["acme"], "plan": "team", "seats": SEATS},
            )
        with step("Acme's owner signs in and takes a seat"):
            owner = self.host("acme").sign_in("owner@acme.example", PASSWORD)
            owner.post("/api/v1/seats/claim", expect=200)
            summary = owner.get("/api/v1/seats/summary")
            ensure(summary["free"] == SEATS - 1, f"{summary['free']} seats free, not {SEATS - 1}")
        return owner

    def publish(self, owner: Api) -> list[str]:
        """Import and publish the course, open a run of it for each cohort; return the runs' ids."""
        headline("A course is published from a folder, and runs open for the cohorts")
        command = [
            "import_course",
            str(COURSE),
            "--organization",
            "acme",
            "--owner",
            "owner@acme.example",
            "--publish",
        ]
        with step(f"manage.py import_course {COURSE.relative_to(ROOT)}: 3 modules, 12 lessons"):
            self.manage(*command)
        with step("the same import again changes nothing"):
            before = self.course(owner)
            self.manage(*command)
            ensure(self.course(owner) == before, "a repeated import changed the course")
        version = before["current_version"]
        run_ids = []
        for name in COHORTS:
            with step(f"run and cohort “{name}”"):
                run = owner.post(
                    "/api/v1/runs",
                    {
                        "course_id": before["id"],
                        "version_id": version["id"],
                        "title": f"{before['title']}: {name}",
                        "timezone": "Europe/Berlin",
                    },
                )
                owner.post("/api/v1/cohorts", {"name": name, "run_id": run["id"]})
                run_ids.append(run["id"])
        return run_ids

    def course(self, owner: Api) -> Any:
        """Return the one course of Acme, with its current version."""
        found = owner.get("/api/v1/courses")["results"]
        ensure(len(found) == 1, f"{len(found)} courses, not 1")
        detail = owner.get(f"/api/v1/courses/{found[0]['id']}")
        ensure(detail["state"] == "published", f"the course is {detail['state']}")
        return detail

    def onboard(self, owner: Api, run_ids: list[str]) -> None:
        """Plan the HR export, show what is wrong with it, apply it, and prove that a repeat does nothing."""
        headline("Acme's HR export: 2,000 people, a plan first")
        with step(f"upload {ROSTER.name} (German Excel dialect)"):
            plan = owner.upload("/api/v1/rosters", ROSTER, {"create_cohorts": "false"})
        counts = plan["counts"]
        note(
            f"{counts['rows']} rows: {counts['add']} to add, {counts['change']} to change, "
            f"{counts['skip']} to skip, {counts['refuse']} refused; "
            f"{plan['seats_needed']} seats needed, {plan['seats_free']} free"
        )
        ensure(counts["rows"] == 2000, f"{counts['rows']} rows were read, not 2000")
        refused = owner.get(f"/api/v1/rosters/{plan['id']}/rows?action=refuse&limit=200")["results"]
        ensure(len(refused) == counts["refuse"] > 0, "the refused rows are not all listed")
        lines = [("row", "column", "why", "advice")]
        for row in refused[:5]:
            issue = next(each for each in row["issues"] if each["severity"] == "refuse")
            lines.append((str(row["number"]), issue["column"], issue["code"], issue["advice"]))
        table([["   ", *line] for line in lines])
        note(f"… and {len(refused) - 5} more")
        with step("nothing was written by the plan"):
            seats = owner.get("/api/v1/seats/summary")
            ensure(seats["free"] == plan["seats_free"], "the plan took seats")
        self.apply(owner, plan)
        with step("the runs have their people"):
            enrolled = sum(owner.get(f"/api/v1/runs/{run_id}")["enrolled_count"] for run_id in run_ids)
            ensure(enrolled == counts["add"], f"{enrolled} people are enrolled, not {counts['add']}")
        with step("the same file again: zero additions, zero changes"):
            again = owner.upload("/api/v1/rosters", ROSTER, {"create_cohorts": "false"})["counts"]
            ensure((again["add"], again["change"]) == (0, 0), f"a repeat would add or change: {again}")
        self.facts.roster_id = plan["id"]

    def apply(self, owner: Api, plan: Any) -> None:
        """Apply the plan as a job and follow it."""
        with step(
            f"apply the {plan['counts']['add']} good rows: users, seats, cohorts, enrollments, invitations"
        ):
            job = owner.post(f"/api/v1/rosters/{plan['id']}/apply", {"partial": True}, expect=202)
            ends = time.monotonic() + 300
            told = -1
            while job["state"] in {"queued", "running"}:
                ensure(time.monotonic() < ends, f"the job did not end within 300 s: {job}")
                time.sleep(0.4)
                job = owner.get(f"/api/v1/jobs/{job['id']}")
                if job["done"] != told:
                    told = job["done"]
                    progress("applying", told, job["total"])
            ensure(job["state"] == "succeeded", f"the job ended as {job}")
        rows = Counter[str]()
        address = f"/api/v1/rosters/{plan['id']}/rows?limit=200"
        while address:
            page = owner.get(address)
            rows.update(row["result"] for row in page["results"])
            address = page["next"].partition("localhost")[2].partition("/")[2] if page["next"] else ""
            address = f"/{address}" if address else ""
        counts = plan["counts"]
        ensure(rows["done"] == counts["add"], f"row results: {rows}")
        ensure(rows["refused"] == counts["refuse"], f"row results: {rows}")
        seats = owner.get("/api/v1/seats/summary")
        held = seats["assigned"] + seats["active"]
        ensure(held == counts["add"] + 1, f"{held} seats are held, not {counts['add'] + 1}")
        ensure(held + seats["free"] == seats["purchased"] == SEATS, f"seats do not add up: {seats}")

    def learn(self, owner: Api) -> None:
        """Some of the invited people join and learn; one finishes the course."""
        headline("People of the cohort learn")
        members = owner.get("/api/v1/members?status=invited&limit=10")["results"]
        for position, member in enumerate(members[:LEARNERS]):
            email = member["email"]
            with step(f"{email} follows the invitation mail, signs in, sees the course"):
                self.accept("acme", email)
                learner = self.host("acme").sign_in(email, PASSWORD)
                [course] = learner.get("/api/v1/my-courses")["results"]
                ensure(course["progress"]["percent"] == 0, "a new learner has progress")
            tree = learner.get(f"/api/v1/my-courses/{course['enrollment_id']}")
            lessons = [lesson for module in tree["modules"] for lesson in module["lessons"]]
            ensure(len(lessons) == 12, f"{len(lessons)} lessons, not 12")
            wanted = lessons if position == 0 else lessons[: 4 * position]
            with step(f"… completes {len(wanted)} of {len(lessons)} lessons"):
                self.complete(learner, course["enrollment_id"], wanted)
                [course] = learner.get("/api/v1/my-courses")["results"]
                self.check_progress(course, len(wanted), len(lessons))
            self.facts.learners.append(email)
            self.facts.finished = self.facts.finished or email

    def complete(self, learner: Api, enrollment_id: str, lessons: list[Any]) -> None:
        """Read and complete the lessons; each twice, which counts once."""
        for lesson in lessons:
            path = f"/api/v1/my-courses/{enrollment_id}/lessons/{lesson['id']}"
            learner.get(path)
            learner.post(f"{path}/complete", expect=200)
        learner.post(f"{path}/complete", expect=200)

    def check_progress(self, course: Any, completed: int, total: int) -> None:
        """Compare what the library says with what was done."""
        ensure(course["progress"]["completed"] == completed, f"progress is {course['progress']}")
        state = "completed" if completed == total else "active"
        ensure(course["state"] == state, f"the enrollment is {course['state']}, not {state}")
        if completed < total:
            ensure(course["next_lesson"], "there is no lesson to continue with")

    def improve(self, owner: Api) -> None:
        """The course gets better under the feet of those who take it, and nobody stumbles."""
        finisher, *others = [self.host("acme").sign_in(each, PASSWORD) for each in self.facts.learners]
        runs = {run_of(learner): learner for learner in reversed(others)}
        improve(owner, runs.get(run_of(finisher), others[0]), finisher)

    def stay_apart(self, owner: Api) -> None:
        """Globex sees nothing of Acme."""
        headline("Globex sees nothing of Acme")
        stranger = self.host("globex").sign_in("owner@globex.example", PASSWORD)
        course_id = self.course(owner)["id"]
        with step("Acme's course at Globex's host: 404; Acme's token there: 401"):
            stranger.get(f"/api/v1/courses/{course_id}", expect=404)
            Api(self.port, "globex.localhost", owner.token).get("/api/v1/profile", expect=401)
        with step("Globex's member list holds its owner alone"):
            found = stranger.get("/api/v1/members")["results"]
            ensure([member["email"] for member in found] == ["owner@globex.example"], f"members: {found}")

    def sign_up(self) -> None:
        """A third company signs up by itself."""
        one = SignUp(self.platform, self.mailbox, pays_locally=self.pays_locally)
        sign_up(one, self.operator, self.host, PASSWORD)
        self.facts.signed_up = EMAIL

    def open_a_page(self) -> str:
        """Return the address of a payment page that waits for a click."""
        return open_a_page(SignUp(self.platform, self.mailbox, pays_locally=self.pays_locally))

    # --- Second start ----------------------------------------------------------------------

    def resume(self, facts: Facts) -> None:
        """Prove that the data of the last start is there: sign-ins work, progress stands."""
        self.facts = facts
        headline("The data of the last start is here")
        with step("operator, owners and a learner sign in"):
            self.platform.sign_in(OPERATOR, PASSWORD)
            self.host("globex").sign_in("owner@globex.example", PASSWORD)
            owner = self.host("acme").sign_in("owner@acme.example", PASSWORD)
            learner = self.host("acme").sign_in(facts.finished, PASSWORD)
        with step("the finished course is still finished"):
            states = [course["state"] for course in learner.get("/api/v1/my-courses")["results"]]
            ensure("completed" in states, f"the enrollments of {facts.finished} are {states}")
            ensure(owner.get("/api/v1/seats/summary")["purchased"] == SEATS, "the seats are gone")
        if facts.signed_up:
            with step("the company that signed up has its subscription"):
                subscriber = self.host("initech").sign_in(facts.signed_up, PASSWORD)
                status = subscriber.get("/api/v1/billing/subscription")["subscription"]["status"]
                ensure(status == "active", f"the subscription is {status}")

    def manage(self, *arguments: str) -> str:
        """Run a management command in the stack's environment; return what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**self.env, "LOG_LEVEL": "WARNING"},
            capture_output=True,
            text=True,
            check=False,
        )
        ensure(done.returncode == 0, f"manage.py {arguments[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout
