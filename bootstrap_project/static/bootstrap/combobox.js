/* A list to choose from by name, after the ARIA pattern of an editable combobox. */
"use strict";

(() => {
  window.bootstrapElement = (tag, className, text) => {
    const made = document.createElement(tag);
    if (className) made.className = className;
    if (text) made.textContent = text;
    return made;
  };
  const element = window.bootstrapElement;

  /** Makes `box` one. Those who make one override what is theirs:
   *
   * `find(text, request)` returns `{offers, note, isError}` or null, `fill(option, offer)` shows an offer, `take(offer)` uses it.
   */
  window.bootstrapCombobox = class {
    constructor(box, name, delay) {
      this.box = box;
      this.delay = delay;
      this.offers = [];
      this.active = -1;
      this.timer = 0;
      this.request = null;
      this.popup = element("div", "combobox-popup");
      this.popup.hidden = true;
      this.list = element("ul");
      this.list.id = `${box.id}-list`;
      this.list.setAttribute("role", "listbox");
      this.list.setAttribute("aria-label", name);
      this.note = element("p", "combobox-note");
      this.note.setAttribute("role", "status");
      this.popup.append(this.list, this.note);
      box.after(this.popup);
      box.autocomplete = "off";
      box.spellcheck = false;
      for (const [attribute, value] of Object.entries({
        role: "combobox",
        "aria-autocomplete": "list",
        "aria-expanded": "false",
        "aria-controls": this.list.id,
      })) box.setAttribute(attribute, value);
      box.addEventListener("keydown", (event) => this.key(event));
      // A press on the list must not take the focus away from the box, or the list would be gone before the click.
      this.popup.addEventListener("mousedown", (event) => event.preventDefault());
      this.list.addEventListener("click", (event) => {
        const option = event.target.closest("[role=option]");
        if (option) this.choose(this.offers[Number(option.dataset.place)]);
      });
    }

    /** What Enter takes where no offer is marked, and what Escape does once the list is closed. */
    first() {}

    clear() {}

    choose(offer) {
      this.close();
      this.take(offer);
    }

    key(event) {
      if (event.isComposing || event.ctrlKey || event.metaKey) return;
      const isOpen = !this.popup.hidden;
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        if (!isOpen) this.ask(0);
        else this.move(event.key === "ArrowDown" ? 1 : -1);
      } else if (event.key === "Enter") {
        // Enter in a box would save the form.
        if (isOpen || this.keepsForm) event.preventDefault();
        const offer = this.active >= 0 ? this.offers[this.active] : this.first();
        if (isOpen && offer) this.choose(offer);
        else if (isOpen) this.close();
      } else if (event.key === "Escape") {
        if (isOpen) this.close();
        else this.clear();
        event.preventDefault();
      }
    }

    stop() {
      window.clearTimeout(this.timer);
      if (this.request) this.request.abort();
      this.request = null;
    }

    /** Search after `delay`, for `text` or else for what is in the box by then. */
    ask(delay, text = null) {
      this.stop();
      this.timer = window.setTimeout(() => this.search(text ?? this.box.value.trim()), delay);
    }

    async search(text) {
      const request = new AbortController();
      this.request = request;
      const found = await this.find(text, request);
      if (this.request !== request) return;
      this.request = null;
      if (found) this.show(found);
    }

    show({ offers, note, isError }) {
      this.offers = offers;
      this.mark(-1);
      this.list.replaceChildren(
        ...offers.map((offer, place) => {
          const option = element("li");
          option.id = `${this.box.id}-option-${place}`;
          option.dataset.place = String(place);
          option.setAttribute("role", "option");
          option.setAttribute("aria-selected", "false");
          this.fill(option, offer);
          return option;
        }),
      );
      this.tell(note, isError);
    }

    tell(text, isError = false) {
      this.note.textContent = text;
      this.note.hidden = !text;
      this.note.classList.toggle("error", isError);
      this.list.hidden = !this.offers.length;
      this.popup.hidden = false;
      this.box.setAttribute("aria-expanded", "true");
    }

    move(step) {
      const number = this.offers.length;
      if (number) this.mark(this.active < 0 ? (step > 0 ? 0 : number - 1) : (this.active + step + number) % number);
    }

    mark(place) {
      this.active = place;
      [...this.list.children].forEach((option, n) => option.setAttribute("aria-selected", String(n === place)));
      this.box.removeAttribute("aria-activedescendant");
      if (place >= 0) {
        this.box.setAttribute("aria-activedescendant", this.list.children[place].id);
        this.list.children[place].scrollIntoView({ block: "nearest" });
      }
    }

    close() {
      this.popup.hidden = true;
      this.mark(-1);
      this.box.setAttribute("aria-expanded", "false");
    }
  };
})();
