// The regions as a table: count, share, weight in the loss, the commonest categories. A row selects its utterances.

import { make } from "./dom.js";
import { regionColours } from "./palettes.js";
import { regionCount, regionLabels } from "./sphere.js";

export function regionTable(host) {
  const body = make("tbody");
  const weight = host.weighted ? [{ title: "weight", values: () => host.derived.weights }] : [];
  const extra = [...weight, ...(host.regionColumns ?? [])]; // such as the mean error of each run
  const head = make(
    "tr",
    "",
    {},
    ...["region", "count", "share", ...extra.map(({ title }) => title), "commonest categories"].map((text) =>
      make("th", "", { scope: "col", text }),
    ),
  );
  const table = make(
    "table",
    "es-regions",
    {},
    make("caption", "es-hidden", { text: "Regions" }),
    make("thead", "", {}, head),
    body,
  );
  const element = make("div", "es-scroll", {}, table);

  function row(region, figures) {
    const { labels, colours, counts, commonest, columns } = figures;
    const share = counts[region] / Math.max(host.derived.shown, 1);
    const choose = make("button", "es-link", {
      type: "button",
      text: labels[region].replace("azimuth", "az.").replace("elevation", "el."),
    });
    const swatch = make("span", "es-swatch", { style: `background:${colours[region]}`, "aria-hidden": "true" });
    const bar = make("span", "es-bar-share", {
      style: `width:${(60 * share) / figures.most}px`,
      "aria-hidden": "true",
    });
    const cells = [counts[region].toLocaleString("en"), `${(100 * share).toFixed(1)} %`];
    return make(
      "tr",
      "",
      { "data-region": region, onclick: (event) => host.chooseRegion(region, event.shiftKey) },
      make("th", "", { scope: "row" }, swatch, choose),
      make("td", "", { text: cells[0] }),
      make("td", "", {}, bar, cells[1]),
      ...columns.map((values) =>
        make("td", "", { text: Number.isNaN(values[region]) ? "–" : values[region].toFixed(2) }),
      ),
      make("td", "es-words", { text: commonest[region] }),
    );
  }

  function figures() {
    const { grid } = host.state;
    const { regions, mask, shown } = host.derived;
    const count = regionCount(grid);
    const category = host.table.column("category");
    const width = category?.labels.length ?? 0;
    const [counts, among] = [new Int32Array(count), new Int32Array(count * width)];
    for (let i = 0; i < regions.length; i++) {
      if (!mask[i]) continue;
      counts[regions[i]] += 1;
      if (width && category.values[i] >= 0) among[regions[i] * width + category.values[i]] += 1;
    }
    const commonest = Array.from(counts, (all, region) => {
      const own = Array.from(among.subarray(region * width, (region + 1) * width), (n, k) => [n, category.labels[k]]);
      return own
        .filter(([n]) => n)
        .sort((a, b) => b[0] - a[0])
        .slice(0, 3)
        .map(([n, label]) => `${label} ${Math.round((100 * n) / all)} %`)
        .join(", ");
    });
    const most = Math.max(...counts, 1) / Math.max(shown, 1);
    return {
      labels: regionLabels(grid),
      colours: host.derived.patches ?? regionColours(grid, host.data.palettes),
      counts,
      commonest,
      most,
      columns: extra.map(({ values }) => values()),
    };
  }

  let stale = true;
  return {
    element,
    update(changed) {
      stale ||= ["grid", "mask", "run"].some((name) => changed.has(name));
      if (host.state.tab !== "regions") return;
      if (stale) {
        const found = figures();
        body.replaceChildren(...Array.from(found.counts, (_, region) => row(region, found)));
        stale = false;
      }
      for (const line of body.rows)
        line.setAttribute("aria-selected", Number(line.dataset.region) === host.state.region);
    },
  };
}
