// Makes boxes for ids into lists to choose from by name, after the ARIA pattern of an editable combobox.
//
// A box that has data-resource-type, in a form that has data-lookup, becomes a hidden field that keeps the id; the box
// that people type into takes its place and its label. Without this script the box takes an id as it is.
"use strict";

(() => {
  const DELAY = 250;
  const PATIENCE = 10000;
  const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

  function element(tag, className, text) {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  }

  class Combobox {
    constructor(field, lookup) {
      this.field = field;
      this.lookup = lookup;
      this.kind = field.dataset.resourceType;
      this.offers = [];
      this.active = -1;
      this.timer = 0;
      this.request = null;
      this.build();
      this.listen();
    }

    build() {
      const id = this.field.id;
      this.box = element("input");
      this.box.type = "text";
      this.box.id = id;
      this.box.name = `shown-${this.field.name}`;
      this.box.placeholder = "name or id";
      this.box.autocomplete = "off";
      this.box.spellcheck = false;
      this.box.value = this.field.dataset.shown || this.field.value;
      for (const [name, value] of Object.entries({
        role: "combobox",
        "aria-autocomplete": "list",
        "aria-expanded": "false",
        "aria-controls": `${id}-list`,
      })) this.box.setAttribute(name, value);
      for (const name of ["aria-describedby", "aria-invalid"]) {
        if (this.field.hasAttribute(name)) this.box.setAttribute(name, this.field.getAttribute(name));
      }
      this.popup = element("div", "combobox-popup");
      this.popup.hidden = true;
      this.list = element("ul");
      this.list.id = `${id}-list`;
      this.list.setAttribute("role", "listbox");
      this.list.setAttribute("aria-label", `${this.kind}s found`);
      this.note = element("p", "combobox-note");
      this.note.setAttribute("role", "status");
      this.popup.append(this.list, this.note);
      this.chosen = element("div", "combobox-chosen");
      this.chosen.setAttribute("role", "status");
      const frame = element("div", "combobox");
      const early = document.activeElement === this.field;
      this.field.before(frame);
      frame.append(this.box, this.field, this.popup, this.chosen);
      this.field.type = "hidden";
      this.field.removeAttribute("id");
      if (this.field.dataset.shown && this.field.dataset.shown !== this.field.value) {
        this.chosen.textContent = this.field.value;
      }
      // Somebody may have begun to type while the script was on its way.
      if (early) {
        this.box.focus();
        if (this.box.value) this.ask(DELAY);
      }
    }

    listen() {
      this.box.addEventListener("input", () => this.typed());
      this.box.addEventListener("keydown", (event) => this.key(event));
      this.box.addEventListener("click", () => {
        if (this.popup.hidden && !this.chosen.textContent) this.ask(0);
      });
      this.box.addEventListener("blur", () => this.left());
      // A press on the list must not take the focus away from the box, or the list would be gone before the click.
      this.popup.addEventListener("mousedown", (event) => event.preventDefault());
      this.list.addEventListener("click", (event) => {
        const option = event.target.closest("[role=option]");
        if (option) this.choose(Number(option.dataset.place));
      });
    }

    typed() {
      this.field.value = this.box.value.trim();
      this.chosen.textContent = "";
      this.ask(DELAY);
    }

    key(event) {
      if (event.isComposing || event.ctrlKey || event.metaKey) return;
      const open = !this.popup.hidden;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (!open) this.ask(0);
        else this.move(event.key === "ArrowDown" ? 1 : -1);
      } else if (event.key === "Enter" && open) {
        event.preventDefault();
        if (this.active >= 0) this.choose(this.active);
        else this.close();
      } else if (event.key === "Escape") {
        if (open) this.close();
        else {
          this.box.value = "";
          this.typed();
          this.stop();
        }
        event.preventDefault();
      }
    }

    left() {
      const text = this.box.value.trim().toLowerCase();
      const same = this.offers.filter((offer) => offer.status === "enabled" && offer.name.toLowerCase() === text);
      // Whoever typed the whole name meant it.
      if (text && same.length === 1 && this.field.value === this.box.value.trim()) this.take(same[0]);
      if (!ID.test(text)) this.stop();
      this.close();
    }

    stop() {
      window.clearTimeout(this.timer);
      if (this.request) this.request.abort();
      this.request = null;
    }

    ask(delay) {
      this.stop();
      // What was found for another text is offered no longer: it could be taken, and is not what stands there.
      this.offers = [];
      this.active = -1;
      this.list.replaceChildren();
      this.box.removeAttribute("aria-activedescendant");
      if (!this.popup.hidden) this.tell("Looking…");
      this.timer = window.setTimeout(() => this.fetch(this.box.value.trim()), delay);
    }

    async fetch(text) {
      const request = new AbortController();
      this.request = request;
      const late = window.setTimeout(() => request.abort("late"), PATIENCE);
      const isId = ID.test(text);
      if (isId) this.chosen.textContent = "Looking it up…";
      else this.tell("Looking…");
      let answer;
      try {
        const query = new URLSearchParams({ type: this.kind, q: text });
        const response = await bootstrapSession.ask(`${this.lookup}?${query}`, {
          signal: request.signal,
          headers: { Accept: "application/json" },
        });
        if (response.status === 403) answer = { error: "You may not do this any more. Load the page again." };
        else answer = await response.json();
      } catch (error) {
        if (request.signal.aborted && request.signal.reason !== "late") return;
        if (error.name === "SignedOut") answer = { error: error.message };
        else if (request.signal.aborted) answer = { error: "Magistrala takes too long to answer. Try again, or paste an id." };
        else answer = { error: "The service cannot be reached. Try again." };
      } finally {
        window.clearTimeout(late);
      }
      if (this.request !== request) return;
      this.request = null;
      if (isId) this.showId(text, answer);
      else this.show(text, answer);
    }

    showId(text, answer) {
      this.close();
      if (answer.error) this.chosen.textContent = answer.error;
      else if (answer.found.length) this.take(answer.found[0]);
      else this.chosen.textContent = `There is no ${this.kind} of this id in the device's domain.`;
    }

    show(text, answer) {
      this.offers = answer.found || [];
      this.active = -1;
      this.list.replaceChildren(...this.offers.map((offer, place) => this.option(offer, place)));
      this.list.hidden = !this.offers.length;
      this.box.removeAttribute("aria-activedescendant");
      const number = this.offers.length;
      if (answer.error) this.tell(answer.error, true);
      else if (!number && text) this.tell(`No ${this.kind} of the device's domain has “${text}” in its name.`);
      else if (!number) this.tell(`The device's domain has no ${this.kind}s yet.`);
      else if (answer.has_more) this.tell(`The first ${number}; type more of the name for others.`);
      else this.tell(`${number} ${this.kind}${number === 1 ? "" : "s"} found`);
    }

    tell(text, isError = false) {
      this.note.textContent = text;
      this.note.classList.toggle("error", isError);
      this.list.hidden = !this.offers.length;
      this.popup.hidden = false;
      this.box.setAttribute("aria-expanded", "true");
    }

    option(offer, place) {
      const option = element("li");
      option.id = `${this.box.id}-option-${place}`;
      option.dataset.place = String(place);
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      const first = element("span", "option-name", offer.name || "(no name)");
      if (offer.status !== "enabled") {
        option.setAttribute("aria-disabled", "true");
        first.append(" ", element("span", "badge badge-bad", offer.status));
      } else {
        first.append(" ", element("span", "badge badge-good", offer.status));
      }
      option.append(first, element("span", "id", offer.id));
      if (offer.tags.length) option.append(element("span", "facts", offer.tags.join(", ")));
      return option;
    }

    move(step) {
      const number = this.offers.length;
      if (!number) return;
      this.active = this.active < 0 ? (step > 0 ? 0 : number - 1) : (this.active + step + number) % number;
      [...this.list.children].forEach((option, place) => {
        option.setAttribute("aria-selected", String(place === this.active));
      });
      const option = this.list.children[this.active];
      this.box.setAttribute("aria-activedescendant", option.id);
      option.scrollIntoView({ block: "nearest" });
    }

    choose(place) {
      const offer = this.offers[place];
      if (offer.status === "enabled") this.take(offer);
      else this.tell(`It is ${offer.status}: enable it in Magistrala, or choose another.`, true);
    }

    take(offer) {
      this.box.value = offer.name || offer.id;
      this.field.value = offer.id;
      const words = [offer.id, ...(offer.status === "enabled" ? [] : [offer.status]), ...offer.tags];
      this.chosen.textContent = words.join(" · ");
      this.close();
    }

    close() {
      this.popup.hidden = true;
      this.active = -1;
      this.box.setAttribute("aria-expanded", "false");
      this.box.removeAttribute("aria-activedescendant");
    }
  }

  const form = document.querySelector("form[data-lookup]");
  if (!form) return;
  for (const field of form.querySelectorAll("input[data-resource-type]")) {
    new Combobox(field, form.dataset.lookup);
  }
  // Links lead to one slot's row.
  const row = window.location.hash && document.getElementById(window.location.hash.slice(1));
  const box = (row || form.querySelector("tr.errors"))?.querySelector("[role=combobox]");
  if (box) box.focus();
})();
