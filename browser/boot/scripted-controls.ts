// Controls that only work with scripts are rendered hidden, and shown once scripts run.

import { findAll } from "../dom.ts";
import { Attribute } from "../names.ts";

export function showScriptedControls() {
  for (const element of findAll(`[${Attribute.Copies}], [${Attribute.NeedsScript}]`)) element.hidden = false;
  for (const element of findAll(`[${Attribute.Shares}]`)) element.hidden = !("share" in navigator);
}
