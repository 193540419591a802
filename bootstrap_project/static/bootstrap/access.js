// Select2 leaves its boxes without names: they get those of the fields that they stand for.
"use strict";

function nameChoices() {
  for (const choice of document.querySelectorAll("select.admin-autocomplete")) {
    const label = document.querySelector(`label[for="${choice.id}"]`);
    const box = choice.parentElement.querySelector(".select2-selection");
    const shown = choice.parentElement.querySelector(".select2-selection__rendered");
    if (label && box && shown) {
      label.id ||= `${choice.id}_label`;
      box.setAttribute("aria-labelledby", `${label.id} ${shown.id}`);
      shown.setAttribute("aria-labelledby", label.id);
    }
  }
}

// What is registered with jQuery later runs later: Django's script has made the boxes by then. Rows that are added come
// with boxes of their own.
window.django?.jQuery?.(nameChoices);
document.addEventListener("formset:added", () => setTimeout(nameChoices));
