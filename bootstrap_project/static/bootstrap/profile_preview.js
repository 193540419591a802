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

  /** A text whose `code` is set as code. */
  function prose(text) {
    const parts = text.split("`");
    return parts.length % 2 ? parts.map((part, n) => (n % 2 ? make("code", { textContent: part }) : part)) : [text];
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
    showFindings([]);
    find("verdict").textContent = "Not checked";
    showState(failure, true);
  }

  function showState(text, isBad) {
    state.textContent = text;
    state.classList.toggle("is-bad", isBad);
  }

  function show(result) {
    preview.classList.remove("is-waiting");
    const whom = result.device || "the sample device";
    output.textContent = result.output === null ? "" : result.output;
    output.hidden = result.output === null;
    if (result.failure) {
      const wrong = result.problems.find((problem) => problem.box === "output");
      const first = result.problems.find((problem) => problem.box === "template" && problem.kind === "error");
      showState(wrong ? `${result.failure} ${wrong.message}` : result.failure, true);
      if (first && first.line) {
        const place = make("button", { type: "button", className: "place" });
        place.textContent = `Line ${first.line}, column ${first.column}`;
        place.addEventListener("click", () => go(first.line, first.column));
        state.append(" ", place, ": ", ...prose(first.message));
        if (first.hint) {
          state.append(make("span", { className: "hint" }, ...prose(first.hint)));
        }
      }
      if (wrong && wrong.line && result.output !== null) {
        markOutput(result.output, wrong.line);
      }
    } else {
      const cut = result.is_cut ? " Only the beginning is shown." : "";
      const unbound = result.unbound || [];
      const missing = unbound.length ? ` It gets nothing before these slots are bound: ${unbound.join(", ")}.` : "";
      showState(`What ${whom} would get, rendered in ${result.milliseconds} ms.${cut}${missing}`, Boolean(missing));
    }
    if (result.sample !== null && !isSampleWritten) {
      write(sample, result.sample);
    }
    samplePart.hidden = Boolean(deviceId);
    showFindings(result.problems);
    showNames(result.names);
  }

  /** Say what is wrong, in the list and at each place. */
  function showFindings(all) {
    list(all);
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

  function list(all) {
    // Errors first: warnings about the whole come before places otherwise.
    const rank = (problem) => (problem.kind === "error" ? 0 : 1e9) + (problem.line || 1e8);
    const own = all.filter((problem) => problem.box === "template").sort((a, b) => rank(a) - rank(b));
    const errors = own.filter((problem) => problem.kind === "error").length;
    const warnings = own.length - errors;
    const count = (number, noun) => `${number} ${noun}${number === 1 ? "" : "s"}`;
    const parts = [errors && count(errors, "error"), warnings && count(warnings, "warning")].filter(Boolean);
    const isWhole = !all.some((problem) => problem.box === "defaults" || problem.box === "slots");
    const calm = isWhole ? "Nothing is wrong" : "Warnings show once the defaults and the slots are valid";
    find("verdict").textContent = parts.length ? `Found ${parts.join(", ")}` : calm;
    problems.classList.toggle("has-errors", errors > 0);
    problems.querySelector("ul").replaceChildren(
      ...own.map((problem) => {
        const item = make("li", { className: problem.kind });
        if (problem.line) {
          const place = make("button", { type: "button", className: "place" });
          place.textContent = `Line ${problem.line}, column ${problem.column}`;
          place.addEventListener("click", () => go(problem.line, problem.column));
          item.append(place, " ");
        }
        if (problem.rule) {
          const href = `${workbench.dataset.rules}#${problem.rule}`;
          item.append(make("a", { className: "badge badge-warn", href, textContent: problem.rule }), " ");
        } else {
          item.append(make("span", { className: "badge badge-bad", textContent: "error" }), " ");
        }
        item.append(...prose(problem.message));
        if (problem.hint) {
          item.append(make("span", { className: "hint" }, ...prose(problem.hint)));
        }
        return item;
      }),
    );
  }

  function showNames(names) {
    for (const section of workbench.querySelectorAll("[data-names]")) {
      const own = names.filter((name) => name.includes(`.${section.dataset.names}`));
      section.querySelector(".chips").replaceChildren(
        ...own.flatMap((name) => {
          const text = `{{ toJSON ${name} }}`;
          const chip = make("button", { type: "button", textContent: name, title: text });
          chip.dataset.insert = text;
          return [chip, " "];
        }),
      );
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
    const link = event.target.closest('a[href^="#line-"]');
    if (link) {
      event.preventDefault();
      const place = /(\d+), column (\d+)/.exec(link.textContent);
      go(Number(link.hash.slice("#line-".length)), place ? Number(place[2]) : 1);
    }
  });
  if (window.location.hash === "#template-lines") {
    problems.scrollIntoView();
  }
  check();
})();
