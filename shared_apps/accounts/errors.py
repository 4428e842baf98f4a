"""Refusals around people and sign-in."""

from shared_apps.core.errors import Conflict, DomainError, Forbidden, InvalidInput, Kind, Unauthenticated


class TokenNotValid(Unauthenticated):
    """The token is malformed, expired, revoked, used up, or was made for another host. Which, isn't said."""

    code = "token_not_valid"
    title = "The token is not valid here."
    advice = "Sign in again on this host."


class BadCredentials(Unauthenticated):
    """Unknown address, wrong password, or nobody of this organization. Which, isn't said."""

    code = "bad_credentials"
    title = "E-mail and password do not fit here."
    advice = "Check both, and that you are on the right organization's host; or reset the password."


class EmailNotVerified(Forbidden):
    """The right password of an account whose address nobody has proved yet."""

    code = "email_not_verified"
    title = "The e-mail address is not verified yet."
    advice = "Follow the link in the mail, or ask for a new one at /api/v1/auth/email-verification/resend."


class TooManyAttempts(DomainError):
    """Too many attempts on one account or from one address."""

    code = "too_many_attempts"
    kind = Kind.THROTTLED
    title = "Too many attempts."
    advice = "Wait the seconds that Retry-After names."


class PasswordNotAccepted(InvalidInput):
    """The new password fails a rule; `reasons` names each."""

    code = "password_not_accepted"
    title = "This password is not accepted."
    advice = "Choose a longer one that is not common and does not contain your name or address."


class WrongPassword(InvalidInput):
    """The current password, asked again before a change, is wrong."""

    code = "wrong_password"
    title = "The current password is wrong."


class KeyNotValid(InvalidInput):
    """The key of a mailed link is malformed, expired or used."""

    code = "key_not_valid"
    title = "This link is not valid any more."
    advice = "Ask for a new mail."


class PersonalTokenRefused(Forbidden):
    """Credentials are managed by a signed-in person, never by a personal access token: a leaked one could
    otherwise outlive its revocation."""

    code = "personal_token_refused"
    title = "A personal access token may not do this."
    advice = "Sign in with e-mail and password."


class TooManyTokens(Conflict):
    """The person has as many live personal access tokens here as allowed."""

    code = "too_many_tokens"
    title = "You have too many personal access tokens."
    advice = "Revoke one you no longer need."


class LastOwner(Conflict):
    """The organization would be left without an active owner."""

    code = "last_owner"
    title = "An organization keeps at least one owner."
    advice = "Make somebody else an owner first."


class WrongMembershipStatus(Conflict):
    """The membership's status does not allow the move."""

    code = "wrong_membership_status"
    title = "The member's status does not allow this."


class AlreadyMember(Conflict):
    """The invited person is a member already."""

    code = "already_member"
    title = "This person is a member already."


class InvitationNotValid(DomainError):
    """The token is unknown, expired, revoked, used, or another organization's. Which, isn't said."""

    code = "invitation_not_valid"
    kind = Kind.GONE
    title = "This invitation is not valid any more."
    advice = "Ask an administrator of the organization for a new invitation."
