/* The choice of a preview's device: a box that offers those whose name or id holds what is typed. */
"use strict";

(() => {
  const DELAY = 200;

  class DeviceCombobox extends window.bootstrapCombobox {
    constructor(box, workbench, domain, tell) {
      super(box, "Devices", DELAY);
      this.workbench = workbench;
      this.domain = domain;
      this.report = tell;
      this.chosen = "";
      this.keepsForm = true;
      this.useSample = workbench.querySelector("[data-use-sample]");
      box.addEventListener("focus", () => {
        box.select();
        this.ask(0, "");
      });
      box.addEventListener("input", () => this.ask(DELAY));
      box.addEventListener("blur", () => {
        this.close();
        if (!this.chosen) box.value = "";
      });
      this.useSample.addEventListener("click", () => {
        this.chosen = "";
        box.value = "";
        this.useSample.hidden = true;
        tell("");
        this.close();
        box.focus();
      });
    }

    first() {
      return this.offers[0];
    }

    close() {
      // What is still asked for, or about to be, would open the list again.
      this.stop();
      super.close();
    }

    async find(text) {
      const query = new URLSearchParams({ profile: this.workbench.dataset.profile, domain: this.domain(), q: text });
      try {
        const answer = await bootstrapSession.ask(`${this.workbench.dataset.devices}?${query}`);
        if (answer.ok) {
          const offers = (await answer.json()).devices;
          return { offers, note: offers.length ? "" : "No device is called so" };
        }
      } catch (error) {
        if (error.name === "SignedOut") return { offers: [], note: error.message };
      }
      return { offers: [], note: "The devices cannot be listed now" };
    }

    fill(option, offer) {
      const facts = [offer.external_id, offer.uses_it ? "uses this profile" : ""].filter(Boolean).join(", ");
      option.append(offer.name, window.bootstrapElement("span", "facts", facts));
    }

    take(offer) {
      this.chosen = offer.id;
      this.box.value = offer.name;
      this.useSample.hidden = false;
      this.report(this.chosen);
    }
  }

  /** Tell `tell` the id of each device that is chosen, "" for sample data; `domain` says where to look. */
  window.bootstrapDeviceChoice = (workbench, domain, tell) => {
    const box = workbench.querySelector("[data-device]");
    // Who may not see devices has no choice.
    if (box) new DeviceCombobox(box, workbench, domain, tell);
  };
})();
