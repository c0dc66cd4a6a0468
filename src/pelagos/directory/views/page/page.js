// Shows results as the sources answer. Without this file the form is sent and the whole page comes.
"use strict";

const form = document.getElementById("search");
const said = document.getElementById("said");
const table = document.getElementById("results");
const region = table.parentElement;
const away = document.getElementById("sources");
let asking = null;

function put(parent, name, text) {
  const element = document.createElement(name);
  element.textContent = text; // never markup: sources write what they like
  parent.append(element);
  return element;
}

function addRow(body, row) {
  const line = body.insertRow();
  for (const cell of row.cells) {
    const place = line.insertCell();
    if (cell.href) {
      put(place, "a", cell.text).href = cell.href;
    } else {
      place.textContent = cell.text;
    }
  }
  line.insertCell().textContent = row.source;
}

function begin(titles) {
  const head = table.tHead.rows[0];
  head.replaceChildren();
  for (const title of [...titles, "Source"]) {
    put(head, "th", title).scope = "col";
  }
  table.tBodies[0].replaceChildren();
  away.replaceChildren();
  away.hidden = true;
  region.hidden = true;
}

function ask(query) {
  if (asking) {
    asking.close();
  }
  const stream = new EventSource(form.dataset.stream + "?" + query);
  asking = stream;
  table.setAttribute("aria-busy", "true");
  said.textContent = "searching…";
  const end = (text) => {
    stream.close();
    if (asking === stream) {
      asking = null;
      table.removeAttribute("aria-busy");
      said.textContent = text;
    }
  };
  stream.addEventListener("headers", (event) => begin(JSON.parse(event.data).titles));
  stream.addEventListener("source", (event) => {
    const part = JSON.parse(event.data);
    for (const row of part.rows) {
      addRow(table.tBodies[0], row);
    }
    region.hidden = table.tBodies[0].rows.length === 0;
    if (part.away) {
      put(away, "li", part.away);
      away.hidden = false;
    }
  });
  stream.addEventListener("end", (event) => end(JSON.parse(event.data).said));
  stream.onerror = (event) => {
    if (event.data) {
      end(JSON.parse(event.data).reason.join("; "));
      return;
    }
    // Refused (logged out, say) or broken off: the page itself says what is the matter.
    end("the answer broke off; search again");
    if (stream.readyState === EventSource.CLOSED && !table.tBodies[0].rows.length) {
      form.removeEventListener("submit", search);
      form.requestSubmit();
    }
  };
}

function search(event) {
  event.preventDefault();
  const query = new URLSearchParams(new FormData(form)).toString();
  history.pushState(null, "", form.action + "?" + query);
  document.title = form.elements.term.value + " - Directory";
  ask(query);
}

form.addEventListener("submit", search);
// Back and forward: the page of that address.
addEventListener("popstate", () => location.reload());
