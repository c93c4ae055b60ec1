"use strict";
/* Block Kit as nodes. Text goes in as text, never as HTML. `shown` is what the person sees: names are looked up in it. */

/** Makes an element. */
function el(tag, cls, ...kids) {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  node.append(...kids.filter(kid => kid !== null && kid !== undefined));
  return node;
}
/** The same with attributes. */
function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) node.removeAttribute(name);
    else node.setAttribute(name, value === true ? "" : value);
  }
  return node;
}

// --- words ---

const unescape = text => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
const people = () => shown.users.filter(u => !u.bot && !u.gone);
const userOf = id => shown.users.find(u => u.id === id);
const groupOf = id => shown.groups.find(g => g.id === id);
/** Names a channel, and leads to it; one that is not seen from here has no name. */
function channelLink(id, label) {
  const channel = shown.channels.find(c => c.id === id);
  if (!channel) return el("span", "mention", label ? "#" + label : "private channel");
  const there = set(el("a", "mention", channel.name), { href: "#" + id });
  there.onclick = event => { event.preventDefault(); goTo(id); };
  return there;
}

/** Names a person or a group; `label` is the sender's word for one that is not known here. */
function mention(id, label) {
  const mine = id === shown.user || groupOf(id)?.members.includes(shown.user);
  return el("span", "mention" + (mine ? " me" : ""), "@" + ((userOf(id) || groupOf(id))?.name || (label || id).replace(/^@/, "")));
}
function link(url, text) {
  if (!/^(https?:|mailto:)/i.test(url)) return text || url;
  const [, channel, at] = url.match(/^https:\/\/[^/]+\/archives\/(\w+)\/p(\d+)$/) || [];
  if (channel && shown.channels.some(c => c.id === channel)) {
    const there = set(el("a", "", text || url), { href: "#" + at });
    there.onclick = event => { event.preventDefault(); goTo(channel, at.slice(0, -6) + "." + at.slice(-6)); };
    return there;
  }
  return set(el("a", "", text || url), { href: url, target: "_blank", rel: "noopener noreferrer" });
}

const EMOJI = {
  eyes: "👀", white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", rotating_light: "🚨", fire: "🔥", lock: "🔒", key: "🔑",
  smile: "😄", pushpin: "📌", mega: "📣", eight_spoked_asterisk: "✳️", rocket: "🚀", calendar: "📅", mag: "🔍", information_source: "ℹ️", bulb: "💡",
  bell: "🔔", no_bell: "🔕", hourglass: "⌛", thumbsup: "👍", "+1": "👍", "-1": "👎", tada: "🎉", wave: "👋", memo: "📝", shield: "🛡️",
  red_circle: "🔴", large_orange_circle: "🟠", large_yellow_circle: "🟡", large_green_circle: "🟢", large_blue_circle: "🔵", white_circle: "⚪",
};
const emoji = name => EMOJI[name] || ":" + name + ":";

/** Slack's `<!date^…>` in the reader's own time. */
function date(target, label) {
  const [, seconds, format, url] = target.split("^");
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime()) || !format) return label || target;
  const part = options => at.toLocaleDateString("en-US", options), time = options => at.toLocaleTimeString("en-US", options);
  const of = at.getDate(), two = number => String(number).padStart(2, "0");
  // Within half a year nobody needs the year.
  const near = Math.abs(daysFromToday(at)) < 182, year = near ? {} : { year: "numeric" }, comma = near ? "" : ", " + at.getFullYear();
  const nth = of + ({ 1: "st", 2: "nd", 3: "rd" }[of % 10 * (of < 4 || of > 20)] || "th");
  const kinds = {
    date_num: () => [at.getFullYear(), two(at.getMonth() + 1), two(of)].join("-"), date_slash: () => part({ year: "numeric", month: "2-digit", day: "2-digit" }),
    date: () => `${part({ month: "long" })} ${nth}${comma}`, date_short: () => part({ ...year, month: "short", day: "numeric" }),
    date_long: () => `${part({ weekday: "long" })}, ${part({ month: "long" })} ${nth}${comma}`, date_long_full: () => part({ year: "numeric", month: "long", day: "numeric" }),
    time: () => time({ hour: "numeric", minute: "2-digit" }), time_secs: () => time({ hour: "numeric", minute: "2-digit", second: "2-digit" }),
    ago: () => ago(at),
  };
  kinds.day_divider = kinds.date_long;
  const spoken = name => (name.endsWith("_pretty") && { "-1": "yesterday", 0: "today", 1: "tomorrow" }[daysFromToday(at)]) || kinds[name.replace(/_pretty$/, "")]?.();
  const words = format.replace(/\{(\w+)\}/g, (whole, name) => spoken(name) || whole);
  return url ? link(url, words) : words;
}
const daysFromToday = at => Math.round((new Date(at).setHours(12, 0, 0, 0) - new Date(shown.now_ms).setHours(12, 0, 0, 0)) / 86_400_000);
function ago(at) {
  const seconds = Math.round((at - shown.now_ms) / 1000);
  const [unit, length] = [["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]].find(([, length]) => Math.abs(seconds) >= length) || ["second", 1];
  return new Intl.RelativeTimeFormat("en-US", { numeric: "auto" }).format(Math.round(seconds / length), unit);
}

/** One `<…>` of mrkdwn. */
function angle(inner) {
  const [target, label] = inner.split("|").map(unescape);
  if (target.startsWith("@")) return mention(target.slice(1), label);
  if (target.startsWith("#")) return channelLink(target.slice(1), label);
  if (target.startsWith("!subteam^")) return mention(target.slice(9), label);
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!")) return el("span", "mention me", "@" + target.slice(1));
  return link(target, label);
}

/** Slack's mrkdwn as nodes; `verbatim`: bare addresses stay what they are. */
function mrkdwn(text, verbatim) {
  const out = document.createDocumentFragment();
  text.split(/```([\s\S]*?)```/).forEach((part, i) => {
    if (i % 2) return out.append(el("pre", "", unescape(part.replace(/^\n|\n$/g, ""))));
    let quoted = null, before = null;
    for (const line of (i ? part.replace(/^\n/, "") : part).split("\n")) {
      const quote = line.match(/^(?:&gt;|>) ?(.*)/), words = inline(quote ? quote[1] : line, verbatim);
      if (quote && quoted) quoted.append(el("br"), words);
      else if (quote) out.append((quoted = el("blockquote", "", words)));
      else out.append(...(before !== null && !quoted ? [el("br"), words] : [words]));
      if (!quote) quoted = null;
      before = line;
    }
  });
  return out;
}
const MARKS = /(https?:\/\/(?:&amp;|[^\s<>|&])*(?:&amp;|[^\s<>|&.,;:!?)]))|`([^`]+)`|<([^>]+)>|(?<![\w*])\*([^*\n]+)\*(?![\w*])|(?<!\w)_([^_\n]+)_(?!\w)|(?<!\w)~([^~\n]+)~(?!\w)|:([a-z0-9_+-]+):/;
function inline(line, verbatim) {
  const out = document.createDocumentFragment();
  let rest = line;
  for (let found; (found = MARKS.exec(rest)); rest = rest.slice(found.index + found[0].length)) {
    out.append(unescape(rest.slice(0, found.index)));
    const [, address, code, inner, bold, italic, strike, name] = found;
    if (address !== undefined) out.append(verbatim ? unescape(address) : link(unescape(address)));
    else if (code !== undefined) out.append(el("code", "", unescape(code)));
    else if (inner !== undefined) out.append(angle(inner));
    else if (bold !== undefined) out.append(el("b", "", inline(bold, verbatim)));
    else if (italic !== undefined) out.append(el("i", "", inline(italic, verbatim)));
    else if (strike !== undefined) out.append(el("s", "", inline(strike, verbatim)));
    else out.append(emoji(name));
  }
  out.append(unescape(rest));
  return out;
}
/** Plain text, in its lines. */
function plain(text, marks) {
  const out = document.createDocumentFragment();
  const words = line => (marks ? line.replace(/:([a-z0-9_+-]+):/g, (_, name) => emoji(name)) : line);
  text.split("\n").forEach((line, n) => out.append(...(n ? [el("br"), words(line)] : [words(line)])));
  return out;
}
const text = t => (!t ? "" : t.type === "mrkdwn" ? mrkdwn(t.text, t.verbatim) : plain(t.text, t.emoji !== false));

/** Rich text: leaves, and what holds them. */
function leaf(l) {
  const kinds = {
    text: () => plain(l.text), link: () => link(l.url, l.text), user: () => mention(l.user_id), usergroup: () => mention(l.usergroup_id),
    channel: () => channelLink(l.channel_id), broadcast: () => el("span", "mention me", "@" + l.range),
    emoji: () => emoji(l.name), color: () => l.value, date: () => date("!date^" + l.timestamp + "^" + l.format + (l.url ? "^" + l.url : ""), l.fallback),
  };
  let node = (kinds[l.type] || (() => ""))();
  const style = l.style || {};
  for (const [key, tag] of [["code", "code"], ["bold", "b"], ["italic", "i"], ["strike", "s"], ["underline", "u"]]) if (style[key]) node = el(tag, "", node);
  return node;
}
function rich(part) {
  if (part.type === "rich_text_list") {
    const list = el(part.style === "ordered" ? "ol" : "ul", "rich", ...part.elements.map(i => el("li", "", ...i.elements.map(leaf))));
    list.style.paddingLeft = 22 + 22 * (part.indent || 0) + "px";
    list.style.listStyle = (part.style === "ordered" ? ["decimal", "lower-alpha", "lower-roman"] : ["disc", "circle", "square"])[(part.indent || 0) % 3];
    if (part.offset) list.start = part.offset + 1;
    return list;
  }
  const tag = { rich_text_preformatted: "pre", rich_text_quote: "blockquote" }[part.type] || "div";
  return el(tag, "", ...part.elements.map(leaf));
}

// --- what can be pressed and chosen ---

/** Asks first, where Slack would. */
function confirmed(e) {
  if (!e.confirm) return Promise.resolve(true);
  const dialog = $("sure"), { title, text: words, confirm, deny, style } = e.confirm;
  const no = set(el("button", "act", deny.text), { value: "no" }), yes = set(el("button", "act " + (style === "danger" ? "danger" : "primary"), confirm.text), { value: "yes" });
  const form = set(el("form", "", set(el("h3", "", title.text), { id: "sure-title" }), el("div", "", text(words)), el("div", "row", no, yes)), { method: "dialog" });
  dialog.replaceChildren(form);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise(done => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
}
/** What a select offers, as groups of [value, label] pairs; a group without a name is none. */
function choices(e) {
  if (/users_select/.test(e.type)) return [["", people().map(u => [u.id, u.real_name || u.name])]];
  if (/(conversations|channels)_select/.test(e.type)) return [["", shown.channels.filter(c => !c.dm && !c.archived).map(c => [c.id, c.name])]];
  const pairs = options => options.map(o => [o.value, [o.text, o.description].filter(Boolean).map(t => text(t).textContent).join(" · ")]);
  return e.options ? [["", pairs(e.options)]] : (e.option_groups || []).map(g => [text(g.label).textContent, pairs(g.options)]);
}
/** What is chosen: `kept` is the entry of state.values, else what the app proposes. */
function chosen(e, kept) {
  const held = Object.keys(kept).some(key => key !== "type");
  const one = held ? [kept.selected_option, kept.selected_user, kept.selected_channel, kept.selected_conversation] : [e.initial_option, e.initial_user, e.initial_channel, e.initial_conversation];
  const many = held ? [kept.selected_options, kept.selected_users, kept.selected_channels, kept.selected_conversations] : [e.initial_options, e.initial_users, e.initial_channels, e.initial_conversations];
  return [...one, ...many.flatMap(all => all || [])].filter(Boolean).map(o => o.value ?? o);
}

/** An element that acts at once: on a message, the Home, or in a modal outside of inputs. */
function element(e, at) {
  if (e.type === "mrkdwn" || e.type === "plain_text") return el("span", "", text(e));
  if (e.type === "image") return image(e, 20);
  const press = async more => (await confirmed(e)) && act({ ...at, control: e.action_id, ...more });
  if (e.type === "button") return set(button(e, press), { "data-control": e.action_id });
  if (e.type === "overflow") return overflow(e, press);
  const node = field(e, undefined);
  set(node, { role: node.tagName === "DIV" ? "group" : null, "aria-label": e.placeholder ? e.placeholder.text : "Choose", "data-control": e.action_id });
  node.addEventListener("change", () => press({ act: "choose", value: node.read() }));
  return node;
}
function button(e, press) {
  const node = set(el("button", "act " + (e.style || ""), text(e.text)), { type: "button", "aria-label": e.accessibility_label });
  // Not `disabled`, which would take the focus away from who presses by keyboard.
  node.onclick = async () => {
    if (node.ariaDisabled) return;
    visit(e.url);
    node.ariaDisabled = "true";
    await press({ act: "click" });
    node.ariaDisabled = null;
  };
  return node;
}
/** Opens an app's address, and nothing but an address. */
function visit(url) { if (/^https?:/i.test(url || "")) window.open(url, "_blank", "noopener"); }
function overflow(e, press) {
  const menu = set(el("div", ""), { role: "menu", hidden: true });
  const opener = set(el("button", "act", "⋯"), { type: "button", "aria-label": "More actions", "aria-haspopup": "menu", "aria-expanded": "false", "data-control": e.action_id });
  const open = on => { menu.hidden = !on; set(opener, { "aria-expanded": String(on) }); (on ? menu.firstChild : opener).focus(); };
  menu.append(...e.options.map(o => {
    const item = set(el("button", "", text(o.text), o.description ? el("span", "note", text(o.description)) : null), { type: "button", role: "menuitem", tabindex: "-1" });
    item.onclick = () => { open(false); visit(o.url); press({ act: "choose", value: o.value }); };
    return item;
  }));
  opener.onclick = () => open(menu.hidden);
  const node = el("div", "menu", opener, menu);
  node.onkeydown = event => {
    const items = [...menu.children], at = items.indexOf(document.activeElement), steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 };
    if (menu.hidden) return;
    if (event.key === "Escape") { event.stopPropagation(); open(false); }
    if (!(event.key in steps)) return;
    event.preventDefault();
    items[(steps[event.key] + items.length) % items.length].focus();
  };
  node.addEventListener("focusout", event => { if (!node.contains(event.relatedTarget)) { menu.hidden = true; set(opener, { "aria-expanded": "false" }); } });
  return node;
}
function image(e, size) {
  const img = set(el("img"), { alt: e.alt_text || "" });
  if (/^https?:/i.test(e.image_url || "")) img.src = e.image_url;
  if (size) img.width = img.height = size;
  return img;
}

/** A form field for an element, with `read()`; `held` is its entry of state.values. */
function field(e, held) {
  const kept = held || {};
  if (/select$/.test(e.type)) return select(e, kept);
  if (e.type === "radio_buttons" || e.type === "checkboxes") return boxes(e, kept);
  const node = el(e.multiline ? "textarea" : "input");
  const kinds = { datepicker: "date", timepicker: "time", number_input: "number", email_text_input: "email", url_text_input: "url" };
  if (!e.multiline) node.type = kinds[e.type] || "text";
  node.value = kept.value ?? kept.selected_date ?? kept.selected_time ?? e.initial_value ?? e.initial_date ?? e.initial_time ?? "";
  if (e.placeholder) node.placeholder = e.placeholder.text;
  if (e.max_length) node.maxLength = e.max_length;
  if (e.type === "number_input") set(node, { step: e.is_decimal_allowed ? "any" : "1", min: e.min_value, max: e.max_value });
  node.read = () => node.value || null;
  return node;
}
function select(e, kept) {
  const many = e.type.startsWith("multi_"), node = el("select");
  node.multiple = many;
  if (!many) node.append(new Option(e.placeholder ? e.placeholder.text : "Choose…", ""));
  const was = chosen(e, kept);
  for (const [name, pairs] of choices(e)) {
    const options = pairs.map(([value, label]) => new Option(label, value, false, was.includes(value)));
    node.append(...(name ? [set(el("optgroup", "", ...options), { label: name })] : options));
  }
  node.read = () => (many ? [...node.selectedOptions].map(o => o.value) : node.value || null);
  return node;
}
/** Two messages may call their boxes the same: each row of radio buttons has a name of its own. */
let rows = 0;
function boxes(e, kept) {
  const was = chosen(e, kept), name = "boxes-" + ++rows;
  const all = e.options.map(o => set(el("input"), { type: e.type === "checkboxes" ? "checkbox" : "radio", name, value: o.value, checked: was.includes(o.value) }));
  const described = o => (o.description ? el("span", "note", text(o.description)) : null);
  const node = el("div", "boxes", ...all.map((box, i) => el("label", "", box, el("span", "", text(e.options[i].text), described(e.options[i])))));
  node.read = () => { const on = all.filter(b => b.checked).map(b => b.value); return e.type === "checkboxes" ? on : on[0] ?? null; };
  return node;
}
// --- blocks ---

function block(b, at, form) {
  const kinds = {
    header: () => set(el("div", "block header", text(b.text)), { role: "heading", "aria-level": "2" }),
    divider: () => el("hr"),
    section: () => el("div", "block section", el("div", "", text(b.text), b.fields ? el("div", "fields", ...b.fields.map(f => el("div", "", text(f)))) : null), b.accessory ? accessory(b.accessory, at) : null),
    context: () => el("div", "block context", ...b.elements.map(e => element(e, at))),
    actions: () => el("div", "block actions", ...b.elements.map(e => element(e, at))),
    image: () => el("div", "block", b.title ? el("div", "note", text(b.title)) : null, image(b)),
    rich_text: () => el("div", "block", ...b.elements.map(rich)),
    markdown: () => el("div", "block", mrkdwn(b.text)),
    table: () => el("table", "block", ...b.rows.map((r, n) => el("tr", "", ...r.map(c => el(n ? "td" : "th", "", ...(c.type === "rich_text" ? c.elements.map(rich) : [c.text])))))),
    input: () => input(b, form),
  };
  return (kinds[b.type] || (() => el("div", "block note", "[" + b.type + "]")))();
}
/** What stands at the right of a section: a picture is larger there than within a line. */
const accessory = (e, at) => (e.type === "image" ? image(e, 88) : element(e, at));
function input(b, form) {
  if (!form) return el("div", "block", text(b.label));
  const node = field(b.element, (form.values[b.block_id] || {})[b.element.action_id]);
  form.fields.push([b.block_id, node]);
  const id = "field-" + b.block_id, several = node.tagName === "DIV";
  node.required = !b.optional;
  set(node, { id, "aria-describedby": b.hint ? id + "-hint" : null, tabindex: several ? "-1" : null });
  const label = el(several ? "legend" : "label", "label", text(b.label), b.optional ? el("span", "note", " (optional)") : null);
  if (!several) label.htmlFor = id;
  const whole = el(several ? "fieldset" : "div", "block", label, node, b.hint ? set(el("div", "hint", text(b.hint)), { id: id + "-hint" }) : null);
  complain(node, form.errors[b.block_id]);
  return whole;
}
/** Says below a field what is wrong with it; `null`: nothing. */
function complain(node, words) {
  node.parentNode.querySelector(".error")?.remove();
  const id = node.id + "-error";
  set(node, { "aria-invalid": words ? "true" : null, "aria-errormessage": words ? id : null });
  if (words) node.after(set(el("div", "error", words), { id, role: "alert" }));
}
