"""Which domains a person may see and touch in the admin, and from where he logged in."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from bootstrap_project.database.constraints import PLATFORM_ID_LENGTH


class DomainGrant(models.Model):
    """One person's access to one domain; what may be done there is said by the person's permissions."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="domain_grants")
    domain_id = models.CharField(max_length=PLATFORM_ID_LENGTH, help_text="A Magistrala domain.")

    class Meta:
        ordering = ("domain_id",)
        verbose_name = "domain grant"
        constraints = (models.UniqueConstraint(fields=("user", "domain_id"), name="adminsite_domaingrant_unique"),)

    def __str__(self) -> str:
        return self.domain_id


class KnownAddress(models.Model):
    """An address from which a person logged in well; an IPv6 one stands for its /64 network."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    address = models.GenericIPAddressField()
    last_login = models.DateTimeField(db_index=True)

    class Meta:
        # It has no page of its own, so nobody needs a permission for it.
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("user", "address"), name="adminsite_knownaddress_unique"),)

    def __str__(self) -> str:
        return str(self.address)
