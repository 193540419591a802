// A device's form: checks the variables while they are typed, and shows what the template would see.
"use strict";

document.addEventListener("DOMContentLoaded", () => {
  const PAUSE = 350;
  const data = document.getElementById("device-data");
  const box = document.querySelector("textarea[name=render_context]");
  const form = box?.form;
  let table = document.getElementById("variables");
  if (!data || !form || !table) return;

  const remark = document.createElement("p");
  remark.className = "json-remark";
  remark.setAttribute("role", "status");
  box.after(remark);

  let timer = 0;
  let asked = 0;

  async function check() {
    const number = ++asked;
    const body = new FormData();
    body.append("render_context", box.value);
    body.append("profile", form.elements.profile?.value ?? "");
    let answer;
    try {
      const response = await bootstrapSession.ask(data.dataset.checkUrl, { method: "POST", body });
      answer = response.ok ? await response.json() : null;
    } catch (error) {
      answer = error.name === "SignedOut" ? { signedOut: error.message } : null;
    }
    // What was typed meanwhile has asked again.
    if (number !== asked || answer === null) return;
    const failure = answer.signedOut || answer.error;
    remark.textContent = failure ? `${failure} The table shows what could be read last.` : "";
    table.classList.toggle("is-stale", Boolean(failure));
    if (answer.signedOut) return;
    if (answer.error) {
      const { line, column, error: text } = answer;
      box.dispatchEvent(new CustomEvent("json-editor:mark", { detail: { line, column, text } }));
      return;
    }
    const made = new DOMParser().parseFromString(answer.html, "text/html").getElementById("variables");
    table.replaceWith(made);
    table = made;
  }

  function later() {
    clearTimeout(timer);
    timer = setTimeout(check, PAUSE);
  }

  box.addEventListener("input", later);
  box.addEventListener("json-editor:change", later);
  // The choice of a profile tells of its changes through jQuery alone.
  const jQuery = window.django?.jQuery;
  if (jQuery && form.elements.profile) jQuery(form.elements.profile).on("change", later);
  else form.elements.profile?.addEventListener("change", later);
  // A form that came back with errors shows what was typed, not what is stored.
  const cameBack = Boolean(document.querySelector(".errornote"));
  if (cameBack) check();

  const fields = [...form.querySelectorAll("input[name], textarea[name], select[name]")];
  const choices = new Map(fields.filter((field) => field.matches("select")).map((field) => [field, field.value]));
  const plain = (text) => text.replace(/\r\n?/g, "\n");

  function isChanged(field) {
    if (choices.has(field)) return field.value !== choices.get(field);
    if (field.type === "checkbox") return field.checked !== field.defaultChecked;
    return plain(field.value) !== plain(field.defaultValue);
  }

  // The buttons of the other forms, such as Disable, load the page anew.
  for (const other of document.querySelectorAll("#content form")) {
    if (other === form) continue;
    other.addEventListener("submit", (event) => {
      const isTyped = cameBack || fields.some(isChanged);
      if (isTyped && !window.confirm("What you changed in the form is not saved and will be lost. Go on without saving?")) {
        event.preventDefault();
      }
    });
  }
});
