from django.apps import AppConfig


class OnboardingConfig(AppConfig):
    name = "shared_apps.onboarding"
    label = "onboarding"
    verbose_name = "Onboarding of organizations"

    def ready(self) -> None:
        """Keep the subdomains of sign-ups from others, and hear of paid pages; imported here since models are
        not loaded before."""
        from shared_apps.onboarding.selectors.sign_ups import is_name_held
        from shared_apps.onboarding.services.sign_up_provisioning import PAID_TOPIC, on_checkout_paid
        from shared_apps.outbox.types import register_handler
        from tenants.names import register_hold

        register_hold(is_name_held)
        register_handler(PAID_TOPIC, on_checkout_paid, in_tenant=False)
