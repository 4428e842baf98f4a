"""Refusals around the life of organizations."""

from shared_apps.core.errors import Conflict, DomainError, Forbidden, InvalidInput, Kind


class CreationKeyReused(Conflict):
    """The key created another organization before."""

    code = "creation_key_reused"
    title = "This key already created another organization."
    advice = "Use a fresh Idempotency-Key for each organization."


class DeletionIncomplete(RuntimeError):
    """Something of a deleted organization was still there at the second look: no receipt, but an alarm."""


class EmbedHostMalformed(InvalidInput):
    """An entry of the hosts for embeds is no host. Facts: `host`."""

    code = "embed_host_malformed"
    title = "This is not a host that could be embedded from."
    advice = "Use a host name without scheme, port and path: films.acme.example, or *.acme.example."


class DomainMalformed(InvalidInput):
    """The name is no host name that could be a customer's own. Facts: `why`."""

    code = "domain_malformed"
    title = "This is not a domain that can be used."
    advice = "Send a full host name of your own, without scheme, port and path: learn.acme.example."


class DomainNotProven(Conflict):
    """The domain is not proven, so it cannot become the primary one."""

    code = "domain_not_proven"
    title = "This domain is not proven yet."
    advice = "Make the DNS records that the domain shows, then let them be checked."


class DomainCheckedJustNow(DomainError):
    """The records were looked up a moment ago."""

    code = "domain_checked_just_now"
    kind = Kind.THROTTLED
    title = "The DNS records were looked up a moment ago."
    advice = "Wait the seconds that Retry-After names."


class EntryForbidden(Forbidden):
    """The organization's owners let no operator in."""

    code = "support_entry_forbidden"
    title = "The organization does not let operators in."
    advice = "Ask one of its owners to allow it, or to invite you as a member."


class GraceTooLong(InvalidInput):
    """The grace is not between none and a year. Facts: `most`, in days."""

    code = "grace_too_long"
    title = "The days of grace are not between 0 and 365."


class NotConfirmed(InvalidInput):
    """The deletion was not confirmed with the organization's name."""

    code = "not_confirmed"
    title = "The deletion is not confirmed."
    advice = "Send the organization's present slug as `confirm`."


class ReceiptNotValid(InvalidInput):
    """A receipt was changed, or was signed with another key, or is none."""

    code = "receipt_not_valid"
    title = "This receipt is not valid."


class TooManyDomains(Conflict):
    """The organization has as many domains as it may. Facts: `most`."""

    code = "too_many_domains"
    title = "This organization has as many domains as it may."
    advice = "Remove one that is not needed."


class WaiverNeeded(InvalidInput):
    """Deleting without any grace leaves no time for an export, so somebody must say that none is needed."""

    code = "waiver_needed"
    title = "Without grace nobody can export the data first."
    advice = "Say in `export_waiver` why no export is needed, or leave days of grace."


class OriginMalformed(InvalidInput):
    """A browser origin has a wrong form. Facts: `origin`."""

    code = "origin_malformed"
    title = "This is not a browser origin."
    advice = "Use scheme and host, and a port if it is not the usual one: https://portal.acme.example."


class UnknownTimezone(InvalidInput):
    """There is no time zone of this name."""

    code = "unknown_timezone"
    title = "There is no time zone of this name."
    advice = "Use a name of the IANA time zone database, for example Europe/Berlin."


class SchemaNotFailed(Conflict):
    """Only a schema whose build failed is built again."""

    code = "schema_not_failed"
    title = "This schema did not fail."
    advice = "Look at its state again: it may have been built meanwhile."


class SignUpClosed(Forbidden):
    """This installation takes no sign-ups: operators make its organizations."""

    code = "sign_up_closed"
    title = "Nobody can sign up here by themselves."
    advice = "Ask the platform's operator for an organization."


class CompanyNameMalformed(InvalidInput):
    """The name holds what no company's name does: an address of a page, control characters."""

    code = "company_name_malformed"
    title = "This is not a name of a company."
    advice = "Use 2 to 200 letters, digits, spaces and punctuation, and no address of a web page."


class CompanyNameHeld(Conflict):
    """Somebody signs a company of this name up at this moment."""

    code = "company_name_held"
    title = "Somebody is signing up a company of this name."
    advice = "Go on with that sign-up, or try again when it has expired, within a day."


class EmailNotAccepted(InvalidInput):
    """The address is of a service whose addresses last minutes: no owner of a company is reached there."""

    code = "email_not_accepted"
    title = "This e-mail address cannot be used to sign up."
    advice = "Use an address at which the company can be reached for good."


class VerificationNotValid(InvalidInput):
    """The mailed token is not this sign-up's, was used, or was replaced by a newer mail's."""

    code = "verification_not_valid"
    title = "This link is not valid any more."
    advice = "Ask for a new mail, or sign up again if the sign-up has expired."


class SignUpNotVerified(Conflict):
    """The owner's address must be verified first."""

    code = "sign_up_not_verified"
    title = "The e-mail address is not verified yet."
    advice = "Follow the link in the mail, or ask for a new one."


class SignUpVerified(Conflict):
    """The address was verified before: no further mail is needed."""

    code = "sign_up_verified"
    title = "The e-mail address is verified already."
    advice = "Go on to the payment page."


class SignUpMailedJustNow(DomainError):
    """The mail was sent a moment ago."""

    code = "sign_up_mailed_just_now"
    kind = Kind.THROTTLED
    title = "The mail was sent a moment ago."
    advice = "Wait the seconds that Retry-After names."


class SignUpOver(DomainError):
    """The sign-up expired or was canceled; it holds its names no longer. Facts: `status`."""

    code = "sign_up_over"
    kind = Kind.GONE
    title = "This sign-up is over."
    advice = "Sign up again."


class SignUpPaid(Conflict):
    """The sign-up is paid: there is nothing more to buy, and nothing to cancel. Facts: `status`."""

    code = "sign_up_paid"
    title = "This sign-up is paid."
    advice = "Read it again to see how far it is."


class SignUpClosing(Conflict):
    """The payment page is being closed at this moment."""

    code = "sign_up_closing"
    title = "This sign-up is being ended."
    advice = "Read it again in a few seconds."


class SignUpTrialUsed(Conflict):
    """A trial was shown, and its address began another one meanwhile. The sign-up has none now."""

    code = "sign_up_trial_used"
    title = "This address has had its trial."
    advice = "Read the sign-up again, show what is paid at once, and ask for the payment page again."


class SignUpNeedsNoHelp(Conflict):
    """Only a paid sign-up that cannot go on by itself is finished or paid back by hand. Facts: `status`."""

    code = "sign_up_needs_no_help"
    title = "This sign-up needs no operator."
    advice = "Read it again to see how far it is."
