"""What can be done with configs: enrol, read, change, enable, disable, remove."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from bootstrap_project.conditions import IfMatch
from bootstrap_project.database.constraints import NAME_LENGTH, violated_constraint
from bootstrap_project.visible_text import unseen_in_id, unseen_in_name
from configs.errors import ConfigConflict, ConfigNotFound, InvalidConfig
from configs.etags import check_stored
from configs.external_keys import digest_external_key, hash_external_key
from configs.models import Config, Status
from configs.near_ids import find_near_ids
from profiles.errors import ProfileNotFound
from profiles.models import Profile
from profiles.services import get_profile

logger = logging.getLogger(__name__)

EXTERNAL_KEY_LENGTH = 4096
#: What no path can hold for an id: clients and proxies take them away (RFC 3986, section 5.2.4).
_NO_IDS = frozenset({".", ".."})
_MEANS_MORE_IN_A_PATH = "?#%"
#: What may be set at creation besides identity, key and profile.
CREATABLE = ("name", "content", "render_context", "client_cert", "ca_cert")
#: What PATCH may change (docs/contract.md#a2).
EDITABLE = ("name", "content", "render_context")
CERTIFICATES = ("client_cert", "client_key", "ca_cert")


def get_config(*, domain_id: str, config_id: uuid.UUID | None, with_profile: bool = False) -> Config:
    """Return the config of that id, and its profile in the same query where it is wanted.

    Raises: ConfigNotFound, for another domain's as for one that does not exist (docs/contract.md#k17).
    Cost: one query.
    """
    configs = Config.objects.in_domain(domain_id)
    if with_profile:
        configs = configs.select_related("profile")
    config = configs.filter(pk=config_id).first() if config_id else None
    if config is None:
        raise ConfigNotFound
    return config


def create_config(
    *,
    domain_id: str,
    external_id: str,
    external_key: str,
    profile_id: uuid.UUID | None = None,
    config_id: uuid.UUID | None = None,
    values: Mapping[str, Any],
) -> Config:
    """Enrol a device; it is enabled at once.

    Shape: `config_id` is the id of the new config where its caller has drawn one, so that repeating the call makes no
    second device.
    Raises: InvalidConfig for an unusable id or key; ProfileNotFound for a profile of another domain; ConfigConflict for
    an external id that exists in any domain, or a name that exists in this one.
    Cost: one scrypt hash, some 40 ms of one core, outside of any transaction.
    """
    check_external_id(external_id)
    check_external_key(external_key)
    values = _checked(values)
    profile = get_profile(domain_id=domain_id, profile_id=profile_id) if profile_id else None
    config = Config(
        domain_id=domain_id,
        external_id=external_id,
        profile=profile,
        status=Status.ENABLED,
        **({"id": config_id} if config_id else {}),
        **{name: values[name] for name in CREATABLE if name in values},
    )
    config.client_key = values.get("client_key", "")
    set_external_key(config, external_key)
    with _written(profile_id):
        config.save(force_insert=True)
    logger.info("config enrolled", extra={"domain_id": domain_id, "config_id": config.pk})
    return config


def set_external_key(config: Config, external_key: str) -> None:
    """Put the hash and the digest of `external_key` on `config`, unsaved."""
    config.external_key_hash = hash_external_key(external_key)
    config.external_key_pepper, config.external_key_digest = digest_external_key(external_key)


def update_config(
    *, domain_id: str, config_id: uuid.UUID | None, values: Mapping[str, Any], if_match: IfMatch | None = None
) -> Config:
    """Replace the given members and leave the others (docs/contract.md#k9).

    Raises: InvalidConfig; ConfigNotFound; PreconditionFailed; ConfigConflict for a name that another config of the
    domain has.
    """
    stored = get_config(domain_id=domain_id, config_id=config_id)
    changes = _checked({name: values[name] for name in EDITABLE if name in values}, stored)
    return _write(domain_id, config_id, changes, if_match)


def update_certificates(
    *, domain_id: str, config_id: uuid.UUID | None, values: Mapping[str, Any], if_match: IfMatch | None = None
) -> Config:
    """Replace the given certificate members and leave the others.

    Raises: ConfigNotFound; PreconditionFailed.
    """
    config = get_config(domain_id=domain_id, config_id=config_id)
    changes = {name: values[name] for name in CERTIFICATES if name in values}
    if "client_key" in changes:
        config.client_key = changes.pop("client_key")
        changes["client_key_sealed"] = config.client_key_sealed
    return _write(domain_id, config_id, changes, if_match)


def set_status(
    *, domain_id: str, config_id: uuid.UUID | None, status: Status, if_match: IfMatch | None = None
) -> Config:
    """Enable or disable a config; doing it twice is no error.

    Raises: ConfigNotFound; PreconditionFailed.
    """
    return _write(domain_id, config_id, {"status": status}, if_match)


def set_statuses(*, configs: QuerySet[Config], status: Status) -> tuple[list[Config], int]:
    """Enable or disable many configs at once; return those that were not before, and the number of the others.

    `configs` are the caller's to touch: a query that is limited to what the caller may see, and to some hundreds.
    Cost: one transaction of two statements.
    """
    with transaction.atomic():
        chosen = list(configs.select_for_update(of=("self",)))
        others = [config for config in chosen if config.status != status]
        _update_all(others, status=status)
    return others, len(chosen) - len(others)


def set_profiles(*, configs: QuerySet[Config], profile: Profile | None) -> tuple[list[Config], int]:
    """Assign one profile, or none, to many configs at once; return those that change, and the number of the others.

    `configs` are the caller's to touch, some hundreds in an order that all callers keep to: they are locked in it.
    Bindings stay stored.
    Raises: InvalidConfig for a config of another domain than the profile's; ProfileNotFound when it is gone.
    Cost: one transaction of three statements.
    """
    with transaction.atomic():
        if profile and Profile.objects.select_for_update(no_key=True).filter(pk=profile.pk).first() is None:
            raise ProfileNotFound("the profile was removed meanwhile", field="profile_id")
        chosen = list(configs.select_for_update(of=("self",)))
        if profile and any(config.domain_id != profile.domain_id for config in chosen):
            detail = "profile_id: give a profile of the config's own domain"
            raise InvalidConfig("invalid profile", detail, field="profile_id")
        wanted = profile.pk if profile else None
        others = [config for config in chosen if config.profile_id != wanted]
        _update_all(others, profile=profile)
    logger.info("profiles assigned", extra={"profile_id": wanted, "configs": len(others)})
    return others, len(chosen) - len(others)


def _update_all(configs: Sequence[Config], **changes: Any) -> None:
    ids = [config.pk for config in configs]
    Config.objects.filter(pk__in=ids).update(**changes, updated_at=timezone.now())


def set_profile(
    *,
    domain_id: str,
    config_id: uuid.UUID | None,
    profile_id: uuid.UUID | None,
    if_match: IfMatch | None = None,
) -> Config:
    """Assign a profile of the same domain, or none; bindings stay stored.

    Raises: ConfigNotFound; PreconditionFailed; ProfileNotFound for a profile of another domain.
    """
    if profile_id is not None:
        get_profile(domain_id=domain_id, profile_id=profile_id)
    config = _write(domain_id, config_id, {"profile_id": profile_id}, if_match)
    logger.info("profile assigned", extra={"config_id": config.pk, "profile_id": profile_id})
    return config


def rotate_external_key(
    *, domain_id: str, config_id: uuid.UUID | None, external_key: str, instead_of: str | None = None
) -> Config:
    """Store the hash and the digest of a new key; the old one is refused from now on.

    Shape: `instead_of` is what `key_mark` said of the key that shall go; a second call with it changes nothing.
    Raises: InvalidConfig for a key that no device can present; ConfigNotFound; ConfigConflict when the key that shall
    go has gone already.
    Cost: one scrypt hash, some 40 ms of one core.
    """
    check_external_key(external_key)
    pepper, digest = digest_external_key(external_key)
    keys = {"external_key_pepper": pepper, "external_key_digest": digest}
    keys["external_key_hash"] = hash_external_key(external_key)
    with transaction.atomic():
        if instead_of is not None and config_id:
            held = Config.objects.in_domain(domain_id).filter(pk=config_id).select_for_update().first()
            if held is not None and not constant_time_compare(key_mark(held), instead_of):
                raise ConfigConflict(
                    "the key was rotated already", "the key was rotated meanwhile; nothing was changed"
                )
        return _write(domain_id, config_id, keys)


def key_mark(config: Config) -> str:
    """Return a word that stands for the stored key until it is rotated; it tells nothing of the key or its hash.

    It also changes when a device's first call replaces a hash of the older kind: a form from before is then refused.
    """
    return salted_hmac("configs.key_mark", f"{config.pk}:{config.external_key_hash}", algorithm="sha256").hexdigest()


def delete_config(*, domain_id: str, config_id: uuid.UUID | None, if_match: IfMatch | None = None) -> None:
    """Remove a config with its bindings; removing one that is not there is no error (docs/contract.md#k8).

    Raises: PreconditionFailed, with a condition also for one that is not there.
    """
    with transaction.atomic():
        check_stored(domain_id, config_id, if_match)
        if config_id:
            delete_configs(configs=Config.objects.in_domain(domain_id).filter(pk=config_id))


def delete_configs(*, configs: QuerySet[Config]) -> list[Config]:
    """Remove many configs with their bindings, and return those that were there.

    `configs` are the caller's to touch, some hundreds in an order that all callers keep to: they are locked in it.
    """
    with transaction.atomic():
        # A bind takes the same lock before it stores, so none can add a row between the bindings' and the config's.
        found = list(configs.select_for_update(of=("self",)))
        Config.objects.filter(pk__in=[config.pk for config in found]).delete()
    return found


def check_external_id(external_id: str) -> None:
    """Check that a device can present `external_id` in a path.

    Raises: InvalidConfig (docs/contract.md#k10 and #k16).
    """
    if not external_id:
        detail = "external_id: a config needs the id that its device presents"
        raise InvalidConfig("missing entity id", detail, field="external_id")
    if len(external_id) > NAME_LENGTH:
        detail = f"external_id has at most {NAME_LENGTH} characters"
        raise InvalidConfig("invalid external_id", detail, field="external_id")
    if "/" in external_id:
        detail = "external_id must not contain a slash: it is one segment of a path"
        raise InvalidConfig("invalid external_id", detail, field="external_id")
    if external_id in _NO_IDS:
        detail = "external_id must not be . or ..: clients and proxies take these out of a path"
        raise InvalidConfig("invalid external_id", detail, field="external_id")
    if unseen := unseen_in_id(external_id):
        detail = f"external_id: it has {unseen}; write it without"
        raise InvalidConfig("invalid external_id", detail, field="external_id")


def _checked(values: Mapping[str, Any], stored: Config | None = None) -> dict[str, Any]:
    """Return `values` with the name trimmed; what `stored` holds already may stay as it is.

    Raises: InvalidConfig for what nobody sees in the name or in the name of a variable.
    """
    checked = dict(values)
    if "name" in values and (stored is None or values["name"] != stored.name):
        checked["name"] = values["name"].strip()
        if unseen := unseen_in_name(checked["name"]):
            raise InvalidConfig("invalid name", f"name: it has {unseen}", field="name")
    if "render_context" in values:
        known = stored.render_context if stored else {}
        for variable in values["render_context"].keys() - known.keys():
            if unseen := unseen_in_id(variable):
                detail = f"render_context: the name of a variable has {unseen}; write it without"
                raise InvalidConfig("invalid render_context", detail, field="render_context")
    return checked


def doubts_about_external_id(external_id: str, configs: QuerySet[Config]) -> list[str]:
    """Return what may keep the device of a new config out, as clauses; `configs` are those that its operator may see.

    Cost: as `find_near_ids`.
    """
    doubts = []
    special = [character for character in _MEANS_MORE_IN_A_PATH if character in external_id]
    if special:
        doubts.append(f"{' and '.join(special)} must be sent percent-encoded, which not every device does")
    if near := find_near_ids([external_id], configs).get(external_id):
        doubts.append(f"{near}: config {near.config_id}")
    return doubts


def check_external_key(external_key: str) -> None:
    """Check that a device can present `external_key` in a header.

    Raises: InvalidConfig, which never quotes the key.
    """
    if not external_key:
        detail = "external_key: a config needs the key that its device presents"
        raise InvalidConfig("missing external_key", detail, field="external_key")
    if len(external_key) > EXTERNAL_KEY_LENGTH:
        detail = f"external_key has at most {EXTERNAL_KEY_LENGTH} characters"
        raise InvalidConfig("invalid external_key", detail, field="external_key")
    if external_key.strip() != external_key:
        detail = "external_key must not begin or end with white space: HTTP strips it from headers"
        raise InvalidConfig("invalid external_key", detail, field="external_key")
    # Servers and proxies drop or mangle header values that are not ASCII, so the device would be refused for ever.
    if not (external_key.isascii() and external_key.isprintable()):
        detail = "external_key must be printable ASCII: it is sent in an HTTP header"
        raise InvalidConfig("invalid external_key", detail, field="external_key")


def _write(
    domain_id: str, config_id: uuid.UUID | None, changes: dict[str, Any], if_match: IfMatch | None = None
) -> Config:
    """Write `changes` in one filtered statement, so that nothing read before can be written back."""
    if if_match is not None:
        # A config that is not there is 404 with a condition as without one.
        get_config(domain_id=domain_id, config_id=config_id)
    if (changes or if_match) and config_id:
        with _written(changes.get("profile_id")):
            check_stored(domain_id, config_id, if_match)
            if changes:
                Config.objects.in_domain(domain_id).filter(pk=config_id).update(**changes, updated_at=timezone.now())
    return get_config(domain_id=domain_id, config_id=config_id)


@contextmanager
def _written(profile_id: uuid.UUID | None) -> Iterator[None]:
    """Write in a transaction, and say what stood in the way."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        violated = violated_constraint(error, Config.EXTERNAL_ID_UNIQUE, Config.NAME_UNIQUE)
        if violated == Config.EXTERNAL_ID_UNIQUE:
            detail = "external_id: another config has it; it is unique everywhere"
            defect = "another device already has this external id"
            raise ConfigConflict("entity already exists", detail, field="external_id", defect=defect) from error
        if violated == Config.NAME_UNIQUE:
            detail = "name: another config of the domain has it"
            defect = "another device of the domain already has this name"
            raise ConfigConflict("entity already exists", detail, field="name", defect=defect) from error
        # References are checked last, and what was there when we looked may be gone.
        if profile_id and not Profile.objects.filter(pk=profile_id).exists():
            raise ProfileNotFound("the profile was removed meanwhile", field="profile_id") from error
        raise
