// Computes figures of this page again from the inputs that it carries, and sounds an alarm where one does not agree.
// Written apart from the program that made the figures. Without JavaScript the page says everything but this.
"use strict";
(() => {
  const held = document.getElementById("inputs-of-figures");
  if (!held) return;
  const given = JSON.parse(held.textContent);

  const shown = (name) => {
    const cell = document.querySelector(`#${CSS.escape(name)} data`);
    return cell ? Number(cell.getAttribute("value") ?? cell.textContent.replace(/,/g, "")) : NaN;
  };

  // Plain arithmetic on other figures of the page: ["/", "capex_usd", "revenue_usd"].
  const operators = { "+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b, "^": (a, b) => a ** b };
  const value = (tree) =>
    typeof tree === "number" ? tree : typeof tree === "string" ? shown(tree) : operators[tree[0]](value(tree[1]), value(tree[2]));

  const sum = (list) => list.reduce((total, each) => total + each, 0);
  const median = (list) => {
    const sorted = [...list].sort((a, b) => a - b), middle = sorted.length >> 1;
    return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  };

  // What capital has to earn and what revenue covers, for one set of judgements (method 5).
  const pays = (vintages, at) => {
    const r = at.discount_rate, life = at.life;
    const alive = vintages.capex_usd.map((usd, i) => [usd, vintages.ages_years[i]]).filter(([, age]) => age < life);
    const spent = sum(alive.map(([usd]) => usd)), whole = 1 - (1 + r) ** -life;
    const years = sum(alive.map(([usd, age]) => usd * (life - age))) / spent;
    const left = at.ai_share * sum(alive.map(([usd, age]) => (usd * (1 - (1 + r) ** -(life - age))) / whole));
    const yearly = ((r / whole) * at.ai_share) / at.cash_margin;
    const found = { required_revenue_usd: spent * yearly, standing_capital_usd: left, remaining_life_years: years };
    if (at.attributable_revenue === undefined) return found;
    const revenue = at.attributable_revenue * (vintages.owned_h100 ? Math.min(vintages.owned_h100 / at.fleet, 1) : 1);
    const earned = (growth) => {
      const x = Math.log1p(growth) - Math.log1p(r);
      return at.cash_margin * revenue * (Math.abs(x) < 1e-9 ? years : Math.expm1(x * years) / x);
    };
    let low = -0.9, high = 20;
    for (let turn = 0; turn < 60; turn++) {
      const middle = (low + high) / 2;
      if (earned(middle) < left) low = middle; else high = middle;
    }
    found.attributable_revenue_usd = revenue;
    found.coverage = revenue / found.required_revenue_usd;
    found.breakeven_growth = earned(-0.9) > left ? -Infinity : earned(20) < left ? Infinity : (low + high) / 2;
    if (vintages.earlier_revenue_usd !== null && vintages.recent_capex_usd !== null)
      found.marginal_coverage = (revenue - vintages.earlier_revenue_usd) / (vintages.recent_capex_usd * yearly);
    return found;
  };

  // What share of computing trains, and what of it cheaper training makes redundant (method 4).
  const redundant = (training, at) => {
    const found = {};
    let summed = null;
    if (at.fleet !== undefined && training.flop_added !== null) {
      found.training_share = (training.flop_added * at.undisclosed_gross_up) / (at.fleet * training.flop_of_an_h100_year * at.utilisation);
      summed = Math.min(found.training_share / at.share_final, 1);
    }
    const rest = at.inference_share === undefined ? null : 1 - at.inference_share;
    const side = Math.sign(at.training_share_readings);
    const trains = training.trains ?? (summed === null ? rest : rest === null ? summed : side < 0 ? summed : side > 0 ? rest : (summed + rest) / 2);
    found.training_share_with_experiments = trains;
    found.redundant_capex_share_gross = trains * (1 - 1 / at.efficiency_gain);
    found.redundant_capex_share = trains * (1 - at.efficiency_gain ** (at.elasticity - 1));
    return found;
  };
  const computed = (each, at) => (each.training ? redundant(each.training, at) : pays(each.vintages, at))[each.quantity];

  // Draws of its own from the same judgements, always the same ones.
  let state = 20250127;
  const random = () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const drawn = { point: ([at]) => at, normal: ([mean, sd]) => mean + sd * Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random()),
    mixture: (of) => { const [kind, at] = of[Math.floor(random() * of.length)]; return drawn[kind](at); },
    uniform: ([low, high]) => low + (high - low) * random(), triangular: ([low, mode, high]) => {
    if (high === low) return low;
    const u = random(), turn = (mode - low) / (high - low);
    return u < turn ? low + Math.sqrt(u * (high - low) * (mode - low)) : high - Math.sqrt((1 - u) * (high - low) * (high - mode));
  } };
  const draw = (driver) =>
    Math.min(Math.max(driver.scale * sum(driver.parts.map(([kind, at]) => drawn[kind](at))), driver.minimum), driver.maximum);

  // Each way gives, by the column it is of, a figure; or says itself whether the one on the page agrees.
  const ways = {
    arithmetic: (each) => ({ found: value(each.tree) }),
    price: ({ offers, of }) => ({ found: { low: Math.min(...offers), mid: median(offers), high: Math.max(...offers) }[of] }),
    cost: ({ offers, gpu_hours, of }) => ({ found: gpu_hours * { low: Math.min(...offers), mid: median(offers), high: Math.max(...offers) }[of] }),
    abnormal_return: ({ firms, benchmark, log }) => {
      const alpha = shown("alpha"), beta = shown("beta");
      const change = (closes, day) => (log ? Math.log(closes[day] / closes[day - 1]) : closes[day] / closes[day - 1] - 1);
      let total = 0;
      for (let day = 1; day < benchmark.length; day++)
        total += sum(firms.map((closes) => change(closes, day))) / firms.length - alpha - beta * change(benchmark, day);
      return { found: total };
    },
    at_values: (each) => ({ found: computed(each, each.values) }),
    quantile: (each, name) => {
      const { drivers, share } = each, draws = 20000, figures = [];
      for (let turn = 0; turn < draws; turn++)
        figures.push(computed(each, Object.fromEntries(drivers.map((driver) => [driver.name, draw(driver)]))));
      figures.sort((a, b) => a - b);
      // The figure is a quantile where as many draws as that lie below it, give or take five standard errors; draws that
      // are the figure itself, within rounding, count on either side.
      const claimed = shown(name), near = 1e-9 * Math.abs(claimed) + 1e-12, few = 5 * Math.sqrt((share * (1 - share)) / draws) + 0.002;
      const below = figures.filter((figure) => figure < claimed - near).length / draws;
      const above = figures.filter((figure) => figure > claimed + near).length / draws;
      const agrees = below <= share + few && above <= 1 - share + few;
      return { found: figures[Math.floor(share * draws)], agrees, by: `${draws.toLocaleString("en")} draws of its own` };
    },
  };

  for (const [name, each] of Object.entries(given)) {
    const cell = document.querySelector(`#${CSS.escape(name)} data`);
    if (!cell) continue;
    let result;
    try { result = ways[each.way](each, name); } catch (problem) { result = { found: NaN }; }
    const claimed = shown(name);
    const agrees = result.agrees ?? Math.abs(result.found - claimed) <= 1e-6 * Math.abs(claimed) + 1e-9;
    const said = document.createElement(agrees ? "small" : "strong");
    said.className = agrees ? "agrees" : "alarm";
    if (agrees) {
      said.textContent = `Computed again here${result.by ? ` by ${result.by}` : ""}: it agrees.`;
      cell.parentElement.append(said);
    } else {
      said.setAttribute("role", "alert");
      said.textContent = `Does not agree with its inputs. The page says ${cell.textContent}; they give ${Number.isFinite(result.found) ? result.found.toPrecision(6) : "no figure"}.`;
      cell.replaceWith(said);
    }
  }
})();
