/* The choice of a preview's device: a box that offers those whose name or id holds what is typed. */
"use strict";

(() => {
  /** Tell `tell` the id of each device that is chosen, "" for sample data; `domain` says where to look. */
  window.bootstrapDeviceChoice = (workbench, domain, tell) => {
    const device = workbench.querySelector("[data-device]");
    const useSample = workbench.querySelector("[data-use-sample]");
    // Who may not see devices has no choice.
    if (!device) {
      return;
    }
    let chosen = "";
    const offers = document.getElementById("preview-devices");
    let asked = 0;
    let typing = 0;
    let active = -1;
    const options = () => [...offers.children].filter((option) => option.dataset.id);

    const close = () => {
      // What is still asked for, or about to be, would open the list again.
      window.clearTimeout(typing);
      asked += 1;
      offers.hidden = true;
      active = -1;
      device.setAttribute("aria-expanded", "false");
      device.removeAttribute("aria-activedescendant");
    };
    const choose = (option) => {
      chosen = option.dataset.id;
      device.value = option.dataset.name;
      useSample.hidden = false;
      close();
      tell(chosen);
    };
    const point = (number) => {
      const all = options();
      if (!all.length) {
        return;
      }
      active = (number + all.length) % all.length;
      all.forEach((option, n) => option.setAttribute("aria-selected", String(n === active)));
      device.setAttribute("aria-activedescendant", all[active].id);
      all[active].scrollIntoView({ block: "nearest" });
    };
    const offer = async (text) => {
      asked += 1;
      const mine = asked;
      const query = new URLSearchParams({ profile: workbench.dataset.profile, domain: domain(), q: text });
      let found = null;
      let words = "The devices cannot be listed now";
      try {
        const answer = await bootstrapSession.ask(`${workbench.dataset.devices}?${query}`);
        if (answer.ok) {
          found = (await answer.json()).devices;
          words = "No device is called so";
        }
      } catch (error) {
        if (error.name === "SignedOut") {
          words = error.message;
        }
      }
      if (mine !== asked || document.activeElement !== device) {
        return;
      }
      const items = (found || []).map((one, number) => {
        const facts = [one.external_id, one.uses_it ? "uses this profile" : ""].filter(Boolean).join(", ");
        const about = Object.assign(document.createElement("span"), { className: "facts", textContent: facts });
        const item = Object.assign(document.createElement("li"), { id: `preview-device-${number}` });
        item.append(one.name, about);
        item.setAttribute("role", "option");
        item.setAttribute("aria-selected", "false");
        item.dataset.id = one.id;
        item.dataset.name = one.name;
        item.addEventListener("mousedown", (event) => {
          event.preventDefault();
          choose(item);
        });
        return item;
      });
      const none = Object.assign(document.createElement("li"), { className: "facts", textContent: words });
      offers.replaceChildren(...(items.length ? items : [none]));
      offers.hidden = false;
      active = -1;
      device.setAttribute("aria-expanded", "true");
    };
    device.addEventListener("focus", () => {
      device.select();
      offer("");
    });
    device.addEventListener("input", () => {
      window.clearTimeout(typing);
      typing = window.setTimeout(() => offer(device.value.trim()), 200);
    });
    device.addEventListener("blur", () => {
      close();
      if (!chosen) {
        device.value = "";
      }
    });
    device.addEventListener("keydown", (event) => {
      if (event.key === "ArrowDown" || event.key === "ArrowUp") {
        event.preventDefault();
        point(active + (event.key === "ArrowDown" ? 1 : active < 0 ? 0 : -1));
      } else if (event.key === "Enter") {
        // Enter in a box would save the form.
        event.preventDefault();
        const all = options();
        if (!offers.hidden && all.length) {
          choose(all[Math.max(0, active)]);
        }
      } else if (event.key === "Escape" && !offers.hidden) {
        event.stopPropagation();
        close();
      }
    });
    useSample.addEventListener("click", () => {
      chosen = "";
      device.value = "";
      useSample.hidden = true;
      tell(chosen);
      close();
      device.focus();
    });
  };
})();
