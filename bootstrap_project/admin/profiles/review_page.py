"""The step between writing a profile and saving it: what would change, and for whom."""

from __future__ import annotations

from typing import Any, Final

from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse

from bootstrap_project.admin import permissions
from bootstrap_project.admin.base import ProductAdmin
from bootstrap_project.admin.profiles.review import find_lost_slots, review_change, with_values
from profiles.models import Profile

# What is posted beside the form's own boxes.
_BUTTONS: Final = frozenset({"csrfmiddlewaretoken", "_review", "_save", "_continue", "_addanother"})


def is_draft(request: HttpRequest) -> bool:
    """Return whether a posted form is to be shown again and not to be saved."""
    return request.method == "POST" and bool({"_edit", "_review"} & request.POST.keys())


class ReviewPages(ProductAdmin[Profile]):
    """Saving by way of a review, when it is asked for and when slots would go that devices have bound."""

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the editor, or save; before that what would change, when asked for or when bound slots would go."""
        is_save = request.method == "POST" and object_id and not {"_edit", "_reviewed"} & request.POST.keys()
        if is_save and (page := self._review(request, unquote(str(object_id)))):
            return page
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _review(self, request: HttpRequest, object_id: str) -> HttpResponse | None:
        """Return the page that shows what saving would do; None where that is not asked or the form has defects."""
        profile = self.get_object(request, object_id)
        if profile is None or not self.has_change_permission(request, profile):
            return None
        stored = with_values(profile, {})
        form: Any = self.get_form(request, profile, change=True)(request.POST, request.FILES, instance=profile)
        if form.errors:
            return None
        changed = with_values(stored, form.cleaned_data)
        if "_review" not in request.POST and not find_lost_slots(stored, changed):
            return None
        context = {
            "review": review_change(stored, changed),
            "may_see_devices": request.user.has_perm(permissions.PREVIEW),
            "hidden_fields": [
                (name, value) for name, values in request.POST.lists() for value in values if name not in _BUTTONS
            ],
            "is_form": True,
        }
        return self.page(request, "admin/profiles/profile/review.html", "Review changes", stored, **context)
