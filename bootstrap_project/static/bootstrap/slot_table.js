/* The table of slots: rows that come and go, and what can be kept of each type. */
"use strict";

(() => {
  const table = document.querySelector("[data-slot-table]");
  if (!table) {
    return;
  }
  const body = table.querySelector("tbody");
  const blank = table.querySelector("template");
  const status = table.querySelector(".slot-status");
  const keys = JSON.parse(document.getElementById("slot-keys").textContent);
  const workbench = document.querySelector("[data-workbench]");
  const box = (row, part) => row.querySelector(`[name$="-${part}"]`);
  let next = body.rows.length;

  const changed = () => table.dispatchEvent(new Event("input", { bubbles: true }));
  const named = (input) =>
    input.value
      .split(",")
      .map((name) => name.trim())
      .filter(Boolean);

  function showKeys(row) {
    const input = box(row, "fields");
    const chosen = named(input);
    const chips = row.querySelector("[data-keys]");
    chips.replaceChildren(
      ...keys[box(row, "type").value].map((key) => {
        const chip = document.createElement("button");
        chip.type = "button";
        chip.textContent = key;
        chip.setAttribute("aria-pressed", String(chosen.includes(key)));
        chip.addEventListener("click", () => {
          const names = named(input);
          input.value = (names.includes(key) ? names.filter((name) => name !== key) : [...names, key]).join(", ");
          showKeys(row);
          changed();
          [...chips.children].find((other) => other.textContent === key).focus();
        });
        return chip;
      }),
    );
  }

  async function warn(name, row, before) {
    const url = `${workbench.dataset.bound}?${new URLSearchParams({ profile: workbench.dataset.profile, slot: name })}`;
    let answer;
    try {
      answer = await bootstrapSession.ask(url, { headers: { Accept: "application/json" } });
    } catch (error) {
      if (error.name === "SignedOut" && !row.isConnected) {
        say(`The slot ${name} is removed. Whether devices have bound it is not known. ${error.message} `, row, before);
      }
      return;
    }
    if (!answer.ok || row.isConnected) {
      return;
    }
    const { devices, is_more: isMore } = await answer.json();
    if (devices && !row.isConnected) {
      const number = `${isMore ? "More than " : ""}${devices} ${devices === 1 ? "device has" : "devices have"}`;
      say(`${number} bound the slot ${name}. What is bound there is used no longer once this is saved. `, row, before);
    }
  }

  function say(text, row, before) {
    const undo = document.createElement("button");
    undo.type = "button";
    undo.className = "button";
    undo.textContent = "Put it back";
    undo.addEventListener("click", () => {
      body.insertBefore(row, before && before.isConnected ? before : null);
      status.replaceChildren();
      box(row, "name").focus();
      changed();
    });
    status.replaceChildren(text, undo);
  }

  function prepare(row) {
    const remove = row.querySelector("[data-remove-slot]");
    remove.hidden = false;
    const name = () => box(row, "name").value;
    const relabel = () => remove.setAttribute("aria-label", name() ? `Remove the slot ${name()}` : "Remove the empty row");
    relabel();
    box(row, "name").addEventListener("input", relabel);
    box(row, "fields").addEventListener("input", () => showKeys(row));
    box(row, "type").addEventListener("change", () => {
      showKeys(row);
      changed();
    });
    remove.addEventListener("click", () => {
      const before = row.nextElementSibling;
      row.remove();
      changed();
      if (name()) {
        say(`The slot ${name()} is removed. `, row, before);
        if (workbench && workbench.dataset.profile) {
          warn(name(), row, before);
        }
      }
      (before ? box(before, "name") : add).focus();
    });
    showKeys(row);
  }

  const add = table.querySelector("[data-add-slot]");
  add.hidden = false;
  add.addEventListener("click", () => {
    const row = blank.content.querySelector("tr").cloneNode(true);
    for (const input of row.querySelectorAll("[name]")) {
      input.name = input.name.replace("__number__", String(next));
    }
    next += 1;
    body.append(row);
    prepare(row);
    box(row, "name").focus();
  });
  // Empty rows are for those who cannot add any.
  for (const row of [...body.rows]) {
    if (box(row, "name").value || box(row, "fields").value) {
      prepare(row);
    } else {
      row.remove();
    }
  }
})();
