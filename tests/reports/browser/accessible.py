"""What axe finds in a page, without the minutes that it takes over what nobody sees.

Axe weighs the colours of text that nobody sees before it passes over it: ten seconds for the closed folds of the
dictionary. So where much is not rendered, its rules are asked of the document without that, which is put back afterwards.
The few that hold for what is not rendered, too, are also asked of the whole document.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import axe_playwright_python

AXE = Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")

MANY = 2_000
"""Elements that are not rendered, from which on it is worth asking twice."""

RUN = """async (many) => {
  const found = async (more) =>
    (await axe.run(document, {resultTypes: ['violations'], preload: false, ...more})).violations
      .map(rule => `${rule.id} (${rule.nodes.length}): ${rule.nodes[0].html.slice(0, 160)}`);
  const ofLooks = ['color-contrast', 'link-in-text-block'];
  const ofAll = axe._audit.rules
    .filter(rule => !rule.excludeHidden && rule.enabled && !rule.tags.includes('experimental') && !ofLooks.includes(rule.id))
    .map(rule => rule.id);
  if (!ofAll.length) throw new Error('axe names its rules in another way');
  const hidden = [...document.body.querySelectorAll('*')].filter(element => !element.checkVisibility()).length;
  if (hidden < many) return await found({});
  const whole = await found({runOnly: {type: 'rule', values: ofAll}});
  const out = [];
  const takeOut = (element) => {
    if (element.checkVisibility()) return [...element.children].forEach(takeOut);
    const mark = document.createComment('');
    element.replaceWith(mark);
    out.push([mark, element]);
  };
  [...document.body.children].forEach(takeOut);
  const seen = await found({});
  out.reverse().forEach(([mark, element]) => mark.replaceWith(element));
  return [...new Set([...whole, ...seen])];
}"""


def violations(page: Any) -> list[str]:
    """Each rule that is broken, with how often and the first place."""
    page.evaluate(AXE)
    return page.evaluate(RUN, MANY)
