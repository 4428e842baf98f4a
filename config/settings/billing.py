"""Settings of what is sold: the gateway, sign-ups, seats, and what follows when something is owed."""

import re
from datetime import timedelta

from config import env

# Without a key nothing is sold by card, and the endpoint for Stripe's messages answers 404.
STRIPE_API_KEY = env.text("STRIPE_API_KEY", "")
STRIPE_API_BASE = env.text("STRIPE_API_BASE", "https://api.stripe.com")
# How long a call waits for its answer; it is tried three times.
STRIPE_ANSWER_SECONDS = env.integer("STRIPE_ANSWER_SECONDS", 20)
# Two while a new secret replaces the old one.
STRIPE_WEBHOOK_SECRETS = env.words("STRIPE_WEBHOOK_SECRETS", "")
# What the gateway's pages ask for and reckon: taxes by its tables, tax ids of companies, promotion codes.
CHECKOUT_AUTOMATIC_TAX = env.boolean("CHECKOUT_AUTOMATIC_TAX", False)
CHECKOUT_TAX_IDS = env.boolean("CHECKOUT_TAX_IDS", True)
CHECKOUT_PROMOTION_CODES = env.boolean("CHECKOUT_PROMOTION_CODES", True)
# Hosts ("app.example" or "app.example:8443") that those pages may lead back to besides an organization's own.
BILLING_RETURN_HOSTS = env.words("BILLING_RETURN_HOSTS", "")

# --- Sign-ups -------------------------------------------------------------------------------
# Companies sign themselves up on the platform's host, where payments are set up.
SIGN_UP_OPEN = env.boolean("SIGN_UP_OPEN", True)
# The front end's page that mails and payment pages lead to; empty: /sign-up on the platform's host.
SIGN_UP_PAGE = env.text("SIGN_UP_PAGE", "")
# How long a sign-up holds its names: until its address is verified, then until its page is opened; while it
# has a page, this long after the page's end; and never longer than the last after the address is verified.
SIGN_UP_UNVERIFIED = timedelta(hours=env.integer("SIGN_UP_UNVERIFIED_HOURS", 24))
SIGN_UP_UNPAID = timedelta(hours=env.integer("SIGN_UP_UNPAID_HOURS", 24))
SIGN_UP_AFTER_PAGE = timedelta(hours=1)
SIGN_UP_LONGEST = timedelta(hours=72)
SIGN_UP_MAIL_PAUSE = timedelta(seconds=60)
# Sign-ups that came to nothing are forgotten.
KEEP_EXPIRED_SIGN_UPS = timedelta(days=env.integer("KEEP_EXPIRED_SIGN_UPS_DAYS", 30))
# Domains of addresses that cannot sign up, besides those of services whose addresses last minutes.
SIGN_UP_REFUSED_EMAIL_DOMAINS = env.words("SIGN_UP_REFUSED_EMAIL_DOMAINS", "")

# --- Seats ----------------------------------------------------------------------------------
# How long an act on many seats can be undone.
SEAT_UNDO_WINDOW = timedelta(hours=env.integer("SEAT_UNDO_HOURS", 24))

# --- Access and dunning ---------------------------------------------------------------------
# What goes on where the subscription lets people only read, or is over: to sign in and out, to settle it, to
# give seats back, to export. Each by its own policy besides.
UNSETTLED_WRITES = [
    re.compile(f"/api/v1/{path}")
    for path in ("auth/.+", "billing/.+", "archives(/.+)?", "profile", "seats/([0-9a-f-]+/|bulk-)revoke")
]
# What those who cannot settle it still read when the subscription is over: who they are, whose house this is
# and why it is closed.
CLOSED_READS = [
    re.compile(f"/api/v1/{path}")
    for path in (
        "auth/.+",
        "billing/access",
        "profile",
        "organization",
        "(my-courses|enrollments|runs|courses)/[0-9a-f-]{36}(/lessons/[0-9a-f-]{36})?/why",
    )
]
# Days from a failed payment: all works, then no new seats are given, then people can only read.
DUNNING_NO_SEATS_AFTER = env.integer("DUNNING_NO_SEATS_AFTER", 3)
GRACE_DAYS = env.integer("GRACE_DAYS", 7)
# Days before the end of a grace, a trial or a subscription at which its administrators are told.
DUNNING_REMIND_BEFORE = env.integer("DUNNING_REMIND_BEFORE", 3)
# Days after the end of a subscription for which its people keep their seats, for one that follows.
SEATS_KEPT_DAYS = env.integer("SEATS_KEPT_DAYS", 30)
# Where people settle it, on the organization's host.
BILLING_PAGE = env.text("BILLING_PAGE", "/billing")
