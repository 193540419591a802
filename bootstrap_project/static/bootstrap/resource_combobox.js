// Makes boxes for ids into lists of Magistrala's clients and channels.
//
// A box that has data-resource-type, in a form that has data-lookup, becomes a hidden field that keeps the id; the box
// that people type into takes its place and its label. Without this script the box takes an id as it is.
"use strict";

(() => {
  const DELAY = 250;
  const PATIENCE = 10000;
  const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
  const element = window.bootstrapElement;

  /** Return a box in a frame around `field`, which becomes hidden and leaves it its id. */
  function boxOf(field) {
    const box = element("input");
    box.type = "text";
    box.id = field.id;
    box.name = `shown-${field.name}`;
    box.placeholder = "name or id";
    box.value = field.dataset.shown || field.value;
    for (const name of ["aria-describedby", "aria-invalid"]) {
      if (field.hasAttribute(name)) box.setAttribute(name, field.getAttribute(name));
    }
    const frame = element("div", "combobox");
    field.before(frame);
    frame.append(box, field);
    field.type = "hidden";
    field.removeAttribute("id");
    return box;
  }

  class ResourceCombobox extends window.bootstrapCombobox {
    constructor(field, lookup) {
      const isEarly = document.activeElement === field;
      super(boxOf(field), `${field.dataset.resourceType}s found`, DELAY);
      this.field = field;
      this.lookup = lookup;
      this.kind = field.dataset.resourceType;
      this.chosen = element("div", "combobox-chosen");
      this.chosen.setAttribute("role", "status");
      this.box.parentElement.append(this.chosen);
      if (field.dataset.shown && field.dataset.shown !== field.value) this.chosen.textContent = field.value;
      this.box.addEventListener("input", () => this.typed());
      this.box.addEventListener("click", () => {
        if (this.popup.hidden && !this.chosen.textContent) this.ask(0);
      });
      this.box.addEventListener("blur", () => this.left());
      // Somebody may have begun to type while the script was on its way.
      if (isEarly) {
        this.box.focus();
        if (this.box.value) this.ask(DELAY);
      }
    }

    typed() {
      this.field.value = this.box.value.trim();
      this.chosen.textContent = "";
      this.ask(DELAY);
    }

    clear() {
      this.box.value = "";
      this.typed();
      this.stop();
    }

    left() {
      const text = this.box.value.trim().toLowerCase();
      const same = this.offers.filter((offer) => offer.status === "enabled" && offer.name.toLowerCase() === text);
      // Whoever typed the whole name meant it.
      if (text && same.length === 1 && this.field.value === this.box.value.trim()) this.take(same[0]);
      if (!ID.test(text)) this.stop();
      this.close();
    }

    ask(delay) {
      // What was found for another text is offered no longer: it could be taken, and is not what stands there.
      this.offers = [];
      this.list.replaceChildren();
      this.mark(-1);
      if (!this.popup.hidden) this.tell("Looking…");
      super.ask(delay);
    }

    async find(text, request) {
      const isId = ID.test(text);
      if (isId) this.chosen.textContent = "Looking it up…";
      else this.tell("Looking…");
      const answer = await this.answer(text, request);
      if (this.request !== request) return null;
      if (isId) {
        this.showId(answer);
        return null;
      }
      const offers = answer.found || [];
      return { offers, note: answer.error || this.count(offers.length, text, answer.has_more), isError: !!answer.error };
    }

    async answer(text, request) {
      const late = window.setTimeout(() => request.abort("late"), PATIENCE);
      try {
        const query = new URLSearchParams({ type: this.kind, q: text });
        const response = await bootstrapSession.ask(`${this.lookup}?${query}`, {
          signal: request.signal,
          headers: { Accept: "application/json" },
        });
        if (response.status === 403) return { error: "You may not do this any more. Load the page again." };
        return await response.json();
      } catch (error) {
        if (error.name === "SignedOut") return { error: error.message };
        if (request.signal.aborted) return { error: "Magistrala takes too long to answer. Try again, or paste an id." };
        return { error: "The service cannot be reached. Try again." };
      } finally {
        window.clearTimeout(late);
      }
    }

    showId(answer) {
      this.close();
      if (answer.error) this.chosen.textContent = answer.error;
      else if (answer.found.length) this.take(answer.found[0]);
      else this.chosen.textContent = `There is no ${this.kind} of this id in the device's domain.`;
    }

    count(number, text, hasMore) {
      if (!number && text) return `No ${this.kind} of the device's domain has “${text}” in its name.`;
      if (!number) return `The device's domain has no ${this.kind}s yet.`;
      if (hasMore) return `The first ${number}; type more of the name for others.`;
      return `${number} ${this.kind}${number === 1 ? "" : "s"} found`;
    }

    fill(option, offer) {
      const isEnabled = offer.status === "enabled";
      if (!isEnabled) option.setAttribute("aria-disabled", "true");
      const first = element("span", "option-name", offer.name || "(no name)");
      first.append(" ", element("span", `badge ${isEnabled ? "badge-good" : "badge-bad"}`, offer.status));
      option.append(first, element("span", "id", offer.id));
      if (offer.tags.length) option.append(element("span", "facts", offer.tags.join(", ")));
    }

    choose(offer) {
      if (offer.status === "enabled") super.choose(offer);
      else this.tell(`It is ${offer.status}: enable it in Magistrala, or choose another.`, true);
    }

    take(offer) {
      this.box.value = offer.name || offer.id;
      this.field.value = offer.id;
      const words = [offer.id, ...(offer.status === "enabled" ? [] : [offer.status]), ...offer.tags];
      this.chosen.textContent = words.join(" · ");
      this.close();
    }
  }

  const form = document.querySelector("form[data-lookup]");
  if (!form) return;
  for (const field of form.querySelectorAll("input[data-resource-type]")) {
    new ResourceCombobox(field, form.dataset.lookup);
  }
  // Links lead to one slot's row.
  const row = window.location.hash && document.getElementById(window.location.hash.slice(1));
  const box = (row || form.querySelector("tr.errors"))?.querySelector("[role=combobox]");
  if (box) box.focus();
})();
