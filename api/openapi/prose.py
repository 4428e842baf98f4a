"""The words of the OpenAPI documents that belong to no single operation."""

TENANT = """\
The API of one organization, on the organization's own host: its people, courses, runs, seats and lists.
Everything here concerns that organization alone; another one's objects do not exist on this host."""

PLATFORM = """\
The API of the platform host: organizations, plans, subscriptions and what operators see of them. What happens
inside an organization is done on the organization's own host, which has a document of its own."""

CONVENTIONS = """\
## Signing in

`POST /api/v1/auth/sign-in` answers an access token of ten minutes and a refresh token. Send the access token
as `Authorization: Bearer <token>`. A refresh token is good once: each use answers the next pair, and a second
use of the same one ends the sign-in. Programs are better served by a personal access token, made at
`/api/v1/auth/tokens` and sent the same way. Browsers may sign in with `mode: session`, which sets a cookie;
unsafe methods then need the CSRF token as `X-CSRFToken`. A token is good on the host it was made for and on
no other.

## Refusals

Every refusal is `application/problem+json` (RFC 9457) with a stable `code` to decide by, a `title` for
people, often a `detail` that says what to do next, `facts` about the occurrence, and `errors` with one entry
for each value that was not accepted. 401 means that nobody is signed in, 403 that the caller may see the
object but not do this, 404 that there is nothing the caller may see. `request_id` finds the
request in our logs.

## Lists

Lists come in pages: `results`, and `next` and `previous` as whole addresses, null at the ends. Follow them as
they are; the cursor in them is opaque. `limit` sets the size of a page, from 1 to 200 and 50
unless told; another value is refused with 400.

## Repeating safely

A `POST` may carry an `Idempotency-Key`. Sent again with the same key and body it does nothing and gets the
first answer, marked `Idempotency-Replayed: true`; with another body it is refused with 400
(`idempotency_key_reused`), and while the first still runs with 409 (`idempotency_key_in_use`). Answers of the
sign-in operations are never kept, so keys mean nothing there. GET, PUT and DELETE may always be repeated.

## Editing together

Where an operation asks for `If-Match`, send the `ETag` of the object as you read it. If somebody changed the
object in between, the answer is 412 and nothing is written; without the header it is 428.

## Long work

What takes long answers 202 and names a job in `Location`. Ask the job for its progress and its result no more
often than `Retry-After` says, in seconds: the 202 carries it, and so does the job while it is queued or runs.

## Times, ids and limits

Times are ISO 8601 in UTC (`2026-03-02T09:00:00Z`); input with an offset is taken, input without one is read
as UTC. Ids are UUIDs. Requests are counted in windows of 60 seconds, for each caller and for the
organization: `RateLimit-Limit`, `RateLimit-Remaining` and `RateLimit-Reset` say where you stand with the
tightest of the two, `RateLimit-Policy` and `RateLimit` with each, and 429 comes with `Retry-After`. Unknown
members of a body are ignored; new members may appear in answers at any time."""

TAGS = {
    "auth": "Sign in, stay signed in, sign out; passwords and personal access tokens.",
    "profile": "What the signed-in member may see and change of himself or herself.",
    "members": "The people of the organization, their roles and their state.",
    "invitations": "Invite people by mail, and join by the link in it.",
    "seats": "Who holds which of the organization's seats.",
    "billing": "Subscribe, change and pay: what the organization buys, owes and is allowed.",
    "files": "Documents and pictures that lessons show.",
    "courses": "Courses, their versions and what is in them.",
    "runs": "Dated deliveries of a course version, and who is enrolled in them.",
    "learning": "The learner's own courses and lessons, and everybody's progress in a run.",
    "paths": "Courses, milestones, quizzes and projects in an order, and how far people are along it.",
    "cohorts": "Groups of members who are brought in together.",
    "rosters": "Bring in people by list: upload, look at the plan, apply it.",
    "archives": "An organization in one signed file, to keep or to take elsewhere.",
    "jobs": "Long work: progress and results.",
    "usage": "What an organization used: requests, tasks, mails, storage; and its shares of what all use.",
    "audit": "Who did what, when and from where.",
    "organizations": "The organization itself: name, branding, state.",
    "domains": "Host names of one's own, proven by DNS.",
    "sign-ups": "A company signs itself up: names held, address verified, paid, set up.",
    "plans": "What is sold: plans with their limits, prices, and promotion codes.",
    "gateway": "What the payment gateway told, what became of it, and what differs there.",
    "subscriptions": "Which organization may use how many seats, what it paid, and refunds.",
}
