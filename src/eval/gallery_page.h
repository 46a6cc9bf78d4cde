// The fixed text of the gallery: style, controls and script. Data comes as JSON in the element
// `data`.
#pragma once

namespace reasonbrain::eval {

constexpr const char* kGalleryHead = R"page(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ReasonBrain evaluation</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5em; color: #222; background: #fff; }
table { border-collapse: collapse; margin: 0 0 1em; }
th, td { padding: .2em .7em; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; }
form { position: sticky; top: 0; background: #fff; padding: .6em 0; border-bottom: 1px solid #bbb; }
form > * { margin-right: .6em; }
.sample { border-bottom: 1px solid #ddd; padding: .8em 0; }
.pictures { display: flex; flex-wrap: wrap; gap: .8em; }
figure { margin: 0; max-width: 192px; font-size: 13px; }
figure img { width: 192px; height: 192px; object-fit: contain; image-rendering: pixelated; background: #eee; }
.right { color: #06692e; } .wrong { color: #a11; } .meta { color: #666; font-size: 13px; }
@media (prefers-color-scheme: dark) {
  body, form { background: #161616; color: #ddd; } figure img { background: #333; }
  .right { color: #6d6; } .wrong { color: #f88; } .meta { color: #999; }
}
</style>
<h1>ReasonBrain evaluation</h1>
)page";

constexpr const char* kGalleryControls = R"page(<form onsubmit="return false">
<input id="search" type="search" placeholder="words of the instruction or id">
<select id="category"><option value="">every category</option></select>
<select id="scenario"><option value="">every scenario</option></select>
<select id="method"></select>
<select id="verdict"><option value="">right and wrong</option><option value="right">right</option>
<option value="wrong">wrong</option><option value="failed">failed</option></select>
<select id="sort"><option value="">order of the data</option></select>
<span id="count"></span>
</form>
<div id="samples"></div>
<p><button id="more" type="button">show more</button></p>
)page";

constexpr const char* kGalleryScript = R"page(<script>
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const PAGE = 100;
const control = name => document.getElementById(name);
let shown = PAGE;

function element(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}
function option(select, value, text) {
  const e = element('option', '', text);
  e.value = value;
  select.append(e);
}
function verdict(output) {
  if (!output || output.failed) return 'failed';
  return output.values[data.verdict_metric] === 1 ? 'right' : 'wrong';
}
function picture(path, caption, className) {
  const f = element('figure');
  if (path) {
    const i = element('img');
    i.loading = 'lazy';
    i.src = path;
    i.alt = caption;
    f.append(i);
  }
  f.append(element('figcaption', className || '', caption));
  return f;
}
function numbers(output) {
  return data.metrics.map((name, k) => output.values[k] === null ? null :
      name + ' ' + Number(output.values[k].toFixed(3))).filter(t => t).join(', ');
}
function sampleElement(s) {
  const box = element('div', 'sample');
  box.append(element('div', '', s.instruction));
  box.append(element('div', 'meta', [s.id, s.category, s.scenario, s.outcome].filter(t => t).join(' · ')));
  const row = element('div', 'pictures');
  row.append(picture(s.source, 'source'));
  s.outputs.forEach((output, m) => {
    const v = verdict(output);
    const f = picture(output.image, data.methods[m] + ': ' + v, v === 'right' ? 'right' : 'wrong');
    f.append(element('div', 'meta', output.failed || numbers(output)));
    row.append(f);
    if (output.nearest) row.append(picture(output.nearest_image, 'worst alternative: ' + output.nearest, 'meta'));
  });
  row.append(picture(s.target, 'target'));
  box.append(row);
  return box;
}
function show() {
  const method = Number(control('method').value);
  const words = control('search').value.toLowerCase().split(' ').filter(w => w);
  const sort = control('sort').value;
  let found = data.samples.filter(s =>
    (!control('category').value || s.category === control('category').value) &&
    (!control('scenario').value || s.scenario === control('scenario').value) &&
    (!control('verdict').value || verdict(s.outputs[method]) === control('verdict').value) &&
    words.every(w => (s.id + ' ' + s.instruction).toLowerCase().includes(w)));
  if (sort !== '') {
    const value = s => {
      const output = s.outputs[method];
      const v = output ? output.values[Number(sort)] : null;
      return v === null ? Infinity : v;
    };
    found = found.slice().sort((a, b) => value(a) - value(b));
  }
  control('count').textContent = found.length + ' of ' + data.samples.length + ' samples';
  control('samples').replaceChildren(...found.slice(0, shown).map(sampleElement));
  control('more').hidden = found.length <= shown;
}
for (const name of ['category', 'scenario']) {
  for (const value of [...new Set(data.samples.map(s => s[name]))].filter(v => v).sort()) {
    option(control(name), value, value);
  }
}
data.methods.forEach((name, m) => option(control('method'), m, name));
data.metrics.forEach((name, k) => option(control('sort'), k, 'lowest ' + name + ' first'));
for (const name of ['search', 'category', 'scenario', 'method', 'verdict', 'sort']) {
  control(name).addEventListener('input', () => { shown = PAGE; show(); });
}
control('more').addEventListener('click', () => { shown += PAGE; show(); });
show();
</script>
</html>
)page";

}  // namespace reasonbrain::eval
