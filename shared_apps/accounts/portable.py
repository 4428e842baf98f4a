"""What of the accounts travels with an organization: people and their places in it, never a secret."""

from shared_apps.core.portable import Belongs, Fill, PortableTable, declare_excluded, declare_portable

_ITS_USERS = "SELECT user_id FROM public.accounts_membership WHERE organization_id = {organization}"

declare_portable(
    PortableTable(
        "accounts_user",
        f"id IN ({_ITS_USERS})",
        Belongs.PEOPLE,
        # The password is the person's, who may belong to other organizations too: whoever holds an archive of
        # one of them could try it there. Operators' rights are given by each installation itself.
        left_out=frozenset({"password", "last_login", "is_staff", "is_superuser", "sign_in_epoch"}),
        fills={
            "password": Fill.UNUSABLE_PASSWORD,
            "is_staff": Fill.FALSE,
            "is_superuser": Fill.FALSE,
            "sign_in_epoch": Fill.ZERO,
        },
        matched_by="email",
    ),
    PortableTable(
        "account_emailaddress",
        f"user_id IN ({_ITS_USERS})",
        Belongs.PEOPLE,
        left_out=frozenset({"id"}),
        parent="user_id",
    ),
    PortableTable("accounts_membership", "organization_id = {organization}", Belongs.PEOPLE),
    PortableTable(
        "accounts_invitation",
        "organization_id = {organization}",
        Belongs.PEOPLE,
        # The link in the mail leads to the old host; an open invitation is sent again from the new one.
        left_out=frozenset({"token_hash"}),
        fills={"token_hash": Fill.NO_TOKEN},
    ),
)
declare_excluded(
    "secrets: sign-ins and tokens are good for the installation that gave them",
    "accounts_signin",
    "accounts_refreshtoken",
    "accounts_personalaccesstoken",
    "account_emailconfirmation",
)
declare_excluded(
    "rights of operators, given by each installation itself",
    "accounts_user_groups",
    "accounts_user_user_permissions",
)
