/* What the text gives while it is written: asks the server, marks what is wrong, shows the output. Stores nothing. */
"use strict";

(() => {
  const workbench = document.querySelector("[data-workbench]");
  const template = document.getElementById("id_content_template");
  if (!workbench || !template) {
    return;
  }
  const editors = window.bootstrapEditors || new Map();
  const { form } = template;
  const find = (name) => workbench.querySelector(`[data-${name}]`);
  const preview = find("preview");
  const problems = find("problems");
  const list = find("list");
  const output = find("output");
  const state = find("state");
  const sample = find("sample");
  const samplePart = find("sample-part");
  const device = find("device");
  const domain = () => workbench.dataset.domain || (document.getElementById("id_domain_id") || {}).value || "";
  let deviceId = "";
  let isSampleWritten = false;
  let running = null;
  let timer = 0;

  function make(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }

  function slots() {
    return [...document.querySelectorAll("[data-slot-table] tbody [data-slot]")].map((row) => ({
      name: row.querySelector('[name$="-name"]').value,
      type: row.querySelector('[name$="-type"]').value,
      required: row.querySelector('[name$="-required"]').checked,
      fields: row.querySelector('[name$="-fields"]').value,
    }));
  }

  async function check() {
    if (running) {
      running.abort();
    }
    const mine = new AbortController();
    running = mine;
    preview.classList.add("is-waiting");
    const body = {
      profile: workbench.dataset.profile,
      domain: domain(),
      template_format: form.elements.template_format.value,
      content_template: template.value,
      defaults: form.elements.defaults.value,
      slots: slots(),
      device: deviceId,
      sample: isSampleWritten ? sample.value : null,
    };
    let failure = "The server cannot be reached. The preview comes back by itself when you go on writing.";
    try {
      const answer = await bootstrapSession.ask(workbench.dataset.check, {
        method: "POST",
        headers: { "Content-Type": "application/json", Accept: "application/json" },
        body: JSON.stringify(body),
        signal: mine.signal,
      });
      const isJson = (answer.headers.get("Content-Type") || "").startsWith("application/json");
      const result = isJson ? await answer.json() : {};
      // What was asked before the last change is no answer any more.
      if (mine !== running) {
        return;
      }
      if (answer.ok) {
        show(result);
        return;
      }
      failure = result.error ? `${result.message}: ${result.error}` : "Nothing can be shown. Reload the page, and sign in again if asked.";
    } catch (error) {
      if (error.name === "AbortError") {
        return;
      }
      if (mine !== running) {
        return;
      }
      if (error.name === "SignedOut") {
        failure = error.message;
      }
    }
    preview.classList.remove("is-waiting");
    output.hidden = true;
    markAll([]);
    list.replaceChildren();
    find("verdict").textContent = "Not checked";
    state.textContent = failure;
    state.classList.add("is-bad");
  }

  function show(result) {
    preview.classList.remove("is-waiting");
    output.textContent = result.output === null ? "" : result.output;
    output.hidden = result.output === null;
    state.innerHTML = result.html.state;
    state.classList.toggle("is-bad", result.is_bad);
    const wrong = result.markers.find((marker) => marker.box === "output");
    if (wrong && wrong.line && result.output !== null) {
      markOutput(result.output, wrong.line);
    }
    if (result.sample !== null && !isSampleWritten) {
      write(sample, result.sample);
    }
    samplePart.hidden = Boolean(deviceId);
    find("verdict").textContent = result.html.verdict;
    list.innerHTML = result.html.problems;
    problems.classList.toggle("has-errors", result.markers.some((one) => one.box === "template" && one.kind === "error"));
    for (const section of workbench.querySelectorAll("[data-names]")) {
      section.querySelector(".chips").innerHTML = result.html.names[section.dataset.names];
    }
    markAll(result.markers);
  }

  /** Say at each place what is wrong there. */
  function markAll(all) {
    for (const [id, name] of [
      ["id_content_template", "template"],
      ["id_defaults", "defaults"],
      [sample.id, "sample"],
    ]) {
      const own = all.filter((problem) => problem.box === name);
      if (editors.get(id)) {
        editors.get(id).mark(own);
      }
      if (name !== "template") {
        sayBelow(document.getElementById(id), own);
      }
    }
    document.querySelectorAll("[data-slot-table] tbody [data-slot]").forEach((row, number) => {
      const own = all.filter((problem) => problem.box === "slots" && problem.line === number + 1);
      sayBelow(row.querySelector('[name$="-name"]').closest("label"), own);
      row.classList.toggle("errors", own.length > 0);
    });
  }

  function markOutput(text, number) {
    const lines = text.split("\n");
    const line = make("mark", { textContent: lines[number - 1] || " " });
    const before = lines.slice(0, number - 1).join("\n");
    const after = lines.slice(number).join("\n");
    output.replaceChildren(before ? `${before}\n` : "", line, after ? `\n${after}` : "");
  }

  /** Put words below a box, or take them away. */
  function sayBelow(element, own) {
    const last = element.parentElement.querySelector(":scope > .live-problem");
    if (!own.length) {
      if (last) {
        last.remove();
      }
      return;
    }
    const [first] = own;
    const place = first.box !== "slots" && first.line ? `Line ${first.line}, column ${first.column}. ` : "";
    const words = last || make("p", { className: "live-problem", role: "status" });
    words.textContent = first.message.includes("line ") ? first.message : `${place}${first.message}`;
    if (!last) {
      element.parentElement.append(words);
    }
  }

  function write(area, text) {
    area.value = text;
    if (editors.get(area.id)) {
      isWriting = true;
      editors.get(area.id).show(text);
      isWriting = false;
    }
  }
  let isWriting = false;

  function go(line, column) {
    const box = editors.get(template.id);
    if (box) {
      box.go(line, column);
    } else {
      const lines = template.value.split("\n");
      const start = lines.slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
      template.focus();
      template.setSelectionRange(start + column - 1, start + column);
    }
  }

  workbench.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-insert]");
    if (!chip) {
      return;
    }
    const box = editors.get(template.id);
    if (box) {
      box.insert(chip.dataset.insert);
    } else {
      template.setRangeText(chip.dataset.insert, template.selectionStart, template.selectionEnd, "end");
      template.focus();
      soon();
    }
  });

  function soon() {
    window.clearTimeout(timer);
    timer = window.setTimeout(check, 350);
  }
  form.addEventListener("input", (event) => {
    if (event.target === sample) {
      if (isWriting) {
        return;
      }
      isSampleWritten = true;
    }
    if (event.target !== device) {
      soon();
    }
  });
  form.addEventListener("change", (event) => {
    if (event.target !== device) {
      soon();
    }
  });
  find("reset-sample").addEventListener("click", () => {
    isSampleWritten = false;
    check();
  });
  samplePart.addEventListener("toggle", () => {
    const box = editors.get(sample.id);
    if (box) {
      box.editor.resize(true);
    }
  });

  window.bootstrapDeviceChoice(workbench, domain, (chosen) => {
    deviceId = chosen;
    check();
  });

  preview.hidden = false;
  problems.hidden = false;
  if (editors.get(template.id)) {
    find("keys-hint").hidden = false;
  }
  // The server's list of lines would tell of the text as it was; links to its lines lead into the editor.
  const listing = document.getElementById("template-lines");
  if (listing) {
    listing.remove();
  }
  problems.id = "template-lines";
  document.addEventListener("click", (event) => {
    const place = event.target.closest("[data-line]");
    if (place) {
      event.preventDefault();
      go(Number(place.dataset.line), Number(place.dataset.column));
    }
  });
  if (window.location.hash === "#template-lines") {
    problems.scrollIntoView();
  }
  check();
})();
