"""Who may call which operation, at all; rights on single objects have tests of their own.

Each line: operation id -> the roles that pass its policy. ANYONE needs no sign-in.
"""

from shared_apps.core.actors import ADMINS, EVERYONE, Role

ANYONE = frozenset({"anyone"})
OPERATOR = frozenset({"operator"})
SIGNED_IN = frozenset({"user", "operator"})

_ = (ADMINS, EVERYONE, Role)

TENANT: dict[str, frozenset[str]] = {
    "auth_csrf_retrieve": ANYONE,
    "auth_email_verification_create": ANYONE,
    "auth_email_verification_resend": ANYONE,
    "auth_password_reset_confirm": ANYONE,
    "auth_password_reset_create": ANYONE,
    "auth_refresh_create": ANYONE,
    "auth_sign_in_create": ANYONE,
    "auth_me_retrieve": EVERYONE,
    "auth_password_create": EVERYONE,
    "auth_sign_ins_destroy": EVERYONE,
    "auth_sign_ins_list": EVERYONE,
    "auth_sign_out_create": EVERYONE,
    "auth_sign_out_everywhere": EVERYONE,
    "auth_tokens_create": EVERYONE,
    "auth_tokens_destroy": EVERYONE,
    "auth_tokens_list": EVERYONE,
}

PLATFORM: dict[str, frozenset[str]] = {
    "auth_csrf_retrieve": ANYONE,
    "auth_email_verification_create": ANYONE,
    "auth_email_verification_resend": ANYONE,
    "auth_password_reset_confirm": ANYONE,
    "auth_password_reset_create": ANYONE,
    "auth_refresh_create": ANYONE,
    "auth_sign_in_create": ANYONE,
    "auth_register_create": ANYONE,
    "auth_me_retrieve": SIGNED_IN,
    "auth_password_create": SIGNED_IN,
    "auth_sign_ins_destroy": SIGNED_IN,
    "auth_sign_ins_list": SIGNED_IN,
    "auth_sign_out_create": SIGNED_IN,
    "auth_sign_out_everywhere": SIGNED_IN,
    "auth_tokens_create": SIGNED_IN,
    "auth_tokens_destroy": SIGNED_IN,
    "auth_tokens_list": SIGNED_IN,
}
